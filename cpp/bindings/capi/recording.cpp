// Recording and training, thread by thread, and the scopes that set them.
//
// Written on Python's own C interface: each step of training passes here several times, and a class
// of pybind11's costs it a microsecond.

#include "capi/recording.h"

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>
#include <vector>

#include "bindings.h"

namespace glueball::bindings {
namespace {

constinit thread_local Recording of_this_thread;

template <bool Recording::* Flag>
PyObject* get_flag(PyObject*, void*) {
  return PyBool_FromLong(of_this_thread.*Flag ? 1 : 0);
}

template <bool Recording::* Flag>
int set_flag(PyObject*, PyObject* value, void*) {
  if (value == nullptr) {
    PyErr_SetString(PyExc_AttributeError, "expected True or False, found a deletion; set it");
    return -1;
  }
  const int truth = PyObject_IsTrue(value);
  if (truth < 0) return -1;
  of_this_thread.*Flag = truth != 0;
  return 0;
}

PyGetSetDef state_attributes[] = {
    {"recording", get_flag<&Recording::recording>, set_flag<&Recording::recording>,
     "Whether this thread records.", nullptr},
    {"training", get_flag<&Recording::training>, set_flag<&Recording::training>,
     "Whether layers in this thread run as in training.", nullptr},
    {},
};

PyType_Slot state_slots[] = {
    {Py_tp_doc, const_cast<char*>("What a thread is doing: writing a graph, and running layers as "
                                  "in training.")},
    {Py_tp_getset, state_attributes},
    {},
};

PyType_Spec state_spec = {"glueball._core.RecordingState", sizeof(PyObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, state_slots};

/// What a scope does to a flag.
enum class Change : signed char { none = -1, off = 0, on = 1 };

struct Scope {
  PyObject_HEAD Change recording;
  Change training;
  bool is_open;
  Recording before;
  /// What was before each block that is open inside the first: a scope may be entered again inside
  /// itself. Made when that happens.
  std::vector<Recording>* nested;
};

bool to_change(PyObject* value, Change& change) {
  if (value == Py_None) {
    change = Change::none;
    return true;
  }
  if (PyUnicode_Check(value) || PyBytes_Check(value) || PyList_Check(value) ||
      PyTuple_Check(value) || PyDict_Check(value) || PyCallable_Check(value) != 0) {
    (void)translated([&]() -> py::object {
      throw TypeError({"True or False", std::string(py::repr(value)), "pass one of them"});
    });
    return false;
  }
  const int truth = PyObject_IsTrue(value);
  change = truth != 0 ? Change::on : Change::off;
  return truth >= 0;
}

PyObject* new_scope(PyTypeObject* type, PyObject* recording, PyObject* training) {
  Scope* const scope = PyObject_New(Scope, type);
  if (scope == nullptr) return nullptr;
  scope->is_open = false;
  scope->nested = nullptr;
  if (!to_change(recording, scope->recording) || !to_change(training, scope->training)) {
    Py_DECREF(scope);
    return nullptr;
  }
  return reinterpret_cast<PyObject*>(scope);
}

PyObject* scope_new(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  const bool has_keywords = keywords != nullptr && PyDict_GET_SIZE(keywords) != 0;
  const Py_ssize_t found = PyTuple_GET_SIZE(arguments);
  if (found != 2 || has_keywords) return refuse_arguments("RecordingScope", 2, found, has_keywords);
  return new_scope(type, PyTuple_GET_ITEM(arguments, 0), PyTuple_GET_ITEM(arguments, 1));
}

/// As scope_new, without a tuple of the arguments.
PyObject* call_scope(PyObject* type, PyObject* const* arguments, std::size_t count,
                     PyObject* names) {
  const bool has_keywords = names != nullptr && PyTuple_GET_SIZE(names) != 0;
  const Py_ssize_t found = PyVectorcall_NARGS(count);
  if (found != 2 || has_keywords) return refuse_arguments("RecordingScope", 2, found, has_keywords);
  return new_scope(reinterpret_cast<PyTypeObject*>(type), arguments[0], arguments[1]);
}

void scope_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  delete reinterpret_cast<Scope*>(self)->nested;
  PyObject_Free(self);
  Py_DECREF(type);
}

PyObject* scope_enter(PyObject* self, PyObject*) {
  auto* const scope = reinterpret_cast<Scope*>(self);
  if (!scope->is_open) {
    scope->before = of_this_thread;
    scope->is_open = true;
  } else {
    try {
      if (scope->nested == nullptr) scope->nested = new std::vector<Recording>();
      scope->nested->push_back(of_this_thread);
    } catch (const std::bad_alloc&) {
      return PyErr_NoMemory();
    }
  }
  if (scope->recording != Change::none) of_this_thread.recording = scope->recording == Change::on;
  if (scope->training != Change::none) of_this_thread.training = scope->training == Change::on;
  Py_RETURN_NONE;
}

PyObject* scope_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  auto* const scope = reinterpret_cast<Scope*>(self);
  if (!scope->is_open) {
    PyErr_SetString(PyExc_RuntimeError,
                    "expected a scope that was entered, found one that was not; use 'with'");
    return nullptr;
  }
  if (scope->nested != nullptr && !scope->nested->empty()) {
    of_this_thread = scope->nested->back();
    scope->nested->pop_back();
  } else {
    of_this_thread = scope->before;
    scope->is_open = false;
  }
  Py_RETURN_NONE;
}

PyMethodDef scope_methods[] = {
    {"__enter__", scope_enter, METH_NOARGS, "Set the flags."},
    {"__exit__", as_method(&scope_exit), METH_FASTCALL, "Put back what was, also after an error."},
    {},
};

PyType_Slot scope_slots[] = {
    {Py_tp_doc,
     const_cast<char*>("RecordingScope(recording, training): sets what this thread does "
                       "within a with block, and restores it. None leaves a flag alone.")},
    {Py_tp_new, reinterpret_cast<void*>(&scope_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&scope_dealloc)},
    {Py_tp_methods, scope_methods},
    {},
};

PyType_Spec scope_spec = {"glueball._core.RecordingScope", sizeof(Scope), 0, Py_TPFLAGS_DEFAULT,
                          scope_slots};

}  // namespace

Recording& recording() noexcept { return of_this_thread; }

void bind_recording(py::module_& m) {
  m.attr("recording_state") = py::reinterpret_steal<py::object>(
      PyObject_New(PyObject, add_type(m, "RecordingState", state_spec)));
  add_type(m, "RecordingScope", scope_spec)->tp_vectorcall = &call_scope;
}

}  // namespace glueball::bindings
