#include "glueball/layer.h"

namespace glueball {

void Layer::prepare(const Shape& input) {
  if (is_ready()) return;
  // Who never called initialize() hears that first, and nothing has changed.
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

}  // namespace glueball
