#include "glueball/prelu.h"

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "bindings.h"

namespace glueball::bindings {

void bind_prelu(py::module_& m) {
  py::class_<PReLU, Layer, py::smart_holder>(m, "PReLU")
      .def(py::init<std::string, std::shared_ptr<Parameter>>(), py::arg("name"), py::arg("alpha"));
}

}  // namespace glueball::bindings
