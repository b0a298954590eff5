#pragma once

// Which layers a one-file model can hold (docs/model-format.md). Internal: not installed.

#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "files/layer_reader.h"
#include "files/layer_writer.h"
#include "glueball/layer.h"

namespace glueball {

/// What files call a layer, and how its settings are read and written.
struct LayerKind {
  std::string_view name;
  std::shared_ptr<Layer> (*read)(LayerReader&);
  /// The class that `write` takes: exactly it, since a subclass may compute something else. Null
  /// for a kind that another one writes.
  const std::type_info* type = nullptr;
  void (*write)(const Layer&, LayerWriter&) = nullptr;
};

/// Every kind but chains. A layer declares its own: for each of GLUEBALL_LAYERS, below,
/// files/layers/<layer>.cpp defines `declare_<layer>`.
class LayerKinds {
 public:
  static const LayerKinds& all();

  /// Adds a kind that is a class of its own; functions are given as lambdas that hold nothing.
  template <class L, class Read, class Write>
  void add(std::string_view name, Read read, Write) {
    add(name, read);
    kinds_.back().type = &typeid(L);
    kinds_.back().write = [](const Layer& layer, LayerWriter& out) {
      Write{}(static_cast<const L&>(layer), out);
    };
  }
  /// Adds a kind whose layers another one writes.
  template <class Read>
  void add(std::string_view name, Read) {
    kinds_.push_back({name, [](LayerReader& in) -> std::shared_ptr<Layer> { return Read{}(in); }});
  }

  /// The kind of this name, or of exactly this layer's class; null if there is none.
  const LayerKind* find(std::string_view name) const noexcept;
  const LayerKind* find(const Layer& layer) const noexcept;

  /// The names of chains and of all kinds.
  std::vector<std::string> names() const;

 private:
  std::vector<LayerKind> kinds_;
};

// A list, because a linker leaves out of a static library what nothing names.
#define GLUEBALL_LAYERS(f)                                                              \
  f(activation) f(batch_norm) f(dense) f(dropout) f(embedding) f(flatten) f(group_norm) \
      f(instance_norm) f(layer_norm) f(prelu)

#define GLUEBALL_DECLARE(layer) void declare_##layer(LayerKinds& kinds);
GLUEBALL_LAYERS(GLUEBALL_DECLARE)
#undef GLUEBALL_DECLARE

}  // namespace glueball
