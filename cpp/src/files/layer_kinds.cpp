#include "files/layer_kinds.h"

#include <algorithm>

namespace glueball {

const LayerKinds& LayerKinds::all() {
  static const LayerKinds kinds = [] {
    LayerKinds made;
#define GLUEBALL_ADD(layer) declare_##layer(made);
    GLUEBALL_LAYERS(GLUEBALL_ADD)
    return made;
  }();
  return kinds;
}

const LayerKind* LayerKinds::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(kinds_, name, &LayerKind::name);
  return found == kinds_.end() ? nullptr : &*found;
}

const LayerKind* LayerKinds::find(const Layer& layer) const noexcept {
  const auto found = std::ranges::find_if(kinds_, [&](const LayerKind& kind) {
    return kind.type != nullptr && *kind.type == typeid(layer);
  });
  return found == kinds_.end() ? nullptr : &*found;
}

std::vector<std::string> LayerKinds::names() const {
  std::vector<std::string> names{"Sequential", "HybridSequential"};
  for (const LayerKind& kind : kinds_) names.emplace_back(kind.name);
  return names;
}

}  // namespace glueball
