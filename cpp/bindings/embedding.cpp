#include "glueball/embedding.h"

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "bindings.h"

namespace glueball::bindings {

void bind_embedding(py::module_& m) {
  py::class_<Embedding, Layer, py::smart_holder>(m, "Embedding")
      .def(py::init<std::string, std::shared_ptr<Parameter>>(), py::arg("name"), py::arg("weight"));
}

}  // namespace glueball::bindings
