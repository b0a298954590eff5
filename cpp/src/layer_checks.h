#pragma once

// Checks that several layers make. Internal: not installed.

#include <string>

#include "glueball/error.h"
#include "glueball/layer.h"

namespace glueball {

/// @throws InputError unless `output_grad` is like the output that `layer` gave in the recorded
/// forward.
inline void check_output_grad(const Layer& layer, const Tensor& output_grad, const Tensor& output) {
  if (output_grad.shape() == output.shape() && output_grad.dtype() == output.dtype()) return;
  throw InputError({"a head gradient of shape " + to_string(output.shape()) + " and dtype " +
                        to_string(output.dtype()) + " for '" + layer.name() + "'",
                    to_string(output_grad.shape()) + ", " + to_string(output_grad.dtype()),
                    "pass one like the output"});
}

/// @throws DtypeError unless `input` has the dtype of the layer's parameter.
inline void check_input_dtype(const Layer& layer, const Tensor& input, const Parameter& parameter) {
  if (input.dtype() == parameter.dtype()) return;
  const std::string own = to_string(parameter.dtype());
  const std::string given = to_string(input.dtype());
  throw DtypeError(
      {"input of dtype " + own + " for '" + layer.name() + "', which is that of its Parameter '" +
           parameter.name() + "'",
       "shape " + to_string(input.shape()) + ", " + given,
       "cast the input, with astype('" + own + "'), or the layer, with cast('" + given + "')"});
}

/// @throws InputError if the layer's parameter is not like `recorded`, which the recorded forward
/// used.
inline void check_recorded(const Layer& layer, const Parameter& parameter, const Shape& shape,
                           Dtype dtype) {
  const Tensor& now = parameter.values();
  if (now.shape() == shape && now.dtype() == dtype) return;
  throw InputError({"Parameter '" + parameter.name() + "' of '" + layer.name() +
                        "' as it was in the recorded forward, " + to_string(shape) + ", " +
                        to_string(dtype),
                    to_string(now.shape()) + ", " + to_string(now.dtype()),
                    "cast or initialize parameters before the forward or after backward"});
}

}  // namespace glueball
