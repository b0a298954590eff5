#include "initializer.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/trampoline_self_life_support.h>

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings.h"
#include "glueball/error.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

// Set once by glueball.init, and kept for the life of the process.
PyObject* init_desc_type = nullptr;
PyObject* create_initializer = nullptr;

/// Initializers that C++ holds, by the id of the parameter whose plan they are in. Changes under
/// the GIL only: while the collector looks at it, nothing comes or goes.
std::multimap<std::uint64_t, PyObject*>& planned() {
  static auto* const objects = new std::multimap<std::uint64_t, PyObject*>();  // never destroyed
  return *objects;
}

const char* hook_name(ParameterKind kind) {
  switch (kind) {
    case ParameterKind::weight:
      return "_init_weight";
    case ParameterKind::bias:
      return "_init_bias";
    case ParameterKind::gamma:
      return "_init_gamma";
    case ParameterKind::beta:
      return "_init_beta";
    case ParameterKind::zero:
      return "_init_zero";
    case ParameterKind::one:
      return "_init_one";
    case ParameterKind::other:
      return "_init_default";
  }
  return "_init_default";
}

/// What says how Python calls initializers; imported when it is first needed.
py::object protocol(const char* name) {
  return py::module_::import("glueball.init._protocol").attr(name);
}

/// What a Python hook sees: InitDesc(name, attrs, global_init).
py::object to_python(const InitDesc& desc, const py::object& asked) {
  py::dict attrs;
  if (desc.own) attrs["__init__"] = py::cast(std::const_pointer_cast<Initializer>(desc.own));
  const py::object global_init = desc.of_parameter ? asked : py::none();
  return py::handle(init_desc_type)(desc.name, attrs, global_init);
}

InitDesc from_python(py::handle object) {
  if (!py::isinstance<py::str>(object)) {
    throw py::type_error(std::string("name must be string: expected the parameter's name or an "
                                     "InitDesc, found ") +
                         Py_TYPE(object.ptr())->tp_name + "; pass init.InitDesc(name)");
  }
  InitDesc desc(object.cast<std::string>());
  if (!py::hasattr(object, "attrs")) return desc;
  const py::dict attrs = object.attr("attrs");
  if (attrs.contains("__init__")) {
    py::object own = attrs["__init__"];
    if (py::isinstance<py::str>(own) && py::len(own) > 0) own = py::handle(create_initializer)(own);
    if (py::isinstance<Initializer>(own)) desc.own = to_initializer(own);
  }
  desc.of_parameter = !object.attr("global_init").is_none();
  return desc;
}

/// Whether Python hears of every parameter that is filled: `set_verbosity` says so.
struct Announcer {
  bool announcing = false;
};

// Lets C++ call an initializer written in Python. The GIL may have been released on the way here,
// and a Python exception passes through the C++ frames to the caller.
template <class Base>
class PyInitializer final : public Base, public Announcer, public py::trampoline_self_life_support {
 public:
  using Base::Base;

  void operator()(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (call("__call__", desc, out, rng)) return;
    Base::operator()(desc, out, rng);
    if (announcing) {
      const WithGil gil;
      self().attr("_announce")(to_python(desc, self()), as_ndarray(out));
    }
  }
  void fill_own(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (!call("__call__", desc, out, rng)) Base::fill_own(desc, out, rng);
  }
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (call("_init_weight", desc, out, rng)) return;
    if constexpr (std::is_abstract_v<Base>) {
      const WithGil gil;
      const std::string type = py::str(py::type::of(self()).attr("__name__"));
      PyErr_SetString(PyExc_NotImplementedError,
                      ("Must override it: expected class " + type +
                       " to define _init_weight(self, name, arr), found none to fill '" +
                       desc.name + "'; define it, writing into arr in place")
                          .c_str());
      throw py::error_already_set();
    } else {
      Base::init_weight(desc, out, rng);
    }
  }
  void init_bias(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (!call("_init_bias", desc, out, rng)) Base::init_bias(desc, out, rng);
  }
  void init_gamma(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (!call("_init_gamma", desc, out, rng)) Base::init_gamma(desc, out, rng);
  }
  void init_beta(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (!call("_init_beta", desc, out, rng)) Base::init_beta(desc, out, rng);
  }
  void init_zero(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (!call("_init_zero", desc, out, rng)) Base::init_zero(desc, out, rng);
  }
  void init_one(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (!call("_init_one", desc, out, rng)) Base::init_one(desc, out, rng);
  }
  void init_default(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    if (!call("_init_default", desc, out, rng)) Base::init_default(desc, out, rng);
  }
  bool overrides(ParameterKind kind) const override {
    const WithGil gil;
    return static_cast<bool>(py::get_override(base(), hook_name(kind))) || Base::overrides(kind);
  }
  // A Python hook may write anything, so only filling the whole array gives a shard its values.
  bool is_elementwise() const override {
    const WithGil gil;
    return Base::is_elementwise() && !py::get_override(base(), "_init_weight");
  }

 private:
  const Base* base() const { return static_cast<const Base*>(this); }
  py::object self() const { return py::cast(base()); }

  bool call(const char* method, const InitDesc& desc, const Tensor& out, Generator& rng) const {
    const WithGil gil;
    const py::function hook = py::get_override(base(), method);
    if (!hook) return false;
    const GeneratorScope scope(rng);
    protocol("run_hook")(hook, self(), to_python(desc, self()), as_ndarray(out));
    return true;
  }
};

