#include "glueball/parallel.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings.h"

namespace glueball::bindings {

void bind_parallel(py::module_& m) {
  num_threads();  // From here on forks are watched, and OpenMP's number can be seen to be lowered.
  m.def("threading_layer", &threading_layer, "What loops run on: 'openmp' or 'pool'.");
  m.def("set_threading_layer", &set_threading_layer, py::arg("name"),
        "Chooses what loops run on, before the first that uses several threads.");
  m.def("threading_layers", &threading_layers,
        "Those that this build has, the default first: what GLUEBALL_THREADS may name.");
  m.def("openmp_runtime", &openmp_runtime,
        "The file of the OpenMP runtime that this build is linked to; '' without one.");
  m.def("num_threads", &num_threads, "How many threads native work may use.");
  m.def("set_num_threads", &set_num_threads, py::arg("count"),
        "Sets how many threads native work may use; OpenMP's settings are left alone.");
}

}  // namespace glueball::bindings
