#include "glueball/sequential.h"

#include <pybind11/pybind11.h>

#include <string>

#include "bindings.h"

namespace glueball::bindings {

void bind_sequential(py::module_& m) {
  py::class_<Sequential, Layer, py::smart_holder>(m, "Sequential")
      .def(py::init<std::string>(), py::arg("name"))
      .def("add", static_cast<void (Sequential::*)(std::shared_ptr<Layer>)>(&Sequential::add),
           py::arg("layer"));
}

}  // namespace glueball::bindings
