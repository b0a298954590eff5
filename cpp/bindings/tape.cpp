// The nodes of the graph that autograd records.
//
// What a node means is said where Python's classes stand on it, in _tape.py. Here is what a step of
// training does for each: on Python's own C interface, because with Python's attributes and
// pybind11's calls that took longer than the derivatives of a small net.

#include "tape.h"

#include <pybind11/pybind11.h>
#include <structmember.h>

#include <atomic>
#include <cstdint>
#include <utility>

#include "bindings.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

std::atomic<unsigned long long> last_number{0};

// ---- nodes ----------------------------------------------------------------------------------

// Classes that live as long as the process. The Python classes are registered by _tape.py.
PyTypeObject* base_type = nullptr;
PyTypeObject* node_type = nullptr;
PyTypeObject* leaf_type = nullptr;

long long versions_of(PyObject* parents) {
  long long sum = 0;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parents); ++i) {
    PyObject* const parent = PyTuple_GET_ITEM(parents, i);
    if (PyObject_TypeCheck(parent, base_type)) sum += as_node(parent)->version;
  }
  return sum;
}

/// Fills a node that was just allocated. Takes references of its own.
void set_up(Node* node, PyObject* parents, PyObject* backward, PyObject* name,
            bool holds_parameters, PyObject* again) {
  node->number = ++last_number;
  Py_XSETREF(node->parents, Py_NewRef(parents));
  Py_XSETREF(node->backward, Py_NewRef(backward));
  Py_XSETREF(node->name, Py_NewRef(name));
  Py_XSETREF(node->again, Py_NewRef(again));
  node->version = 0;
  node->parents_version = versions_of(parents);
  node->holds_parameters = holds_parameters ? 1 : 0;
}

int node_init(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const names[] = {"parents",          "backward", "name",
                                      "holds_parameters", "again",    nullptr};
  PyObject* parents = nullptr;
  PyObject* backward = nullptr;
  PyObject* name = nullptr;
  int holds_parameters = 0;
  PyObject* again = Py_None;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O!OO|pO:TapeNode",
                                  const_cast<char**>(names), &PyTuple_Type, &parents, &backward,
                                  &name, &holds_parameters, &again) == 0) {
    return -1;
  }
  set_up(as_node(self), parents, backward, name, holds_parameters != 0, again);
  return 0;
}

// Py_VISIT is a branch or two each time.
// NOLINTNEXTLINE(readability-function-cognitive-complexity)
int node_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_node(self)->parents);
  Py_VISIT(as_node(self)->backward);
  Py_VISIT(as_node(self)->name);
  Py_VISIT(as_node(self)->again);
  return 0;
}

int node_clear(PyObject* self) {
  Py_CLEAR(as_node(self)->parents);
  Py_CLEAR(as_node(self)->backward);
  Py_CLEAR(as_node(self)->name);
  Py_CLEAR(as_node(self)->again);
  return 0;
}

void node_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  // A graph may be deeper than the stack.
  Py_TRASHCAN_BEGIN(self, node_dealloc) node_clear(self);
  type->tp_free(self);
  Py_DECREF(type);
  Py_TRASHCAN_END
}

PyObject* node_free(PyObject* self, PyObject*) {
  free_node(as_node(self));
  Py_RETURN_NONE;
}

PyObject* node_is_untouched(PyObject* self, void*) {
  return PyBool_FromLong(is_untouched(as_node(self)) ? 1 : 0);
}

PyObject* node_inputs_written(PyObject* self, void*) {
  const Node* const node = as_node(self);
  return PyBool_FromLong(versions_of(node->parents) != node->parents_version ? 1 : 0);
}

PyMemberDef node_members[] = {
    {"number", T_ULONGLONG, offsetof(Node, number), READONLY,
     "A node is younger than its parents."},
    {"parents", T_OBJECT, offsetof(Node, parents), READONLY,
     "The inputs' nodes; None for constants."},
    {"_backward", T_OBJECT, offsetof(Node, backward), READONLY, "None once it is used up."},
    {"name", T_OBJECT, offsetof(Node, name), READONLY, "What the operation is called."},
    {"again", T_OBJECT, offsetof(Node, again), READONLY, "For second derivatives."},
    {"version", T_LONGLONG, offsetof(Node, version), 0, "How often the array was written into."},
    {"holds_parameters", T_BOOL, offsetof(Node, holds_parameters), READONLY,
     "Whether the derivative writes parameters' gradients itself."},
    {},
};

PyGetSetDef node_attributes[] = {
    {"is_untouched", node_is_untouched, nullptr,
     "Whether neither the node's array nor its parents' have been written into.", nullptr},
    {"inputs_written", node_inputs_written, nullptr,
     "Whether a parent's array has been written into.", nullptr},
    {},
};

PyMethodDef node_methods[] = {
    {"free", node_free, METH_NOARGS, "Drop what the node saved, and its hold on older nodes."},
    {},
};

