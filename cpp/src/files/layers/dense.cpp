#include "glueball/dense.h"

#include "core/read_section.h"
#include "files/layer_kinds.h"

void glueball::declare_dense(LayerKinds& kinds) {
  const auto read = [](LayerReader& in) {
    const std::int64_t units = in.integer("units", 1);
    const std::int64_t in_units = in.integer("in_units", 1);
    const bool use_bias = in.flag("use_bias");
    const bool flatten = in.flag("flatten");
    ActivationFunction activation = in.function("activation");
    if (in.has("alpha")) activation = in.function(activation.kind, "alpha");
    auto weight = in.parameter("weight", {units, in_units});
    auto bias = use_bias ? in.parameter("bias", {units}) : nullptr;
    return std::make_shared<Dense>(in.name(), std::move(weight), std::move(bias), activation,
                                   flatten);
  };
  const auto write = [](const Dense& layer, LayerWriter& out) {
    out.integer("units", layer.units());
    const ReadSection section;
    out.integer("in_units", layer.weight()->values().shape()[1]);
    out.flag("use_bias", layer.bias() != nullptr);
    out.flag("flatten", layer.flatten());
    const ActivationFunction& function = layer.activation();
    if (function.kind == ActivationKind::identity) {
      out.null("activation");
      return;
    }
    out.text("activation", to_string(function.kind));
    if (!function.has_usual_alpha()) out.number("alpha", function.alpha);
  };
  kinds.add<Dense>("Dense", read, write);
}
