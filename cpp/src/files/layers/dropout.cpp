#include "glueball/dropout.h"

#include "files/layer_kinds.h"

void glueball::declare_dropout(LayerKinds& kinds) {
  const auto read = [](LayerReader& in) {
    const double rate = in.number("rate", 0.0, 1.0);
    std::vector<std::int64_t> axes;
    if (in.has("axes")) axes = in.axes("axes");
    return std::make_shared<Dropout>(in.name(), rate, std::move(axes));
  };
  const auto write = [](const Dropout& layer, LayerWriter& out) {
    out.number("rate", layer.rate());
    if (layer.axes().empty()) return;
    std::string axes;
    for (const std::int64_t axis : layer.axes()) {
      axes += (axes.empty() ? "" : ",") + std::to_string(axis);
    }
    out.raw("axes", "[" + axes + "]");
  };
  kinds.add<Dropout>("Dropout", read, write);
}
