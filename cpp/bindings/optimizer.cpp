#include "glueball/optimizer.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "glueball/error.h"
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

/// Copies `count` numbers, and returns whether any is an infinity or NaN.
template <class Number, class Bits>
bool copy_and_check(const Number* from, Number* to, std::int64_t count, Bits exponent) {
  // On bits, not by a sum: the order of floating-point additions is fixed, so that a sum takes four
  // cycles a number, where this takes as long as the copy.
  Bits found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<Bits>(from[i]);
    found |= static_cast<Bits>((bits & exponent) == exponent);
    to[i] = from[i];
  }
  return found != 0;
}

/// Their gradients, taken once: another thread may replace a parameter's arrays meanwhile.
///
/// @throws ShapeError or DtypeError if `array` is not for them and their flags.
std::vector<Tensor> gradients_for(const UpdatedTogether& list, const Tensor& array) {
  std::vector<Tensor> gradients;
  gradients.reserve(list.parameters.size());
  auto count = static_cast<std::int64_t>(list.parameters.size()) + 2;
  for (const auto& parameter : list.parameters) {
    gradients.push_back(parameter->grad());
    if (gradients.back().dtype() != array.dtype()) {
      throw DtypeError(Explanation{"gradients of one dtype, that of the array",
                                   "another one of '" + parameter->name() + "'",
                                   "gather each dtype into an array of its own"});
    }
    count += gradients.back().size();
  }
  if (count != array.size()) {
    throw ShapeError(
        Explanation{"an array of " + std::to_string(count) + " numbers for these gradients",
                    std::to_string(array.size()), "make it again after shapes have changed"});
  }
  return gradients;
}

template <class Number, class Bits>
void gather(const UpdatedTogether& list, const Tensor& target, Bits exponent) {
  const std::vector<Tensor> gradients = gradients_for(list, target);
  auto* out = target.data<Number>();
  auto* flags = out + target.size() - static_cast<std::int64_t>(gradients.size()) - 2;
  bool all_fresh = true;
  bool finite = true;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const Tensor& gradient = gradients[i];
    const bool fresh = list.parameters[i]->grad_is_fresh();
    if (fresh) {
      finite &= !copy_and_check(gradient.data<Number>(), out, gradient.size(), exponent);
    } else {
      std::fill_n(out, gradient.size(), Number{0});
      all_fresh = false;
    }
    out += gradient.size();
    *flags++ = fresh ? Number{1} : Number{0};
  }
  *flags++ = all_fresh ? Number{1} : Number{0};
  *flags = finite ? Number{0} : Number{1};
}

template <class Number>
void scatter(const UpdatedTogether& list, const Tensor& source) {
  const auto* from = source.data<Number>();
  for (const Tensor& gradient : gradients_for(list, source)) {
    std::copy_n(from, gradient.size(), gradient.data<Number>());
    from += gradient.size();
  }
}

/// gather_gradients(parameters, array).
PyObject* gather_gradients(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2) return refuse_arguments("gather_gradients", 2, count, false);
  return translated([&]() -> py::object {
    const auto& list = cast_to<const UpdatedTogether&>(arguments[0], "a ParameterList");
    const WritableArray target(arguments[1], "array");
    {
      const py::gil_scoped_release unlocked;
      if (target.tensor().dtype() == Dtype::float32) {
        gather<float, std::uint32_t>(list, target.tensor(), 0x7F800000U);
      } else {
        gather<double, std::uint64_t>(list, target.tensor(), 0x7FF0000000000000U);
      }
    }
    target.write_back();
    return py::none();
  });
}

/// scatter_gradients(parameters, array).
PyObject* scatter_gradients(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2) return refuse_arguments("scatter_gradients", 2, count, false);
  return translated([&]() -> py::object {
    const auto& list = cast_to<const UpdatedTogether&>(arguments[0], "a ParameterList");
    const Tensor source = read_array(arguments[1], "array");
    {
      const py::gil_scoped_release unlocked;
      if (source.dtype() == Dtype::float32) {
        scatter<float>(list, source);
      } else {
        scatter<double>(list, source);
      }
    }
    return py::none();
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

  add_function<&gather_gradients>(
      m, "gather_gradients",
      "Copies gradients of one dtype into an array, one after the other, 0 for those that no "
      "backward wrote. Behind them: for each 1 if one did, 1 if that is so of all, and 1 if any "
      "is not finite.");
  add_function<&scatter_gradients>(
      m, "scatter_gradients",
      "Copies an array as gather_gradients fills it back into the gradients.");

  m.attr("max_states") = kernels::max_states;
  m.def("optimizer_rules", &Optimizer::rules, "Names of the rules that Optimizer knows.");
}

}  // namespace glueball::bindings
