#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "glueball/export.h"
#include "glueball/initializer.h"
#include "glueball/sequential.h"

namespace glueball {

/// Who chose the initializer of a parameter.
enum class InitializerOrigin : std::uint8_t {
  layer,           ///< the layer: it wins
  given,           ///< what `initialize()` is given
  global_default,  ///< nobody: Uniform(0.07)
};

/// Mean and standard deviation.
struct Moments {
  double mean = 0.0;  ///< Of all elements.
  double sd = 0.0;    ///< Around that mean.
};

/// What fills one parameter, and what comes of it.
struct GLUEBALL_API ParameterExplanation {
  std::string path;            ///< Its first place: "0.weight".
  std::optional<Shape> shape;  ///< As far as it is known.
  /// What fills it; for `given` and `global_default` by the hook for its kind, so that a bias is 0.
  std::shared_ptr<const Initializer> initializer;
  InitializerOrigin origin = InitializerOrigin::layer;  ///< Who chose that.
  std::optional<Moments> expected;  ///< Of one draw for its shape; none while that is unknown.
  std::optional<Moments> actual;    ///< Of the values that it has.
};

/// What `net.initialize(init)` gives each parameter, in order; Block.explain() of Python.
///
/// Changes nothing: what is expected is measured on a draw of its own.
/// @throws what an initializer throws that does not fit its parameter.
GLUEBALL_API std::vector<ParameterExplanation> explain(
    const Sequential& net, const std::shared_ptr<const Initializer>& init = nullptr);

/// Of all elements, in float64. @throws ArgumentError if there are none.
GLUEBALL_API Moments moments_of(const Tensor& values);

}  // namespace glueball
