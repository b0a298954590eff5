// The object that a native net is called through: Chain(x).
//
// Written on Python's own C interface: what pybind11 does for a call takes as long as a small net.

#include <pybind11/pybind11.h>
#include <structmember.h>

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <typeinfo>
#include <utility>

#include "bindings.h"
#include "capi/recording.h"
#include "capi/tape.h"
#include "glueball/dropout.h"
#include "glueball/error.h"
#include "glueball/sequential.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

struct Chain {
  PyObject_HEAD vectorcallfunc call;
  /// check(x) raises unless x is an input; called for all but the usual class. None, or what to run
  /// on: a plain array made of an input that is not an NDArray.
  PyObject* check;
  PyObject* name;   ///< For messages.
  PyObject* again;  ///< again(x, training, masks): the same from array functions, to derive twice.
  bool trains;      ///< There are parameters to train.
  std::shared_ptr<Sequential> layers;
};

Chain* as_chain(PyObject* self) { return reinterpret_cast<Chain*>(self); }

/// A recorded run of a chain: what its backward needs, and the chain itself.
class ChainDerivative : public Derivative {
 public:
  /// `input` is an array whose memory a tensor can borrow.
  ChainDerivative(std::shared_ptr<Sequential> layers, py::object input)
      : layers_(std::move(layers)), input_(std::move(input)) {}

  /// Forward; the record stays here.
  Tensor forward(const Tensor& input, const ForwardMode& mode) {
    Tensor output = layers_->forward_chain(input, mode, record_);
    output_ = output.shape();
    dtype_ = output.dtype();
    return output;
  }

  /// Whether the input's gradient is wanted.
  void set_need_input_grad(bool needed) { need_input_grad_ = needed; }

  Tensor operator()(const Tensor& grad, const BackwardPass& pass) const override {
    if (grad.shape() != output_ || grad.dtype() != dtype_) {
      throw InputError({"a head gradient of shape " + to_string(output_) + " and dtype " +
                            to_string(dtype_) + " for '" + layers_->name() + "'",
                        to_string(grad.shape()) + ", " + to_string(grad.dtype()),
                        "pass one like the output"});
    }
    if (layers_->is_quick(grad.shape())) {
      return layers_->backward_chain(grad, record_, need_input_grad_, pass);
    }
    const py::gil_scoped_release unlocked;
    return layers_->backward_chain(grad, record_, need_input_grad_, pass);
  }

  std::string head_name() const override {
    return "the head gradient of '" + layers_->name() + "'";
  }

  py::object masks() const override {
    py::list masks;
    for (std::size_t i = 0; i < record_.size(); ++i) {
      const Layer& layer = *layers_->layers()[i];
      const bool drawn = typeid(layer) == typeid(Dropout) && record_[i].extra.defined();
      masks.append(drawn ? plain_array(record_[i].extra) : py::object(py::none()));
    }
    return masks;
  }

  int traverse(visitproc visit, void* arg) const override {
    Py_VISIT(input_.ptr());
    return 0;
  }

 private:
  std::shared_ptr<Sequential> layers_;
  py::object input_;  // its memory is in the record
  ChainRecord record_;
  Shape output_;
  Dtype dtype_ = Dtype::float32;
  bool need_input_grad_ = false;
};

/// The output of a chain as an array of x's class.
py::object to_array(const Tensor& output, py::handle x) {
  auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(x.ptr()));
  if (output.buffer() != nullptr) return as_ndarray(output, type);
  // Flatten and the like return a view of the input, which is only borrowed.
  return as_ndarray(keep_array(x, "input").reshaped(output.shape()), type);
}

/// Forward that becomes part of the graph; an array of x's class.
py::object record(const Chain& chain, py::handle x, bool training) {
  std::shared_ptr<Generator> rng;
  if (training) rng = default_generator();
  const ForwardMode mode{training, rng.get()};
  const py::object kept = readable_array(x, "input");
  const Tensor input = read_array(kept, "input");
  auto derivative = std::make_unique<ChainDerivative>(chain.layers, kept);
  Tensor output;
  if (chain.layers->is_quick(input.shape())) {
    output = derivative->forward(input, mode);
  } else {
    const py::gil_scoped_release unlocked;
    output = derivative->forward(input, mode);
  }
  py::object array = to_array(output, x);
  derivative->set_need_input_grad(!node_of(x).is_none());
  const auto again = py::reinterpret_steal<py::object>(
      PyTuple_Pack(4, Py_False, chain.again, x.ptr(), training ? Py_True : Py_False));
  if (!again) throw py::error_already_set();
  attach(array, x, std::move(derivative), chain.name, chain.trains, again);
  return array;
}

