// Closes what pybind11 leaves open: wrong calls that end the process.

#include <pybind11/pybind11.h>

#include <cstddef>
#include <exception>
#include <string>

#include "bindings.h"

namespace glueball::bindings {
namespace {

using Dispatcher = PyObject* (*)(PyObject*, PyObject* const*, std::size_t, PyObject*);

Dispatcher dispatch = nullptr;  // pybind11's, of every function

/// An __init__: pybind11 lets an exception out into C where the object is of a class bound as
/// derived from this one's, which has an __init__ of its own.
PyObject* call_init(PyObject* self, PyObject* const* arguments, std::size_t count,
                    PyObject* names) {
  try {
    return dispatch(self, arguments, count, names);
  } catch (const std::exception&) {
    return translated([]() -> py::object {
      throw TypeError({"the __init__ of the object's own class", "that of a base of it",
                       "call super().__init__()"});
    });
  }
}

/// "set_num_threads(count: int)" of pybind11's message, which lists the overloads from 1 on.
std::string signature_in(const std::string& text, const std::string& name) {
  const std::size_t begin = text.find("1. ");
  if (begin == std::string::npos) return name + "()";
  const std::size_t end = text.find('\n', begin);
  std::string signature = text.substr(begin + 3, end - begin - 3);
  return name + signature.substr(0, signature.rfind(" -> "));
}

/// Says pybind11's error of arguments that a function does not take in our words; others stay.
void explain_arguments() {
  py::error_already_set error;
  const std::string text = py::str(error.value());
  const std::size_t place = text.find("(): incompatible ");
  const std::size_t invoked = text.find("Invoked with: ");
  if (place == std::string::npos || invoked == std::string::npos) {
    error.restore();
    return;
  }
  (void)translated([&]() -> py::object {
    throw TypeError({signature_in(text, text.substr(0, place)), text.substr(invoked + 14),
                     "pass arguments of those kinds, integers below 2^63"});
  });
}

PyObject* call(PyObject* self, PyObject* const* arguments, std::size_t count, PyObject* names) {
  PyObject* const result = dispatch(self, arguments, count, names);
  if (result == nullptr && PyErr_ExceptionMatches(PyExc_TypeError) != 0) explain_arguments();
  return result;
}

PyObject* call_constructor(PyObject* self, PyObject* const* arguments, std::size_t count,
                           PyObject* names) {
  PyObject* const result = call_init(self, arguments, count, names);
  if (result == nullptr && PyErr_ExceptionMatches(PyExc_TypeError) != 0) explain_arguments();
  return result;
}

/// Puts a guard before pybind11's function `object`, a method's too.
void guard_function(py::handle object, Dispatcher guard) {
  PyObject* function = object.ptr();
  if (PyInstanceMethod_Check(function)) function = PyInstanceMethod_GET_FUNCTION(function);
  if (PyCFunction_Check(function) == 0) return;
  PyMethodDef* const method = reinterpret_cast<PyCFunctionObject*>(function)->m_ml;
  const auto present = reinterpret_cast<Dispatcher>(reinterpret_cast<void (*)()>(method->ml_meth));
  if (present != dispatch) return;  // on Python's own interface, or guarded before
  method->ml_meth = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(guard));
}

/// Notes what pybind11 calls for every function of its own: `function` is one.
void find_dispatcher(const py::function& function) {
  const auto* const method = reinterpret_cast<PyCFunctionObject*>(function.ptr())->m_ml;
  dispatch = reinterpret_cast<Dispatcher>(reinterpret_cast<void (*)()>(method->ml_meth));
}

/// Refuses to pickle: for its first protocols copyreg makes an instance of pybind11's base of all
/// classes, which lets an exception out into C. Python's subclasses have a __reduce__ of their own.
py::object reduce(py::handle self) {
  throw TypeError({"an object that can be pickled",
                   std::string("a ") + Py_TYPE(self.ptr())->tp_name,
                   "pickle what it was made from"});
}

}  // namespace

void guard_classes(const py::module_& m) {
  find_dispatcher(m.attr("register_errors"));
  for (const auto& [name, object] : py::dict(m.attr("__dict__"))) {
    if (PyType_Check(object.ptr()) == 0) {
      guard_function(object, &call);
      continue;
    }
    auto* const type = reinterpret_cast<PyTypeObject*>(object.ptr());
    auto* const info = py::detail::get_type_info(type);
    if (info == nullptr) continue;
    // Where an instance has no value, pybind11 asks for undefined memory in its place.
    info->operator_new = [](std::size_t) -> void* {
      throw TypeError({"an object whose __init__ has run", "one that only __new__ has made",
                       "call its class, and in a subclass's __init__ super().__init__() first"});
    };
    for (const auto& [method, function] : py::reinterpret_borrow<py::dict>(type->tp_dict)) {
      const bool constructs = py::cast<std::string>(method) == "__init__";
      guard_function(function, constructs ? &call_constructor : &call);
    }
    if (type->tp_base ==
        reinterpret_cast<PyTypeObject*>(py::detail::get_internals().instance_base)) {
      object.attr("__reduce__") =
          py::cpp_function(&reduce, py::name("__reduce__"), py::is_method(object));
    }
  }
}

}  // namespace glueball::bindings
