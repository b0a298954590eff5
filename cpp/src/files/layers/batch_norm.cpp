#include "files/layers/norm.h"

void glueball::declare_batch_norm(LayerKinds& kinds) {
  const auto read = [](LayerReader& in) {
    Shape channels;
    auto settings = read_norm<BatchNorm::Settings>(in, channels);
    settings.axis = in.integer("axis", least_axis);
    settings.momentum = in.number("momentum", 0.0, 1.0);
    settings.use_global_stats = in.flag("use_global_stats");
    return std::make_shared<BatchNorm>(in.name(), in.parameter("gamma", channels, settings.scale),
                                       in.parameter("beta", channels, settings.center),
                                       in.parameter("running_mean", channels, false),
                                       in.parameter("running_var", channels, false), settings);
  };
  const auto write = [](const BatchNorm& layer, LayerWriter& out) {
    write_norm(layer, out);
    out.integer("axis", layer.axis());
    out.number("momentum", layer.momentum());
    out.flag("use_global_stats", layer.use_global_stats());
  };
  kinds.add<BatchNorm>("BatchNorm", read, write);
}
