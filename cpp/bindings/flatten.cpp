#include "glueball/flatten.h"

#include <pybind11/pybind11.h>

#include <string>

#include "bindings.h"

namespace glueball::bindings {

void bind_flatten(py::module_& m) {
  py::class_<Flatten, Layer, py::smart_holder>(m, "Flatten")
      .def(py::init<std::string>(), py::arg("name"));
}

}  // namespace glueball::bindings