PyType_Slot node_slots[] = {
    {Py_tp_doc, const_cast<char*>("TapeNode(parents, backward, name, holds_parameters=False, "
                                  "again=None): storage of one recorded operation.")},
    {Py_tp_init, reinterpret_cast<void*>(&node_init)},
    {Py_tp_members, node_members},
    {Py_tp_getset, node_attributes},
    {Py_tp_methods, node_methods},
    {Py_tp_traverse, reinterpret_cast<void*>(&node_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(&node_clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&node_dealloc)},
    {},
};

PyType_Spec node_spec = {"glueball._core.TapeNode", sizeof(Node), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, node_slots};

// ---- derivatives in C++, as what a node calls -----------------------------------------------

struct Backward {
  PyObject_HEAD vectorcallfunc call;
  Derivative* derivative;
};

PyTypeObject* backward_type = nullptr;

PyObject* backward_call(PyObject* self, PyObject* const* arguments, std::size_t count,
                        PyObject* keywords) {
  if (PyVectorcall_NARGS(count) != 2 || keywords != nullptr) {
    PyErr_SetString(PyExc_TypeError, "expected backward(head_grad, pass_); pass these two");
    return nullptr;
  }
  return translated([&] {
    const auto& pass = py::handle(arguments[1]).cast<const BackwardPass&>();
    const Derivative& derivative = *reinterpret_cast<Backward*>(self)->derivative;
    return py::make_tuple(
        to_object(derivative(read_array(arguments[0], derivative.head_name()), pass)));
  });
}

void backward_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  delete reinterpret_cast<Backward*>(self)->derivative;
  PyObject_Free(self);
  Py_DECREF(type);
}

PyObject* backward_masks(PyObject* self, void*) {
  return translated([&] { return reinterpret_cast<Backward*>(self)->derivative->masks(); });
}

PyGetSetDef backward_attributes[] = {
    {"masks", backward_masks, nullptr,
     "What each layer of a chain multiplied by, where that was drawn at random, else None; None "
     "for all but chains.",
     nullptr},
    {},
};

PyMemberDef backward_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Backward, call), READONLY, nullptr},
    {},
};

PyType_Slot backward_slots[] = {
    {Py_tp_doc,
     const_cast<char*>("The derivative of a native operation: backward(head_grad, pass_) "
                       "returns a tuple of its input's gradient, or of None.")},
    {Py_tp_call, reinterpret_cast<void*>(&PyVectorcall_Call)},
    {Py_tp_members, backward_members},
    {Py_tp_getset, backward_attributes},
    {Py_tp_dealloc, reinterpret_cast<void*>(&backward_dealloc)},
    {},
};

PyType_Spec backward_spec = {
    "glueball._core.NativeBackward", sizeof(Backward), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_VECTORCALL,
    backward_slots};

PyObject* node_name() {
  static PyObject* const name = PyUnicode_InternFromString("_node");
  return name;
}

}  // namespace

void free_node(Node* node) {
  Py_XSETREF(node->backward, Py_NewRef(Py_None));
  Py_XSETREF(node->again, Py_NewRef(Py_None));
  Py_XSETREF(node->parents, PyTuple_New(0));
}

bool is_untouched(const Node* node) {
  return node->version == 0 && versions_of(node->parents) == node->parents_version;
}

bool is_leaf(PyObject* node) noexcept { return PyObject_TypeCheck(node, leaf_type) != 0; }

const Derivative* native_derivative(const Node* node) noexcept {
  PyObject* const backward = node->backward;
  return Py_IS_TYPE(backward, backward_type) ? reinterpret_cast<Backward*>(backward)->derivative
                                             : nullptr;
}

py::object to_object(const Tensor& gradient) {
  if (!gradient.defined()) return py::none();
  // What is passed on as it came may be memory that was only lent.
  return plain_array(gradient.buffer() == nullptr ? gradient.clone() : gradient);
}

py::object node_of(py::handle array) {
  auto node = py::reinterpret_steal<py::object>(PyObject_GetAttr(array.ptr(), node_name()));
  if (!node) throw py::error_already_set();
  return node;
}

void attach(py::handle output, py::handle input, std::unique_ptr<Derivative> derivative,
            py::handle name, bool always, py::handle again) {
  const py::object parent = node_of(input);
  if (!always && parent.is_none()) return;
  const auto parents = py::reinterpret_steal<py::object>(PyTuple_Pack(1, parent.ptr()));
  Backward* const backward = PyObject_New(Backward, backward_type);
  if (!parents || backward == nullptr) throw py::error_already_set();
  backward->call = &backward_call;
  backward->derivative = derivative.release();
  const auto callable = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(backward));
  const auto node = py::reinterpret_steal<py::object>(node_type->tp_alloc(node_type, 0));
  if (!node) throw py::error_already_set();
  set_up(as_node(node.ptr()), parents.ptr(), callable.ptr(), name.ptr(), always, again.ptr());
  if (PyObject_SetAttr(output.ptr(), node_name(), node.ptr()) != 0) throw py::error_already_set();
}

void bind_tape(py::module_& m) {
  const auto made = [&](const char* name, PyType_Spec& spec) {
    auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
    if (!type) throw py::error_already_set();
    m.attr(name) = type;
    return reinterpret_cast<PyTypeObject*>(type.release().ptr());
  };
  base_type = made("TapeNode", node_spec);
  node_type = base_type;
  leaf_type = base_type;
  backward_type = made("NativeBackward", backward_spec);
  m.def(
      "register_nodes",
      [](const py::type& node, const py::type& leaf) {
        node_type = reinterpret_cast<PyTypeObject*>(node.inc_ref().ptr());
        leaf_type = reinterpret_cast<PyTypeObject*>(leaf.inc_ref().ptr());
      },
      py::arg("node"), py::arg("leaf"),
      "Tells the extension Python's classes of nodes, subclasses of TapeNode.");
}

}  // namespace glueball::bindings
