#include "glueball/flatten.h"

#include "files/layer_kinds.h"

void glueball::declare_flatten(LayerKinds& kinds) {
  const auto read = [](LayerReader& in) { return std::make_shared<Flatten>(in.name()); };
  const auto write = [](const Flatten&, LayerWriter&) {};
  kinds.add<Flatten>("Flatten", read, write);
}