using Hook = void (Initializer::*)(const InitDesc&, const Tensor&, Generator&) const;

/// A hook as Python calls it: on any writable float array, drawing from the default generator. A
/// call by hand may give None as the name, which none of them reads.
auto bound(Hook hook) {
  return [hook](const Initializer& self, py::handle desc, py::handle array) {
    const InitDesc where = desc.is_none() ? InitDesc("") : from_python(desc);
    const WritableArray destination(array, "the array to fill for '" + where.name + "'");
    const auto rng = default_generator();
    {
      const py::gil_scoped_release unlocked;
      (self.*hook)(where, destination.tensor(), *rng);
    }
    destination.write_back();
  };
}

template <class Value>
Value choose(const std::string& word, const char* what,
             std::initializer_list<std::pair<const char*, Value>> choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (word == name) return value;
    names += (names.empty() ? "'" : ", '") + std::string(name) + "'";
  }
  throw ArgumentError(
      {std::string(what) + " to be one of " + names, "'" + word + "'", "choose one"});
}

Distribution distribution_from(const std::string& word) {
  return choose<Distribution>(word, "distribution",
                              {{"uniform", Distribution::uniform},
                               {"normal", Distribution::normal},
                               {"truncated_normal", Distribution::truncated_normal}});
}

Fan mode_from(const std::string& word) {
  return choose<Fan>(word, "mode",
                     {{"fan_in", Fan::in},
                      {"fan_out", Fan::out},
                      {"fan_avg", Fan::avg},
                      {"fan_geo_avg", Fan::geo},
                      {"in", Fan::in},
                      {"out", Fan::out},
                      {"avg", Fan::avg},
                      {"geo", Fan::geo}});
}

Distribution rnd_type_from(const std::string& word) {
  return choose<Distribution>(
      word, "rnd_type (Unknown random type)",
      {{"uniform", Distribution::uniform}, {"gaussian", Distribution::normal}});
}

Fan factor_type_from(const std::string& word) {
  return choose<Fan>(word, "factor_type (Incorrect factor type)",
                     {{"avg", Fan::avg}, {"in", Fan::in}, {"out", Fan::out}});
}

using Axes = std::vector<std::int64_t>;

FanSettings fan_settings(std::optional<double> fan_in, std::optional<double> fan_out, Axes in_axes,
                         Axes out_axes) {
  return {fan_in, fan_out, std::move(in_axes), std::move(out_axes)};
}

template <class T, class Base = Initializer>
using Class = py::class_<T, Base, PyInitializer<T>, py::smart_holder>;

// Constructors are factories, so that a Python subclass gets the trampoline and enumerations are
// words.
template <class T, class... Arguments>
PyInitializer<T>* make(Arguments&&... arguments) {
  return new PyInitializer<T>(std::forward<Arguments>(arguments)...);
}

void bind_constants(py::module_& m) {
  Class<Constant>(m, "Constant")
      .def(py::init([](py::object value) {
             if (PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr())) {
               return make<Constant>(value.cast<double>());
             }
             const py::array_t<double, py::array::c_style | py::array::forcecast> values(value);
             return make<Constant>(read_array(values, "value").clone());
           }),
           py::arg("value"));
  Class<Zero, Constant>(m, "Zero").def(py::init([] { return make<Zero>(); }));
  Class<One, Constant>(m, "One").def(py::init([] { return make<One>(); }));
  Class<Identity>(m, "Identity")
      .def(py::init([](double gain) { return make<Identity>(gain); }), py::arg("gain") = 1.0);
  Class<Dirac>(m, "Dirac")
      .def(py::init([](std::int64_t groups) { return make<Dirac>(groups); }),
           py::arg("groups") = 1);
  Class<Bilinear>(m, "Bilinear").def(py::init([] { return make<Bilinear>(); }));
  Class<LSTMBias>(m, "LSTMBias")
      .def(py::init([](double forget_bias) { return make<LSTMBias>(forget_bias); }),
           py::arg("forget_bias") = 1.0);
}

