#include "glueball/version.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings.h"

namespace glueball::bindings {

void bind_version(py::module_& m) {
  m.attr("__version__") = version();
  m.def("eigen_version", &eigen_version, "The version of Eigen that the core was compiled with.");
  m.def("instruction_set", &instruction_set,
        "The instruction set whose kernels run: 'v2', 'v3', 'v4' or 'baseline'.");
  m.def("instruction_sets", &instruction_sets,
        "Those that this build and this processor have, best first: what GLUEBALL_ISA may name.");
}

}  // namespace glueball::bindings
