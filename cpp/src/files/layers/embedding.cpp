#include "glueball/embedding.h"

#include "files/layer_kinds.h"

void glueball::declare_embedding(LayerKinds& kinds) {
  const auto read = [](LayerReader& in) {
    const std::int64_t input_dim = in.integer("input_dim", 1);
    const std::int64_t output_dim = in.integer("output_dim", 1);
    return std::make_shared<Embedding>(in.name(), in.parameter("weight", {input_dim, output_dim}));
  };
  const auto write = [](const Embedding& layer, LayerWriter& out) {
    out.integer("input_dim", layer.weight()->data().shape()[0]);
    out.integer("output_dim", layer.weight()->data().shape()[1]);
  };
  kinds.add<Embedding>("Embedding", read, write);
}
