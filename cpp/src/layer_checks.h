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

}  // namespace glueball
