#pragma once

// Checks that several layers make. Internal: not installed.

#include <string>

#include "glueball/error.h"
#include "glueball/layer.h"
#include "refuse.h"

namespace glueball {

/// @throws InputError unless `output_grad` is like the output that `layer` gave in the recorded
/// forward.
inline void check_output_grad(const Layer& layer, const Tensor& output_grad, const Tensor& output) {
  if (output_grad.shape() == output.shape() && output_grad.dtype() == output.dtype()) return;
  refuse<InputError>({"a head gradient of shape ", output.shape(), " and dtype ", output.dtype(),
                      " for '", layer.name(), "'"},
                     {output_grad.shape(), ", ", output_grad.dtype()},
                     {"pass one like the output"});
}

/// @throws DtypeError unless `input` has the dtype of the layer's parameter.
inline void check_input_dtype(const Layer& layer, const Tensor& input, const Parameter& parameter) {
  if (input.dtype() == parameter.dtype()) return;
  const std::string own = to_string(parameter.dtype());
  const std::string given = to_string(input.dtype());
  refuse<DtypeError>(
      {"input of dtype ", own, " for '", layer.name(), "', which is that of its Parameter '",
       parameter.name(), "'"},
      {"shape ", input.shape(), ", ", given},
      {"cast the input, with astype('", own, "'), or the layer, with cast('", given, "')"});
}

/// @throws InputError if the layer's parameter is not like `recorded`, which the recorded forward
/// used.
inline void check_recorded(const Layer& layer, const Parameter& parameter, const Shape& shape,
                           Dtype dtype) {
  const Tensor& now = parameter.values();
  if (now.shape() == shape && now.dtype() == dtype) return;
  refuse<InputError>({"Parameter '", parameter.name(), "' of '", layer.name(),
                      "' as it was in the recorded forward, ", shape, ", ", dtype},
                     {now.shape(), ", ", now.dtype()},
                     {"cast or initialize parameters before the forward or after backward"});
}

/// @throws InputError unless the output that a record keeps has the shape of the layer's own.
inline void check_record(const Layer& layer, const LayerRecord& record, const Shape& output) {
  if (record.output.shape() == output) return;
  refuse<InputError>({"a record of '", layer.name(), "', with an output of shape ", output},
                     {record.output.shape()}, {"pass that of the layer's own forward"});
}

/// @throws InputError unless `extra` is what the layer keeps of a recorded forward.
inline void check_extra(const Layer& layer, const Tensor& extra, const Shape& shape, Dtype dtype) {
  if (extra.defined() && extra.shape() == shape && extra.dtype() == dtype) return;
  refuse<InputError>({"a record of a forward of '", layer.name(), "', with an array of shape ",
                      shape, " and dtype ", dtype},
                     {extra.defined() ? to_string(extra.shape()) + ", " + to_string(extra.dtype())
                                      : "a record without one"},
                     {"pass that of the layer's own forward"});
}

/// @throws InputError if `input` refers to nothing.
inline void check_defined(const Layer& layer, const Tensor& input) {
  if (input.defined() || (input.shape().rank() > 0 && input.size() == 0)) return;
  refuse<InputError>({"an array as the input of '", layer.name(), "'"},
                     {"a Tensor that refers to nothing"}, {"pass one with numbers"});
}

}  // namespace glueball
