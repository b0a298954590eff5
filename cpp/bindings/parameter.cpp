#include "glueball/parameter.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings.h"
#include "initializer.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

std::optional<Shape> to_optional_shape(py::handle shape) {
  if (shape.is_none()) return std::nullopt;
  return to_shape(shape);
}

const char* state_name(const Parameter& parameter) {
  switch (parameter.state()) {
    case Parameter::State::uninitialized:
      return "uninitialized";
    case Parameter::State::deferred:
      return "deferred";
    case Parameter::State::initialized:
      return "initialized";
  }
  return "";
}

/// A property's getter that takes a reference: an object whose `__init__` has not run is then a
/// TypeError, where a pointer to member would read through null.
template <auto Member>
auto getter() {
  return [](const Parameter& self) { return (self.*Member)(); };
}

/// Adds a gradient that Python computed, by the rules of grad_req, to the one that the parameter
/// keeps.
void accumulate_grad(Parameter& parameter, py::handle gradient, const BackwardPass& pass) {
  const Tensor values = read_array(gradient, "the gradient of '" + parameter.name() + "'");
  const Parameter::GradTarget target = parameter.grad_target(pass);
  if (target.grad == nullptr) return;
  if (!target.accumulate) {
    target.grad->copy_from(values);
    return;
  }
  const Tensor addend =
      values.dtype() == target.grad->dtype() ? values : values.cast(target.grad->dtype());
  const auto add = [&](auto* sum, const auto* term) {
    for (std::int64_t i = 0; i < target.grad->size(); ++i) sum[i] += term[i];
  };
  if (target.grad->dtype() == Dtype::float32) {
    add(target.grad->data<float>(), addend.data<float>());
  } else {
    add(target.grad->data<double>(), addend.data<double>());
  }
}

}  // namespace

void bind_parameter(py::module_& m) {
  // Each of the two is in the other's signatures.
  py::class_<BackwardPass> pass(
      m, "BackwardPass", "Identifies one run of backward: contributions of one run are summed.");

  py::class_<Parameter, py::smart_holder>(
      m, "Parameter", "Storage and state of a named array: what gluon.Parameter stands on.")
      .def(py::init([](std::string name, py::handle shape, const std::string& dtype,
                       const std::string& grad_req, bool allow_deferred_init, bool differentiable,
                       double lr_mult, double wd_mult) {
             Parameter::Settings settings;
             settings.dtype = to_dtype(dtype);
             settings.grad_req = grad_req_from(grad_req);
             settings.allow_deferred_init = allow_deferred_init;
             settings.differentiable = differentiable;
             settings.lr_mult = lr_mult;
             settings.wd_mult = wd_mult;
             return std::make_unique<Parameter>(std::move(name), to_optional_shape(shape),
                                                std::move(settings));
           }),
           py::arg("name"), py::arg("shape"), py::arg("dtype"), py::arg("grad_req"),
           py::arg("allow_deferred_init"), py::arg("differentiable"), py::arg("lr_mult"),
           py::arg("wd_mult"))
      .def_property_readonly("name", getter<&Parameter::name>())
      .def_property_readonly("_state", &state_name)
      .def_property_readonly("_is_initialized", getter<&Parameter::is_initialized>())
      .def_property_readonly("_generation", getter<&Parameter::generation>())
      .def_property_readonly("_dtype_name",
                             [](const Parameter& self) { return to_string(self.dtype()); })
      .def_property_readonly("_allow_deferred_init", getter<&Parameter::allow_deferred_init>())
      .def_property_readonly("_lengths",
                             [](const Parameter& self) -> py::object {
                               if (!self.shape()) return py::none();
                               return to_tuple(*self.shape());
                             })
      .def_property(
          "_grad_req", [](const Parameter& self) { return to_string(self.grad_req()); },
          [](Parameter& self, const std::string& word) { self.set_grad_req(grad_req_from(word)); })
      .def_property(
          "lr_mult", getter<&Parameter::lr_mult>(),
          [](Parameter& self, double value) { self.set_lr_mult(value); },
          "What the optimizer multiplies this parameter's learning rate by.")
      .def_property(
          "wd_mult", getter<&Parameter::wd_mult>(),
          [](Parameter& self, double value) { self.set_wd_mult(value); },
          "What the optimizer multiplies this parameter's weight decay by.")
      .def(
          "_set_shape", [](Parameter& self, py::handle shape) { self.set_shape(to_shape(shape)); },
          py::arg("shape"))
      .def(
          "_initialize",
          [](Parameter& self, py::handle own, py::handle fallback, const Generator& stream,
             bool force) {
            auto chosen = to_initializer(own);
            auto otherwise = to_initializer(fallback);
            const py::gil_scoped_release unlocked;
            return self.initialize(std::move(chosen), std::move(otherwise), stream, force);
          },
          py::arg("own"), py::arg("fallback"), py::arg("stream"), py::arg("force"))
      .def(
          "_finish_deferred", [](Parameter& self) { self.finish_deferred(); },
          py::call_guard<py::gil_scoped_release>())
      .def(
          "_data",
          [](const Parameter& self, py::handle type) { return as_ndarray(self.data(), type); },
          py::arg("type"))
      .def(
          "_grad",
          [](const Parameter& self, py::handle type) { return as_ndarray(self.grad(), type); },
          py::arg("type"))
      .def(
          "_set_data",
          [](Parameter& self, py::handle values, bool create) {
            self.set_data(read_array(values, "data of '" + self.name() + "'"), create);
          },
          py::arg("values"), py::arg("create"))
      .def("_zero_grad", [](Parameter& self) { self.zero_grad(); })
      .def("_accumulate_grad", &accumulate_grad, py::arg("gradient"), py::arg("pass_"))
      .def_property_readonly("_grad_is_fresh", getter<&Parameter::grad_is_fresh>())
      .def(
          "_set_passes_per_step",
          [](Parameter& self, unsigned passes) { self.set_passes_per_step(passes); },
          py::arg("passes"))
      .def("_mark_written", [](Parameter& self) { self.mark_written(); })
      .def("_mark_stale", [](Parameter& self) { self.mark_stale(); })
      .def(
          "_set_rounds_inference",
          [](Parameter& self, bool rounds) { self.set_rounds_inference(rounds); },
          py::arg("rounds"))
      .def(
          "_cast", [](Parameter& self, const std::string& dtype) { self.cast(to_dtype(dtype)); },
          py::arg("dtype"));

  pass.def(py::init<>())
      .def(py::init<const std::vector<std::shared_ptr<Parameter>>&>(), py::arg("wanted"))
      .def_property_readonly("id", &BackwardPass::id)
      .def(
          "collected",
          [](const BackwardPass& self, const Parameter& parameter) -> py::object {
            const Tensor grad = self.collected(parameter);
            if (!grad.defined()) return py::none();
            return as_ndarray(
                grad, reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_));
          },
          py::arg("parameter"),
          "What has come for a parameter that the pass wants, as a plain array, or None.");
}

}  // namespace glueball::bindings
