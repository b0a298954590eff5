#include "files/layers/norm.h"

void glueball::declare_group_norm(LayerKinds& kinds) {
  const auto read = [](LayerReader& in) {
    Shape channels;
    const auto settings = read_norm<Normalisation::Settings>(in, channels);
    const std::int64_t groups = in.divisor("num_groups", channels[0]);
    return std::make_shared<GroupNorm>(in.name(), in.parameter("gamma", channels, settings.scale),
                                       in.parameter("beta", channels, settings.center), groups,
                                       settings.epsilon);
  };
  const auto write = [](const GroupNorm& layer, LayerWriter& out) {
    write_norm(layer, out);
    out.integer("num_groups", layer.groups());
  };
  kinds.add<GroupNorm>("GroupNorm", read, write);
}
