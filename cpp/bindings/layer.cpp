#include "glueball/layer.h"

#include <pybind11/pybind11.h>

#include "bindings.h"
#include "ndarray.h"

namespace glueball::bindings {

void bind_layer(py::module_& m) {
  py::class_<Layer, py::smart_holder>(m, "Layer", "A native layer: base of the others.")
      .def_property_readonly("name", method(&Layer::name))
      .def(
          "infer_shape",
          [](Layer& self, const py::sequence& input) {
            return to_tuple(self.infer_shape(to_shape(input)));
          },
          py::arg("input"),
          "Fills in the parameters' unknown axes from an input's shape (-1: unknown), and returns "
          "the output's.");
}

}  // namespace glueball::bindings
