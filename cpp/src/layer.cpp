#include "glueball/layer.h"

namespace glueball {

void Layer::prepare(const Shape& input) {
  if (is_ready()) return;
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
