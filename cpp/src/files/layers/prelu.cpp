#include "glueball/prelu.h"

#include "files/layer_kinds.h"

void glueball::declare_prelu(LayerKinds& kinds) {
  const auto read = [](LayerReader& in) {
    const Shape slopes{in.integer("in_channels", 1)};
    return std::make_shared<PReLU>(in.name(), in.parameter("alpha", slopes));
  };
  const auto write = [](const PReLU& layer, LayerWriter& out) {
    out.integer("in_channels", layer.alpha()->data().size());
  };
  kinds.add<PReLU>("PReLU", read, write);
}
