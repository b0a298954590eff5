#include "glueball/activation.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "activation.h"
#include "bindings.h"

namespace glueball::bindings {

ActivationFunction to_activation(const std::optional<std::string>& name,
                                 std::optional<double> alpha) {
  if (!name) return {};
  ActivationFunction function(*name);
  if (alpha) function.alpha = *alpha;
  return function;
}

void bind_activation(py::module_& m) {
  py::class_<Activation, Layer, py::smart_holder>(m, "Activation")
      .def(py::init([](std::string name, const std::string& function, std::optional<double> alpha) {
             return std::make_unique<Activation>(std::move(name), to_activation(function, alpha));
           }),
           py::arg("name"), py::arg("function"), py::arg("alpha") = py::none());
  m.def("activation_names", &activation_names, "Every name of an elementwise function.");
}

}  // namespace glueball::bindings