/// Forward without a record; an array of x's class.
py::object infer(Sequential& layers, py::handle x, bool training) {
  std::shared_ptr<Generator> rng;
  if (training) rng = default_generator();
  const ForwardMode mode{training, rng.get()};
  Tensor input = read_plain_array(x);
  if (!input.defined()) input = read_array(x, "input of '" + layers.name() + "'");
  Tensor output = layers.forward_if_quick(input, training);
  if (!output.defined()) {
    // Also for the first forward of a deferred net: another thread may be at it too, and wait for
    // this one while an initializer written in Python needs the GIL.
    const py::gil_scoped_release unlocked;
    output = layers.forward(input, mode, nullptr);
  }
  return to_array(output, x);
}

/// Where `x` is not an NDArray the array to run on, for nets that nobody records; else null.
py::object plain_input(const Chain& chain, py::handle x) {
  auto found = py::reinterpret_steal<py::object>(PyObject_CallOneArg(chain.check, x.ptr()));
  if (!found) throw py::error_already_set();
  return found.is_none() ? py::object() : found;
}

/// The array to write an output into, as a tensor on its memory.
Tensor output_of(py::handle out, const Tensor& input) {
  const WritableArray written(out, "out");
  if (!read_plain_array(out).defined()) {
    throw ArgumentError({"out in C order", "an array in another order or not aligned",
                         "pass a new one: numpy.empty(shape, dtype)"});
  }
  const auto* const first = static_cast<const std::byte*>(input.raw());
  const auto* const target = static_cast<const std::byte*>(written.tensor().raw());
  if (first < target + written.tensor().bytes() && target < first + input.bytes()) {
    throw ArgumentError({"out apart from the input", "two arrays with memory in common",
                         "pass a new one: numpy.empty(shape, dtype)"});
  }
  return written.tensor();
}

/// As infer(), into `out`.
void infer_into(Sequential& layers, py::handle x, py::handle out, bool training) {
  const Tensor input = keep_array(x, "input of '" + layers.name() + "'");
  const Tensor output = output_of(out, input);
  if (layers.forward_into_if_quick(input, output, training)) return;
  const Tensor result = read_array(infer(layers, x, training), "output");
  if (result.shape() != output.shape() || result.dtype() != output.dtype()) {
    throw InputError({"out of shape " + to_string(result.shape()) + " and dtype " +
                          to_string(result.dtype()) + " for '" + layers.name() + "'",
                      to_string(output.shape()) + ", " + to_string(output.dtype()),
                      "pass an array of that shape and dtype"});
  }
  output.copy_from(result);
}

/// The output where a plain array can be run on as it is, and quickly; else null.
py::object infer_plain(Sequential& layers, py::handle x, py::handle out, bool training) {
  const Tensor input = read_plain_array(x);
  if (!input.defined()) return {};
  if (!out) {
    const Tensor output = layers.forward_if_quick(input, training);
    return output.defined() ? to_array(output, x) : py::object();
  }
  const bool done = layers.forward_into_if_quick(input, output_of(out, input), training);
  return done ? py::reinterpret_borrow<py::object>(out) : py::object();
}

/// Chain(x) for arrays of other classes, and Chain(x, out=array).
py::object call_outside(const Chain& chain, py::handle x, py::handle out, const Recording& now) {
  Sequential& layers = *chain.layers;
  if (!now.recording && is_numpy_array(x)) {
    py::object output = infer_plain(layers, x, out, now.training);
    if (output) return output;
  }
  py::object array;
  if (!is_default_array(x)) array = plain_input(chain, x);
  if (!array) array = py::reinterpret_borrow<py::object>(x);
  if (now.recording && out) {
    throw ArgumentError({"no out= for '" + layers.name() + "' while autograd records", "one",
                         "leave it out, or call outside of record()"});
  }
  if (now.recording) return record(chain, array, now.training);
  if (!out) return infer(layers, array, now.training);
  infer_into(layers, array, out, now.training);
  return py::reinterpret_borrow<py::object>(out);
}

