// The nodes of the graph that autograd records.
//
// What a node means is said in _tape.py, beside Python's classes of nodes. Here is what a step of
// training does for each: on Python's own C interface, because with Python's attributes and
// pybind11's calls that took longer than the derivatives of a small net.

#include "capi/tape.h"

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

// Classes that live as long as the process. The Python classes are registered by _tape.py.
PyTypeObject* base_type = nullptr;
PyTypeObject* node_type = nullptr;
PyTypeObject* leaf_type = nullptr;
PyObject* no_parents = nullptr;

long long versions_of(PyObject* parents) {
  long long sum = 0;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parents); ++i) {
    PyObject* const parent = PyTuple_GET_ITEM(parents, i);
    if (parent != Py_None) sum += as_node(parent)->version;
  }
  return sum;
}

void set(PyObject*& member, PyObject* value) { Py_XSETREF(member, Py_NewRef(value)); }

/// Empties a node.
void reset(Node* node) {
  set(node->name, Py_None);
  free_node(node);
}

PyObject* node_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* const self = type->tp_alloc(type, 0);
  if (self != nullptr) reset(as_node(self));
  return self;
}

/// Fills a new node. Takes references of its own.
void set_up(Node* node, PyObject* parents, PyObject* backward, PyObject* name,
            bool holds_parameters, PyObject* again) {
  node->number = ++last_number;
  set(node->parents, parents);
  set(node->backward, backward);
  set(node->name, name);
  set(node->again, again);
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
  // So a node is always younger than its parents, and a walk comes to an end.
  bool is_sound = as_node(self)->number == 0;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parents); ++i) {
    PyObject* const parent = PyTuple_GET_ITEM(parents, i);
    is_sound = is_sound && (parent == Py_None || (PyObject_TypeCheck(parent, base_type) != 0 &&
                                                  as_node(parent)->number != 0));
  }
  if (!is_sound) {
    PyErr_SetString(PyExc_TypeError,
                    "expected a new node, and parents that are nodes or None, found another or one "
                    "whose __init__ has not run; make a node of existing ones");
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
  reset(as_node(self));  // what goes with it may still look at it
  return 0;
}

// NOLINTNEXTLINE(readability-function-cognitive-complexity): of Python's macros.
void node_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  // A graph may be deeper than the stack.
  Py_TRASHCAN_BEGIN(self, node_dealloc);
  Py_CLEAR(as_node(self)->parents);
  Py_CLEAR(as_node(self)->backward);
  Py_CLEAR(as_node(self)->name);
  Py_CLEAR(as_node(self)->again);
  type->tp_free(self);
  Py_DECREF(type);
  Py_TRASHCAN_END;
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
    {Py_tp_new, reinterpret_cast<void*>(&node_new)},
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

struct Backward {
  PyObject_HEAD vectorcallfunc call;
  Derivative* derivative;
};

PyTypeObject* backward_type = nullptr;

PyObject* backward_call(PyObject* self, PyObject* const* arguments, std::size_t count,
                        PyObject* keywords) {
  const Py_ssize_t found = PyVectorcall_NARGS(count);
  if (found != 2 || keywords != nullptr) {
    return refuse_arguments("backward", 2, found, keywords != nullptr);
  }
  return translated([&] {
    const auto& pass = cast_to<const BackwardPass&>(arguments[1], "a BackwardPass");
    const Derivative& derivative = *reinterpret_cast<Backward*>(self)->derivative;
    return py::make_tuple(
        to_object(derivative(read_array(arguments[0], derivative.head_name()), pass)));
  });
}

// There is no tp_clear, as tuples have none: what leads back here can be cleared, a node or an
// array.
int backward_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return reinterpret_cast<Backward*>(self)->derivative->traverse(visit, arg);
}

void backward_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  delete reinterpret_cast<Backward*>(self)->derivative;
  PyObject_GC_Del(self);
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
    {Py_tp_traverse, reinterpret_cast<void*>(&backward_traverse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&backward_dealloc)},
    {},
};

PyType_Spec backward_spec = {"glueball._core.NativeBackward", sizeof(Backward), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                                 Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
                             backward_slots};

PyObject* node_name() {
  static PyObject* const name = PyUnicode_InternFromString("_node");
  return name;
}

}  // namespace

Node* to_node(py::handle object) {
  if (PyObject_TypeCheck(object.ptr(), base_type) == 0) {
    throw TypeError({"a node of a graph", std::string("a ") + Py_TYPE(object.ptr())->tp_name,
                     "pass the _node of an array"});
  }
  return as_node(object.ptr());
}

void free_node(Node* node) {
  set(node->backward, Py_None);
  set(node->again, Py_None);
  set(node->parents, no_parents);
}

Passage::Passage(Node* node, bool retain)
    : node_(node),
      takes_(!retain),
      backward_(py::reinterpret_borrow<py::object>(node->backward)),
      parents_(py::reinterpret_borrow<py::tuple>(node->parents)) {
  if (!takes_) return;
  set(node->backward, Py_None);
  set(node->parents, no_parents);
}

void Passage::finish() {
  if (std::exchange(takes_, false)) free_node(node_);
}

Passage::~Passage() {
  if (!takes_) return;
  set(node_->backward, backward_.ptr());
  set(node_->parents, parents_.ptr());
}

bool is_untouched(const Node* node) {
  return node->version == 0 && versions_of(node->parents) == node->parents_version;
}

bool is_leaf(PyObject* node) noexcept { return PyObject_TypeCheck(node, leaf_type) != 0; }

const Derivative* native_derivative(PyObject* backward) noexcept {
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
  if (!node.is_none()) to_node(node);
  return node;
}

void attach(py::handle output, py::handle input, std::unique_ptr<Derivative> derivative,
            py::handle name, bool always, py::handle again) {
  const py::object parent = node_of(input);
  if (!always && parent.is_none()) return;
  const auto parents = py::reinterpret_steal<py::object>(PyTuple_Pack(1, parent.ptr()));
  if (!parents) throw py::error_already_set();
  Backward* const backward = PyObject_GC_New(Backward, backward_type);
  if (backward == nullptr) throw py::error_already_set();
  backward->call = &backward_call;
  backward->derivative = derivative.release();
  const auto callable = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(backward));
  PyObject_GC_Track(callable.ptr());
  const auto node = py::reinterpret_steal<py::object>(node_new(node_type, nullptr, nullptr));
  if (!node) throw py::error_already_set();
  set_up(as_node(node.ptr()), parents.ptr(), callable.ptr(), name.ptr(), always, again.ptr());
  if (PyObject_SetAttr(output.ptr(), node_name(), node.ptr()) != 0) throw py::error_already_set();
}

void bind_tape(py::module_& m) {
  no_parents = PyTuple_New(0);
  if (no_parents == nullptr) throw py::error_already_set();
  base_type = add_type(m, "TapeNode", node_spec);
  node_type = base_type;
  leaf_type = base_type;
  backward_type = add_type(m, "NativeBackward", backward_spec);
  m.def(
      "register_nodes",
      [](const py::type& node, const py::type& leaf) {
        for (const py::type& type : {node, leaf}) {
          if (!PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type.ptr()), base_type)) {
            throw TypeError({"subclasses of TapeNode", py::repr(type), "pass these"});
          }
          type.inc_ref();
        }
        node_type = reinterpret_cast<PyTypeObject*>(node.ptr());
        leaf_type = reinterpret_cast<PyTypeObject*>(leaf.ptr());
      },
      py::arg("node"), py::arg("leaf"),
      "Tells the extension Python's classes of nodes, subclasses of TapeNode.");
}

}  // namespace glueball::bindings
