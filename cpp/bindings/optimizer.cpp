#include "glueball/optimizer.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "kernels/table.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

// Another thread may hold an optimizer's lock for a whole update: a call that waits for it lets go
// of the GIL.
using WithoutGil = py::call_guard<py::gil_scoped_release>;

/// The parameters of a Trainer, converted once: a step then costs no Python work for each.
struct UpdatedTogether {
  std::vector<std::shared_ptr<Parameter>> parameters;
};

double update_array(Optimizer& self, py::handle weight, py::handle gradient, const py::list& arrays,
                    std::int64_t count, double carry, double learning_rate, double weight_decay,
                    double rescale_grad, double clip_gradient, const std::string& name) {
  const WritableArray target(weight, "weight");
  std::vector<WritableArray> targets;
  Optimizer::State state{count - 1, carry, {}};
  for (const py::handle array : arrays) {
    targets.emplace_back(array, "state");
    state.arrays.push_back(targets.back().tensor());
  }
  const Tensor change = read_array(gradient, "gradient");
  {
    const py::gil_scoped_release unlocked;
    self.update_array(target.tensor(), change, state,
                      {learning_rate, weight_decay, rescale_grad, clip_gradient}, name);
  }
  target.write_back();
  for (const WritableArray& each : targets) each.write_back();
  return state.carry;
}

/// The place of the first one whose gradient no backward wrote since its last update, or -1.
Py_ssize_t stale_of(const UpdatedTogether& list) {
  for (std::size_t i = 0; i < list.parameters.size(); ++i) {
    const Parameter& parameter = *list.parameters[i];
    if (parameter.grad_req() != GradReq::null && parameter.is_initialized() &&
        !parameter.grad_is_fresh()) {
      return static_cast<Py_ssize_t>(i);
    }
  }
  return -1;
}

/// update_parameters(optimizer, parameters, learning_rate, weight_decay, rescale_grad,
/// clip_gradient, ignore_stale).
PyObject* update_parameters(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 7) return refuse_arguments("update_parameters", 7, count, false);
  return translated([&]() -> py::object {
    auto& optimizer = cast_to<Optimizer&>(arguments[0], "an Optimizer");
    const auto& list = cast_to<const UpdatedTogether&>(arguments[1], "a ParameterList");
    std::array<double, 4> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = PyFloat_AsDouble(arguments[i + 2]);
      if (numbers[i] == -1.0 && PyErr_Occurred() != nullptr) throw py::error_already_set();
    }
    const int ignore_stale = PyObject_IsTrue(arguments[6]);
    if (ignore_stale < 0) throw py::error_already_set();
    if (ignore_stale == 0) {
      const Py_ssize_t stale = stale_of(list);
      if (stale >= 0) return py::int_(-1 - stale);
    }
    std::int64_t largest = 0;
    {
      const py::gil_scoped_release unlocked;
      largest = optimizer.update(list.parameters, {numbers[0], numbers[1], numbers[2], numbers[3]},
                                 ignore_stale != 0);
    }
    return py::int_(largest);
  });
}

/// first_stale(parameters).
PyObject* first_stale(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 1) return refuse_arguments("first_stale", 1, count, false);
  return translated([&]() -> py::object {
    return py::int_(stale_of(cast_to<const UpdatedTogether&>(arguments[0], "a ParameterList")));
  });
}

py::list make_arrays(const Optimizer& self, py::handle weight) {
  const Tensor values = read_array(weight, "weight");
  std::vector<Tensor> made;
  {
    const py::gil_scoped_release unlocked;
    made = self.first_arrays(values);
  }
  py::list arrays;
  for (const Tensor& array : made) arrays.append(as_ndarray(array));
  return arrays;
}

}  // namespace

void bind_optimizer(py::module_& m) {
  py::class_<UpdatedTogether>(m, "ParameterList", "Parameters that are updated together.")
      .def(py::init([](const py::iterable& parameters) {
             UpdatedTogether list;
             for (const py::handle parameter : parameters) {
               list.parameters.push_back(
                   cast_to<std::shared_ptr<Parameter>>(parameter, "a Parameter"));
             }
             return list;
           }),
           py::arg("parameters"))
      .def("__len__", [](const UpdatedTogether& self) { return self.parameters.size(); });

  py::class_<Optimizer>(m, "Optimizer", "A rule of changing weights, and what it keeps for each.")
      .def(
          py::init([](const std::string& rule, const std::map<std::string, double>& hyperparameters,
                      std::int64_t first_count) {
            auto made = std::make_unique<Optimizer>(
                rule, Optimizer::Settings{},
                Optimizer::Hyperparameters(hyperparameters.begin(), hyperparameters.end()));
            made->set_first_count(first_count);
            return made;
          }),
          py::arg("rule"), py::arg("hyperparameters"), py::arg("first_count"))
      .def_property_readonly("rule", method(&Optimizer::rule))
      .def(
          "hyperparameters",
          [](const Optimizer& self) {
            const auto all = self.hyperparameters();
            return std::map<std::string, double>(all.begin(), all.end());
          },
          WithoutGil())
      .def("get", &Optimizer::hyperparameter, py::arg("name"), WithoutGil())
      .def("set", &Optimizer::set_hyperparameter, py::arg("name"), py::arg("value"), WithoutGil())
      .def(
          "next_count",
          [](const Optimizer& self, const UpdatedTogether& list, bool ignore_stale) {
            return self.next_count(list.parameters, ignore_stale);
          },
          py::arg("parameters"), py::arg("ignore_stale"), WithoutGil(),
          "Number of the update that would come next; 0 if there is nothing to update.")
      .def("update_array", &update_array, py::arg("weight"), py::arg("gradient"), py::arg("arrays"),
           py::arg("count"), py::arg("carry"), py::arg("learning_rate"), py::arg("weight_decay"),
           py::arg("rescale_grad"), py::arg("clip_gradient"), py::arg("name"),
           "Update number `count` of one array, with states in `arrays`; returns what to carry.")
      .def("make_arrays", &make_arrays, py::arg("weight"),
           "New states for one array, as the first update finds them.")
      .def(
          "state",
          [](const Optimizer& self, const Parameter& parameter) {
            Optimizer::State state;
            {
              const py::gil_scoped_release unlocked;
              state = self.state(parameter);
            }
            py::list arrays;
            for (const Tensor& array : state.arrays) arrays.append(as_ndarray(array));
            return py::make_tuple(state.count, state.carry, arrays);
          },
          py::arg("parameter"), "(count, carry, [array, ...]) of a parameter.")
      .def(
          "set_state",
          [](Optimizer& self, const Parameter& parameter, std::int64_t count, double carry,
             const py::list& arrays) {
            Optimizer::State state{count, carry, {}};
            for (const py::handle array : arrays) {
              state.arrays.push_back(
                  read_array(array, "a state of '" + parameter.name() + "'").clone());
            }
            const py::gil_scoped_release unlocked;
            self.set_state(parameter, state);
          },
          py::arg("parameter"), py::arg("count"), py::arg("carry"), py::arg("arrays"));

  add_function<&update_parameters>(
      m, "update_parameters",
      "One update of every parameter, whose number it returns; clip_gradient 0: none. If stale "
      "gradients are not to be ignored, and the n-th parameter's is: -1 - n, and nothing changes.");

  add_function<&first_stale>(m, "first_stale",
                             "Position of the first one of a ParameterList whose gradient no "
                             "backward wrote since its last "
                             "update, or -1.");

  m.attr("max_states") = kernels::max_states;
  m.def("optimizer_rules", &Optimizer::rules, "Names of the rules that Optimizer knows.");
}

}  // namespace glueball::bindings