/// The array of out=, null if there is none; false if the call has other arguments than (x, out=).
bool parse_out(PyObject* const* arguments, PyObject* keywords, PyObject** out) {
  *out = nullptr;
  if (keywords == nullptr || PyTuple_GET_SIZE(keywords) == 0) return true;
  if (PyTuple_GET_SIZE(keywords) != 1) return false;
  if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, 0), "out") != 0) return false;
  if (arguments[1] != Py_None) *out = arguments[1];
  return true;
}

PyObject* chain_call(PyObject* self, PyObject* const* arguments, std::size_t count,
                     PyObject* keywords) {
  Chain* const chain = as_chain(self);
  const Py_ssize_t found = PyVectorcall_NARGS(count);
  PyObject* out = nullptr;
  if (found != 1 || !parse_out(arguments, keywords, &out)) {
    return refuse_arguments("Chain.__call__", 1, found, keywords != nullptr);
  }
  PyObject* const x = arguments[0];
  const Recording now = recording();
  return translated([&] {
    if (out != nullptr || !is_default_array(x)) return call_outside(*chain, x, out, now);
    return now.recording ? record(*chain, x, now.training) : infer(*chain->layers, x, now.training);
  });
}

PyObject* chain_new(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  const bool has_keywords = keywords != nullptr && PyDict_GET_SIZE(keywords) != 0;
  const Py_ssize_t found = PyTuple_GET_SIZE(arguments);
  if (found != 5 || has_keywords) return refuse_arguments("Chain", 5, found, has_keywords);
  const int trains = PyObject_IsTrue(PyTuple_GET_ITEM(arguments, 4));
  if (trains < 0) return nullptr;
  return translated([&] {
    auto layers = cast_to<std::shared_ptr<Sequential>>(PyTuple_GET_ITEM(arguments, 0),
                                                       "a Sequential of the extension");
    auto self = py::reinterpret_steal<py::object>(type->tp_alloc(type, 0));
    if (!self) throw py::error_already_set();
    Chain* const chain = as_chain(self.ptr());
    chain->call = &chain_call;
    chain->name = Py_NewRef(PyTuple_GET_ITEM(arguments, 1));
    chain->check = Py_NewRef(PyTuple_GET_ITEM(arguments, 2));
    chain->again = Py_NewRef(PyTuple_GET_ITEM(arguments, 3));
    chain->trains = trains != 0;
    new (&chain->layers) std::shared_ptr<Sequential>(std::move(layers));
    return self;
  });
}

int chain_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_chain(self)->check);
  Py_VISIT(as_chain(self)->name);
  Py_VISIT(as_chain(self)->again);
  return 0;
}

int chain_clear(PyObject* self) {
  // None in place of null: what goes with it may still call it.
  for (PyObject** member :
       {&as_chain(self)->check, &as_chain(self)->name, &as_chain(self)->again}) {
    Py_XSETREF(*member, Py_NewRef(Py_None));
  }
  return 0;
}

void chain_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  chain_clear(self);
  as_chain(self)->layers.~shared_ptr();
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef chain_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Chain, call), READONLY, nullptr},
    {},
};

PyType_Slot chain_slots[] = {
    {Py_tp_doc,
     const_cast<char*>("Chain(layers, name, check, again, trains): calls a native Sequential.\n\n"
                       "A call takes x, and an array to write into as out=. "
                       "check(x) is called for what is not of the usual class, and returns None "
                       "or the array to run on; again(x, training, masks) computes the same from "
                       "array functions.")},
    {Py_tp_new, reinterpret_cast<void*>(&chain_new)},
    {Py_tp_call, reinterpret_cast<void*>(&PyVectorcall_Call)},
    {Py_tp_members, chain_members},
    {Py_tp_traverse, reinterpret_cast<void*>(&chain_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(&chain_clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&chain_dealloc)},
    {},
};

PyType_Spec chain_spec = {"glueball._core.Chain", sizeof(Chain), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
                          chain_slots};

}  // namespace

void bind_chain(py::module_& m) { add_type(m, "Chain", chain_spec); }

}  // namespace glueball::bindings
