#include "glueball/dense.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>

#include "activation.h"
#include "bindings.h"

namespace glueball::bindings {

void bind_dense(py::module_& m) {
  py::class_<Dense, Layer, py::smart_holder>(m, "Dense")
      .def(
          py::init([](std::string name, std::shared_ptr<Parameter> weight,
                      std::shared_ptr<Parameter> bias, const std::optional<std::string>& activation,
                      std::optional<double> alpha, bool flatten) {
            return std::make_unique<Dense>(std::move(name), std::move(weight), std::move(bias),
                                           to_activation(activation, alpha), flatten);
          }),
          py::arg("name"), py::arg("weight"), py::arg("bias"), py::arg("activation"),
          py::arg("alpha"), py::arg("flatten"));
}

}  // namespace glueball::bindings
