#include "glueball/dropout.h"

#include <pybind11/pybind11.h>

#include <string>

#include "bindings.h"

namespace glueball::bindings {

void bind_dropout(py::module_& m) {
  py::class_<Dropout, Layer, py::smart_holder>(m, "Dropout")
      .def(py::init<std::string, double>(), py::arg("name"), py::arg("rate"));
}

}  // namespace glueball::bindings
