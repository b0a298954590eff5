#include "glueball/parameter.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings.h"
#include "core/read_section.h"
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

/// Adds a gradient that Python computed, by the rules of grad_req, to the one that the parameter
/// keeps.
void accumulate_grad(Parameter& parameter, py::handle gradient, const BackwardPass& pass) {
  const Tensor values = read_array(gradient, "the gradient of '" + parameter.name() + "'");
  const ReadSection section;
  const GradTarget target = parameter.grad_target(pass);
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

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  static const auto* const type = py::detail::get_type_info(typeid(Parameter));
  const auto found =
      reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder(type, false);
  if (found.inst == nullptr || !found.holder_constructed()) return 0;
  return traverse_plan(found.value_ptr<Parameter>()->id(), visit, arg);
}

}  // namespace

void bind_parameter(py::module_& m) {
  // Each of the two is in the other's signatures.
  py::class_<BackwardPass> pass(
      m, "BackwardPass", "Identifies one run of backward: contributions of one run are summed.");

  py::class_<Parameter, py::smart_holder>(
      m, "Parameter", "Storage and state of a named array: what gluon.Parameter stands on.",
      // There is no tp_clear: what leads back here from an initializer can be cleared.
      py::custom_type_setup([](PyHeapTypeObject* type) {
        type->ht_type.tp_flags |= Py_TPFLAGS_HAVE_GC;
        type->ht_type.tp_traverse = &traverse;
      }))
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
      .def_property_readonly("name", method(&Parameter::name))
      .def_property_readonly("_state", &state_name)
      .def_property_readonly("_is_initialized", method(&Parameter::is_initialized))
      .def_property_readonly("_generation", method(&Parameter::generation))
      .def_property_readonly("_dtype_name",
                             [](const Parameter& self) { return to_string(self.dtype()); })
      .def_property_readonly("_allow_deferred_init", method(&Parameter::allow_deferred_init))
      .def_property_readonly("_lengths",
                             [](const Parameter& self) -> py::object {
                               const std::optional<Shape> shape = self.shape();
                               if (!shape) return py::none();
                               return to_tuple(*shape);
                             })
      .def_property(
          "_grad_req", [](const Parameter& self) { return to_string(self.grad_req()); },
          [](Parameter& self, const std::string& word) { self.set_grad_req(grad_req_from(word)); })
      .def_property("lr_mult", method(&Parameter::lr_mult), method(&Parameter::set_lr_mult),
                    "What the optimizer multiplies this parameter's learning rate by.")
      .def_property("wd_mult", method(&Parameter::wd_mult), method(&Parameter::set_wd_mult),
                    "What the optimizer multiplies this parameter's weight decay by.")
      .def(
          "_set_shape", [](Parameter& self, py::handle shape) { self.set_shape(to_shape(shape)); },
          py::arg("shape"))
      .def(
          "_initialize",
          [](Parameter& self, py::handle own, py::handle fallback, const Generator& stream,
             bool force) {
            auto chosen = to_initializer(own, self.id());
            auto otherwise = to_initializer(fallback, self.id());
            const py::gil_scoped_release unlocked;
            return self.initialize(std::move(chosen), std::move(otherwise), stream, force);
          },
          py::arg("own"), py::arg("fallback"), py::arg("stream"), py::arg("force"))
      .def("_finish_deferred", method(&Parameter::finish_deferred),
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
      .def("_zero_grad", method(&Parameter::zero_grad))
      .def("_accumulate_grad", &accumulate_grad, py::arg("gradient"), py::arg("pass_"))
      .def_property_readonly("_grad_is_fresh", method(&Parameter::grad_is_fresh))
      .def_property_readonly("_grad_was_computed", method(&Parameter::grad_was_computed))
      .def("_rename", method(&Parameter::rename), py::arg("name"))
      .def("_set_passes_per_step", method(&Parameter::set_passes_per_step), py::arg("passes"))
      .def("_mark_written", method(&Parameter::mark_written))
      .def("_mark_stale", method(&Parameter::mark_stale))
      .def("_set_rounds_inference", method(&Parameter::set_rounds_inference), py::arg("rounds"))
      .def(
          "_cast", [](Parameter& self, const std::string& dtype) { self.cast(to_dtype(dtype)); },
          py::arg("dtype"));

  pass.def(py::init<>())
      .def(py::init<const std::vector<std::shared_ptr<Parameter>>&>(), py::arg("wanted"))
      .def_property_readonly("id", method(&BackwardPass::id))
      .def(
          "collected",
          [](const BackwardPass& self, const Parameter& parameter) -> py::object {
            const Tensor grad = self.collected(parameter);
            return grad.defined() ? plain_array(grad) : py::none();
          },
          py::arg("parameter"),
          "What has come for a parameter that the pass wants, as a plain array, or None.");
}

}  // namespace glueball::bindings
