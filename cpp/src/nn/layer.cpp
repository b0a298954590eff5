#include "glueball/layer.h"

#include "nn/chain_step.h"

namespace glueball {

void Layer::prepare(const Shape& input) {
  if (is_ready()) return;
  // A missing initialize() is reported first, before anything has changed.
  visit_parameters("", [](const std::string&, const std::shared_ptr<Parameter>& parameter) {
    if (parameter->state() == Parameter::State::uninitialized) (void)parameter->values();
  });
  infer_shape(input);
  visit_parameters("", [](const std::string&, const std::shared_ptr<Parameter>& parameter) {
    parameter->finish_deferred();
  });
}

bool Layer::is_ready() const {
  bool ready = true;
  visit_parameters("", [&](const std::string&, const std::shared_ptr<Parameter>& parameter) {
    ready = ready && parameter->is_initialized();
  });
  return ready;
}

void Layer::visit_parameters(const std::string&, const ParameterVisitor&) const {}

ChainStep Layer::chain_step() const { return {}; }

Tensor Layer::backward_between(const Tensor& output_grad, const LayerRecord& record,
                               bool need_input_grad, const BackwardPass& pass,
                               const ChainNeighbours& /*neighbours*/) {
  return backward(output_grad, record, need_input_grad, pass);
}

}  // namespace glueball
