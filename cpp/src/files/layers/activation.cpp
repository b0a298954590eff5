#include "glueball/activation.h"

#include "files/layer_kinds.h"

namespace glueball {
namespace {

/// A kind that is one function, without settings.
template <ActivationKind Kind>
void add(LayerKinds& kinds, const char* name) {
  kinds.add(name, [](LayerReader& in) { return std::make_shared<Activation>(in.name(), Kind); });
}

/// A kind that is one function, with a parameter that files call `Key`.
template <ActivationKind Kind, const char* Key>
void add(LayerKinds& kinds, const char* name) {
  kinds.add(name, [](LayerReader& in) {
    return std::make_shared<Activation>(in.name(), in.function(Kind, Key));
  });
}

constexpr char alpha[] = "alpha";
constexpr char beta[] = "beta";

}  // namespace

void declare_activation(LayerKinds& kinds) {
  const auto read = [](LayerReader& in) {
    return std::make_shared<Activation>(in.name(), in.function("function"));
  };
  const auto write = [](const Activation& layer, LayerWriter& out) {
    const ActivationFunction& function = layer.function();
    if (function.has_usual_alpha()) {
      out.text("function", to_string(function.kind));
    } else if (function.kind == ActivationKind::silu) {
      out.rename("Swish");
      out.number(beta, function.alpha);
    } else {  // no others have a parameter
      out.rename(function.kind == ActivationKind::elu ? "ELU" : "LeakyReLU");
      out.number(alpha, function.alpha);
    }
  };
  kinds.add<Activation>("Activation", read, write);
  add<ActivationKind::elu, alpha>(kinds, "ELU");
  add<ActivationKind::gelu>(kinds, "GELU");
  add<ActivationKind::identity>(kinds, "Identity");
  add<ActivationKind::leaky_relu, alpha>(kinds, "LeakyReLU");
  add<ActivationKind::selu>(kinds, "SELU");
  add<ActivationKind::silu>(kinds, "SiLU");
  add<ActivationKind::silu, beta>(kinds, "Swish");
}

}  // namespace glueball
