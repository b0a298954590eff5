#include "glueball/parallel.h"

#include <pybind11/pybind11.h>

#include "bindings.h"

namespace glueball::bindings {

void bind_parallel(py::module_& m) {
  m.def("num_threads", &num_threads, "How many threads native work may use.");
  m.def("set_num_threads", &set_num_threads, py::arg("count"),
        "Sets how many threads native work may use; OpenMP's settings are left alone.");
}

}  // namespace glueball::bindings
