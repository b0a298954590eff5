#pragma once

// What several layers do alike. Internal: not installed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/describe.h"
#include "core/refuse.h"
#include "glueball/layer.h"

namespace glueball {

/// The product of the axes [first, last), or unknown if one of them is.
inline std::int64_t product(const Shape& shape, std::size_t first, std::size_t last) noexcept {
  std::int64_t result = 1;
  for (std::size_t axis = first; axis < last; ++axis) {
    if (shape[axis] == Shape::unknown) return Shape::unknown;
    result *= shape[axis];
  }
  return result;
}

/// A new parameter "<layer's name>_<name>", which waits for its shape where that is not known.
inline std::shared_ptr<Parameter> own_parameter(const Layer& layer, const std::string& name,
                                                const Shape& shape, Dtype dtype,
                                                std::shared_ptr<const Initializer> init,
                                                bool differentiable = true) {
  Parameter::Settings settings;
  settings.dtype = dtype;
  settings.init = std::move(init);
  settings.allow_deferred_init = true;
  settings.differentiable = differentiable;
  return std::make_shared<Parameter>(layer.name() + "_" + name, shape, std::move(settings));
}

/// @throws InputError unless `output_grad` is like the output that `layer` gave in the recorded
/// forward.
inline void check_output_grad(const Layer& layer, const Tensor& output_grad, const Tensor& output) {
  if (output_grad.shape() == output.shape() && output_grad.dtype() == output.dtype()) return;
  refuse<InputError>({"a head gradient of shape ", output.shape(), " and dtype ", output.dtype(),
                      " for '", layer.name(), "'"},
                     {describe(output_grad)}, {"pass one like the output"});
}

/// @throws DtypeError unless `input` has the dtype of the layer's parameter, which is `dtype`.
inline void check_input_dtype(const Layer& layer, const Tensor& input, const Parameter& parameter,
                              Dtype dtype) {
  if (input.dtype() == dtype) return;
  refuse<DtypeError>({"input of dtype ", dtype, " for '", layer.name(),
                      "', which is that of its Parameter '", parameter.name(), "'"},
                     {"shape ", describe(input)},
                     {"cast the input, with astype('", dtype, "'), or the layer, with cast('",
                      input.dtype(), "')"});
}

/// The parameter's arrays. @throws InputError unless they have the shape and dtype that the
/// recorded forward of `layer` used.
inline const Parameter::Arrays& check_recorded(const Layer& layer, const Parameter& parameter,
                                               const Shape& shape, Dtype dtype) {
  const Parameter::Arrays& arrays = parameter.arrays();
  const Tensor& now = arrays.data;
  if (now.shape() == shape && now.dtype() == dtype) return arrays;
  refuse<InputError>({"Parameter '", parameter.name(), "' of '", layer.name(),
                      "' as it was in the recorded forward, ", shape, ", ", dtype},
                     {describe(now)},
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
                     {extra.defined() ? describe(extra) : "a record without one"},
                     {"pass that of the layer's own forward"});
}

/// @throws InputError if `input` is an empty Tensor.
inline void check_defined(const Layer& layer, const Tensor& input) {
  if (input.defined() || (input.shape().rank() > 0 && input.size() == 0)) return;
  refuse<InputError>({"an array as the input of '", layer.name(), "'"}, {"an empty Tensor"},
                     {"pass one with numbers"});
}

}  // namespace glueball
