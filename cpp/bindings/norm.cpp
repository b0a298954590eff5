#include "glueball/norm.h"

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <utility>

#include "bindings.h"

namespace glueball::bindings {

using Shared = std::shared_ptr<Parameter>;

void bind_norm(py::module_& m) {
  py::class_<BatchNorm, Layer, py::smart_holder>(m, "BatchNorm")
      .def(py::init([](std::string name, Shared gamma, Shared beta, Shared running_mean,
                       Shared running_var, std::int64_t axis, double momentum, double epsilon,
                       bool scale, bool use_global_stats) {
             BatchNorm::Settings settings;
             settings.axis = axis;
             settings.momentum = momentum;
             settings.epsilon = epsilon;
             settings.scale = scale;
             settings.use_global_stats = use_global_stats;
             return std::make_unique<BatchNorm>(std::move(name), std::move(gamma), std::move(beta),
                                                std::move(running_mean), std::move(running_var),
                                                settings);
           }),
           py::arg("name"), py::arg("gamma"), py::arg("beta"), py::arg("running_mean"),
           py::arg("running_var"), py::arg("axis"), py::arg("momentum"), py::arg("epsilon"),
           py::arg("scale"), py::arg("use_global_stats"));
  py::class_<LayerNorm, Layer, py::smart_holder>(m, "LayerNorm")
      .def(py::init<std::string, Shared, Shared, std::int64_t, double>(), py::arg("name"),
           py::arg("gamma"), py::arg("beta"), py::arg("axis"), py::arg("epsilon"));
  py::class_<InstanceNorm, Layer, py::smart_holder>(m, "InstanceNorm")
      .def(py::init<std::string, Shared, Shared, std::int64_t, double>(), py::arg("name"),
           py::arg("gamma"), py::arg("beta"), py::arg("axis"), py::arg("epsilon"));
  py::class_<GroupNorm, Layer, py::smart_holder>(m, "GroupNorm")
      .def(py::init<std::string, Shared, Shared, std::int64_t, double>(), py::arg("name"),
           py::arg("gamma"), py::arg("beta"), py::arg("groups"), py::arg("epsilon"));
}

}  // namespace glueball::bindings
