#include "glueball/norm.h"

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <utility>

#include "bindings.h"

namespace glueball::bindings {
namespace {

using Shared = std::shared_ptr<Parameter>;

/// A normalisation within samples: `setting` is what its third argument is called.
template <class L>
void bind_sample_norm(py::module_& m, const char* name, const char* setting) {
  py::class_<L, Layer, py::smart_holder>(m, name).def(
      py::init<std::string, Shared, Shared, std::int64_t, double>(), py::arg("name"),
      py::arg("gamma"), py::arg("beta"), py::arg(setting), py::arg("epsilon"));
}

}  // namespace

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
  bind_sample_norm<LayerNorm>(m, "LayerNorm", "axis");
  bind_sample_norm<InstanceNorm>(m, "InstanceNorm", "axis");
  bind_sample_norm<GroupNorm>(m, "GroupNorm", "groups");
}

}  // namespace glueball::bindings
