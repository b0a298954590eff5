// The object that a native net is called through: Chain(x).
//
// Written on Python's own C interface: what pybind11 does for a call takes as long as a small net.

#include <pybind11/pybind11.h>
#include <structmember.h>

#include <memory>
#include <new>
#include <string>
#include <typeinfo>
#include <utility>

#include "bindings.h"
#include "glueball/dropout.h"
#include "glueball/error.h"
#include "glueball/sequential.h"
#include "ndarray.h"
#include "recording.h"
#include "tape.h"

namespace glueball::bindings {
namespace {

struct Chain {
  PyObject_HEAD vectorcallfunc call;
  PyObject* check;  ///< check(x) raises for what is no input; called for all but the usual class.
  PyObject* name;   ///< For messages.
  PyObject* again;  ///< again(x, training, masks): the same from array functions, to derive twice.
  bool trains;      ///< There are parameters to train.
  std::shared_ptr<Sequential> layers;
};

Chain* as_chain(PyObject* self) { return reinterpret_cast<Chain*>(self); }

/// A recorded run of a chain: what its backward needs, and the chain itself.
class ChainDerivative : public Derivative {
 public:
  explicit ChainDerivative(std::shared_ptr<Sequential> layers) : layers_(std::move(layers)) {}

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

 private:
  std::shared_ptr<Sequential> layers_;
  ChainRecord record_;
  Shape output_;
  Dtype dtype_ = Dtype::float32;
  bool need_input_grad_ = false;
};

/// Forward that becomes part of the graph; an array of x's class.
py::object record(const Chain& chain, py::handle x, bool training) {
  std::shared_ptr<Generator> rng;
  if (training) rng = default_generator();
  const ForwardMode mode{training, rng.get()};
  const Tensor input = keep_array(x, "input");
  auto derivative = std::make_unique<ChainDerivative>(chain.layers);
  Tensor output;
  if (chain.layers->is_quick(input.shape())) {
    output = derivative->forward(input, mode);
  } else {
    const py::gil_scoped_release unlocked;
    output = derivative->forward(input, mode);
  }
  py::object array = as_ndarray(output, reinterpret_cast<PyObject*>(Py_TYPE(x.ptr())));
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
  // Flatten and the like return a view of the input, which is only borrowed here.
  if (output.buffer() == nullptr) output = keep_array(x, "input").reshaped(output.shape());
  return as_ndarray(output, reinterpret_cast<PyObject*>(Py_TYPE(x.ptr())));
}

PyObject* chain_call(PyObject* self, PyObject* const* arguments, std::size_t count,
                     PyObject* keywords) {
  Chain* const chain = as_chain(self);
  if (PyVectorcall_NARGS(count) != 1 || keywords != nullptr) {
    PyErr_SetString(PyExc_TypeError, "expected one array for a chain; pass x alone");
    return nullptr;
  }
  PyObject* const x = arguments[0];
  if (!is_default_array(x)) {
    PyObject* const checked = PyObject_CallOneArg(chain->check, x);
    if (checked == nullptr) return nullptr;
    Py_DECREF(checked);
  }
  const Recording now = recording();
  return translated([&] {
    return now.recording ? record(*chain, x, now.training) : infer(*chain->layers, x, now.training);
  });
}

PyObject* chain_new(PyTypeObject* type, PyObject* arguments, PyObject*) {
  PyObject* layers = nullptr;
  PyObject* name = nullptr;
  PyObject* check = nullptr;
  PyObject* again = nullptr;
  int trains = 0;
  if (PyArg_ParseTuple(arguments, "OOOOp:Chain", &layers, &name, &check, &again, &trains) == 0) {
    return nullptr;
  }
  std::shared_ptr<Sequential> shared;
  try {
    shared = py::handle(layers).cast<std::shared_ptr<Sequential>>();
  } catch (const py::cast_error&) {
    PyErr_SetString(PyExc_TypeError, "expected a Sequential of the extension for a Chain");
    return nullptr;
  }
  PyObject* const self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  Chain* const chain = as_chain(self);
  chain->call = &chain_call;
  chain->check = Py_NewRef(check);
  chain->name = Py_NewRef(name);
  chain->again = Py_NewRef(again);
  chain->trains = trains != 0;
  new (&chain->layers) std::shared_ptr<Sequential>(std::move(shared));
  return self;
}

int chain_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_chain(self)->check);
  Py_VISIT(as_chain(self)->again);
  return 0;
}

int chain_clear(PyObject* self) {
  Py_CLEAR(as_chain(self)->check);
  Py_CLEAR(as_chain(self)->name);
  Py_CLEAR(as_chain(self)->again);
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
                       "check(x) is called for an array of another class than the usual one; "
                       "again(x, training, masks) computes the same from array functions.")},
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

void bind_chain(py::module_& m) {
  auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&chain_spec));
  if (!type) throw py::error_already_set();
  m.attr("Chain") = type;
}

}  // namespace glueball::bindings
