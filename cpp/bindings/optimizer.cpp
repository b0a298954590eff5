#include "glueball/optimizer.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <vector>

#include "bindings.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

/// The parameters of a Trainer, converted once: a step then costs no Python work for each.
struct ParameterList {
  std::vector<std::shared_ptr<Parameter>> parameters;
};

}  // namespace

void bind_optimizer(py::module_& m) {
  py::class_<ParameterList>(m, "ParameterList", "Parameters that are updated together.")
      .def(py::init([](std::vector<std::shared_ptr<Parameter>> parameters) {
             return ParameterList{std::move(parameters)};
           }),
           py::arg("parameters"))
      .def("__len__", [](const ParameterList& self) { return self.parameters.size(); })
      .def(
          "first_stale",
          [](const ParameterList& self) {
            for (std::size_t i = 0; i < self.parameters.size(); ++i) {
              const Parameter& parameter = *self.parameters[i];
              if (parameter.grad_req() != GradReq::null && parameter.is_initialized() &&
                  !parameter.grad_is_fresh()) {
                return static_cast<std::ptrdiff_t>(i);
              }
            }
            return std::ptrdiff_t{-1};
          },
          "Position of the first one whose gradient no backward wrote since its last update, or "
          "-1.");

  py::class_<SGD>(m, "SGD")
      .def(py::init([](double momentum) {
             return std::make_unique<SGD>(Optimizer::Settings{}, momentum);
           }),
           py::arg("momentum"))
      .def_property("momentum", &SGD::momentum, &SGD::set_momentum)
      .def(
          "update",
          [](SGD& self, const ParameterList& list, double learning_rate, double weight_decay,
             double rescale_grad, double clip_gradient, bool ignore_stale) {
            self.settings() = {learning_rate, weight_decay, rescale_grad, clip_gradient};
            const py::gil_scoped_release unlocked;
            self.update(list.parameters, ignore_stale);
          },
          py::arg("parameters"), py::arg("learning_rate"), py::arg("weight_decay"),
          py::arg("rescale_grad"), py::arg("clip_gradient"), py::arg("ignore_stale"),
          "One update of every parameter; clip_gradient 0: none.")
      .def(
          "state",
          [](const SGD& self, const Parameter& parameter) -> py::object {
            const Tensor state = self.state(parameter);
            if (!state.defined()) return py::none();
            return as_ndarray(state);
          },
          py::arg("parameter"), "The momentum of a parameter, or None before its first update.")
      .def(
          "set_state",
          [](SGD& self, const Parameter& parameter, py::handle momentum) {
            self.set_state(parameter,
                           read_array(momentum, "momentum of '" + parameter.name() + "'").clone());
          },
          py::arg("parameter"), py::arg("momentum"));
}

}  // namespace glueball::bindings
