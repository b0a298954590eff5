#include "glueball/dropout.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bindings.h"

namespace glueball::bindings {

void bind_dropout(py::module_& m) {
  py::class_<Dropout, Layer, py::smart_holder>(m, "Dropout")
      .def(py::init<std::string, double, std::vector<std::int64_t>>(), py::arg("name"),
           py::arg("rate"), py::arg("axes") = std::vector<std::int64_t>());
}

}  // namespace glueball::bindings
