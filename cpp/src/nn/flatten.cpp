#include "glueball/flatten.h"

#include "core/refuse.h"
#include "nn/layer_support.h"

namespace glueball {

Shape Flatten::infer_shape(const Shape& input) {
  if (input.rank() == 0) {
    refuse<InputError>({"an input with a batch axis for '", name(), "'"}, {"shape ()"},
                       {"pass an array of one axis or more"});
  }
  // (n,) is n samples of one feature, as Gluon has it: the product of no axes is 1.
  const Shape rest(input.begin() + 1, input.rank() - 1);
  return {input[0], rest.is_known() ? rest.elements() : Shape::unknown};
}

Tensor Flatten::forward(const Tensor& input, const ForwardMode&, LayerRecord* record) {
  Tensor output = input.reshaped(infer_shape(input.shape()));
  if (record != nullptr) {
    record->input = input;
    record->output = output;
  }
  return output;
}

Tensor Flatten::backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                         const BackwardPass&) {
  check_output_grad(*this, output_grad, record.output);
  if (!need_input_grad) return {};
  return output_grad.reshaped(record.input.shape());
}

}  // namespace glueball