void bind_plain_random(py::module_& m) {
  Class<Uniform>(m, "Uniform")
      .def(py::init([](double scale, std::optional<double> low, std::optional<double> high) {
             if (!low && !high) return make<Uniform>(scale);
             return make<Uniform>(low.value_or(-scale), high.value_or(scale));
           }),
           py::arg("scale") = 0.07, py::arg("low") = py::none(), py::arg("high") = py::none());
  Class<Normal>(m, "Normal")
      .def(py::init([](double sigma, double mean) { return make<Normal>(sigma, mean); }),
           py::arg("sigma") = 0.01, py::arg("mean") = 0.0);
  Class<TruncatedNormal>(m, "TruncatedNormal")
      .def(py::init([](double sigma, double mean, double low, double high, const std::string& cut,
                       bool correct) {
             const Cut kind =
                 choose<Cut>(cut, "cut", {{"sigma", Cut::sigma}, {"value", Cut::value}});
             return make<TruncatedNormal>(sigma, mean, low, high, kind, correct);
           }),
           py::arg("sigma") = 0.01, py::arg("mean") = 0.0, py::arg("low") = -2.0,
           py::arg("high") = 2.0, py::arg("cut") = "sigma", py::arg("correct") = false);
  Class<Sparse>(m, "Sparse")
      .def(py::init([](double sparsity, double sigma, const std::string& per) {
             const auto axis = choose<SparseAxis>(
                 per, "per", {{"column", SparseAxis::column}, {"row", SparseAxis::row}});
             return make<Sparse>(sparsity, sigma, axis);
           }),
           py::arg("sparsity"), py::arg("sigma") = 0.01, py::arg("per") = "column");
}

void bind_scaling(py::module_& m) {
  Class<VarianceScaling>(m, "VarianceScaling")
      .def(py::init([](double scale, const std::string& mode, const std::string& distribution,
                       std::optional<double> fan_in, std::optional<double> fan_out, Axes in_axes,
                       Axes out_axes) {
             return make<VarianceScaling>(
                 scale, mode_from(mode), distribution_from(distribution),
                 fan_settings(fan_in, fan_out, std::move(in_axes), std::move(out_axes)));
           }),
           py::arg("scale") = 1.0, py::arg("mode") = "fan_in",
           py::arg("distribution") = "truncated_normal", py::kw_only(),
           py::arg("fan_in") = py::none(), py::arg("fan_out") = py::none(),
           py::arg("in_axes") = Axes{}, py::arg("out_axes") = Axes{})
      .def(
          "variance",
          [](const VarianceScaling& self, const std::string& name, const py::sequence& shape) {
            return self.variance(name, to_shape(shape));
          },
          py::arg("name"), py::arg("shape"), "The variance that a weight of this shape gets.");
  Class<Xavier, VarianceScaling>(m, "Xavier")
      .def(py::init([](const std::string& rnd_type, const std::string& factor_type,
                       double magnitude, std::optional<double> fan_in,
                       std::optional<double> fan_out, Axes in_axes, Axes out_axes) {
             return make<Xavier>(
                 rnd_type_from(rnd_type), factor_type_from(factor_type), magnitude,
                 fan_settings(fan_in, fan_out, std::move(in_axes), std::move(out_axes)));
           }),
           py::arg("rnd_type") = "uniform", py::arg("factor_type") = "avg",
           py::arg("magnitude") = 3.0, py::kw_only(), py::arg("fan_in") = py::none(),
           py::arg("fan_out") = py::none(), py::arg("in_axes") = Axes{},
           py::arg("out_axes") = Axes{});
  Class<MSRAPrelu, VarianceScaling>(m, "MSRAPrelu")
      .def(py::init([](const std::string& factor_type, double slope, std::optional<double> fan_in,
                       std::optional<double> fan_out, Axes in_axes, Axes out_axes) {
             return make<MSRAPrelu>(
                 factor_type_from(factor_type), slope,
                 fan_settings(fan_in, fan_out, std::move(in_axes), std::move(out_axes)));
           }),
           py::arg("factor_type") = "avg", py::arg("slope") = 0.25, py::kw_only(),
           py::arg("fan_in") = py::none(), py::arg("fan_out") = py::none(),
           py::arg("in_axes") = Axes{}, py::arg("out_axes") = Axes{});
}

void bind_orthogonal(py::module_& m) {
  Class<Orthogonal>(m, "Orthogonal")
      .def(py::init([](double scale, const std::string& rand_type, const std::string& method) {
             const auto kind = choose<Distribution>(
                 rand_type, "rand_type",
                 {{"uniform", Distribution::uniform}, {"normal", Distribution::normal}});
             const auto how = choose<OrthogonalMethod>(
                 method, "method", {{"svd", OrthogonalMethod::svd}, {"qr", OrthogonalMethod::qr}});
             return make<Orthogonal>(scale, kind, how);
           }),
           py::arg("scale") = 1.414, py::arg("rand_type") = "uniform", py::arg("method") = "qr");
  Class<DeltaOrthogonal>(m, "DeltaOrthogonal")
      .def(py::init([](double scale) { return make<DeltaOrthogonal>(scale); }),
           py::arg("scale") = 1.0);
}

}  // namespace

std::shared_ptr<const Initializer> to_initializer(py::handle object, std::uint64_t parameter) {
  if (object.is_none()) return nullptr;
  const auto& initializer = cast_to<const Initializer&>(object, "an initializer");
  const auto place = planned().emplace(parameter, object.ptr());
  object.inc_ref();
  // A reference of its own for each call: one that several plans share could be visited only once.
  return {&initializer, [place](const Initializer*) {
            if (Py_IsInitialized() == 0) return;
            const WithGil gil;
            const auto last = py::reinterpret_steal<py::object>(place->second);
            planned().erase(place);
          }};
}

int traverse_plan(std::uint64_t parameter, visitproc visit, void* arg) {
  const auto [begin, end] = planned().equal_range(parameter);
  for (auto each = begin; each != end; ++each) Py_VISIT(each->second);
  return 0;
}

void bind_initializer(py::module_& m) {
  py::class_<Initializer, PyInitializer<Initializer>, py::smart_holder>(m, "Initializer")
      .def(py::init([] { return new PyInitializer<Initializer>(); }))
      .def(
          "__call__",
          [](const py::object& self, const py::tuple& shape, const py::object& dtype) {
            return protocol("drawn")(self, shape, dtype);
          },
          py::arg("shape"), py::arg("dtype") = py::none(),
          "A new array of `shape`, filled as a parameter's that has this initializer.")
      .def("__call__", bound(&Initializer::operator()), py::arg("desc"), py::arg("arr"),
           "Fills `arr` in place for the parameter that `desc` names.")
      .def(
          "_set_announcing",
          [](Initializer& self, bool announcing) {
            if (auto* const announcer = dynamic_cast<Announcer*>(&self)) {
              announcer->announcing = announcing;
            }
          },
          py::arg("announcing"), "Sets whether `__call__` ends with `_announce(desc, arr)`.")
      .def("_init_weight", bound(&Initializer::init_weight), py::arg("desc"), py::arg("arr"))
      .def("_init_bias", bound(&Initializer::init_bias), py::arg("desc"), py::arg("arr"))
      .def("_init_gamma", bound(&Initializer::init_gamma), py::arg("desc"), py::arg("arr"))
      .def("_init_beta", bound(&Initializer::init_beta), py::arg("desc"), py::arg("arr"))
      .def("_init_zero", bound(&Initializer::init_zero), py::arg("desc"), py::arg("arr"))
      .def("_init_one", bound(&Initializer::init_one), py::arg("desc"), py::arg("arr"))
      .def("_init_default", bound(&Initializer::init_default), py::arg("desc"), py::arg("arr"))
      .def(
          "fill_shard",
          [](const Initializer& self, py::handle desc, const py::sequence& shape,
             std::int64_t offset, std::int64_t count, const Generator& generator) {
            const Tensor part = Tensor(Shape{count});
            const InitDesc where = from_python(desc);
            const Shape whole = to_shape(shape);
            {
              const py::gil_scoped_release unlocked;
              self.fill_shard(where, whole, offset, part, generator);
            }
            return as_ndarray(part);
          },
          py::arg("desc"), py::arg("shape"), py::arg("offset"), py::arg("count"),
          py::arg("generator"),
          "Elements [offset, offset + count) of a weight of `shape`: float32, shape (count,), with "
          "the bits that filling the whole from `generator` gives.");

  bind_constants(m);
  bind_plain_random(m);
  bind_scaling(m);
  bind_orthogonal(m);

  m.def(
      "gain",
      [](const std::string& nonlinearity, std::optional<double> param) {
        return gain(nonlinearity, param);
      },
      py::arg("nonlinearity"), py::arg("param") = py::none());
  m.def(
      "fans",
      [](const std::string& name, const py::sequence& shape) {
        return fans(name, to_shape(shape));
      },
      py::arg("name"), py::arg("shape"), "(fan_in, fan_out) of a weight (out, in, *kernel).");
  m.def(
      "register_init",
      [](const py::type& init_desc, py::object create) {
        init_desc_type = init_desc.inc_ref().ptr();
        create_initializer = create.release().ptr();
      },
      py::arg("InitDesc"), py::arg("create"),
      "Tells the extension the class of descriptors, and the function that makes an initializer of "
      "a name.");
}

}  // namespace glueball::bindings
