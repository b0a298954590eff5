// Says in glueball's words what is wrong with a call of a function that is written in Python.

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstring>
#include <string_view>
#include <unordered_set>

#include "bindings.h"

namespace glueball::bindings {
namespace {

vectorcallfunc plain = nullptr;  // Python's own, of every function

bool begins_with(PyObject* text, const char* start) {
  const char* const letters =
      text != nullptr && PyUnicode_Check(text) != 0 ? PyUnicode_AsUTF8(text) : nullptr;
  if (letters == nullptr) PyErr_Clear();  // half of a surrogate pair
  return letters != nullptr && std::string_view(letters).substr(0, std::strlen(start)) == start;
}

/// Puts the error that glueball._calls makes of Python's in its place, if it makes one.
void explain(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) {
  py::error_already_set error;
  // With a traceback it is an error of the function's body: its arguments did fit.
  const bool has_run = static_cast<bool>(error.trace());
  auto* const module = reinterpret_cast<PyFunctionObject*>(function)->func_module;
  if (has_run && !begins_with(module, "glueball.nd.") && !begins_with(module, "glueball.np")) {
    error.restore();
    return;
  }
  (void)translated([&]() -> py::object {
    py::tuple positional(count);
    for (std::size_t i = 0; i < count; ++i) positional[i] = py::handle(arguments[i]);
    py::dict named;
    for (std::size_t i = 0; names != nullptr && i < py::len(names); ++i) {
      named[py::handle(PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(i)))] =
          py::handle(arguments[count + i]);
    }
    if (has_run) PyException_SetTraceback(error.value().ptr(), error.trace().ptr());
    const py::object explained =
        py::module_::import("glueball._calls")
            .attr("explanation")(py::handle(function), positional, named, error.value(), has_run);
    if (explained.is_none()) {
      error.restore();
    } else {
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(explained.ptr())), explained.ptr());
    }
    return {};
  });
}

/// Calls a function as Python does.
PyObject* call(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) {
  PyObject* const result = plain(function, arguments, count, names);
  if (result == nullptr && (PyErr_ExceptionMatches(PyExc_TypeError) != 0 ||
                            PyErr_ExceptionMatches(PyExc_ValueError) != 0 ||
                            PyErr_ExceptionMatches(PyExc_IndexError) != 0)) {
    explain(function, arguments, static_cast<std::size_t>(PyVectorcall_NARGS(count)), names);
  }
  return result;
}

#if PY_VERSION_HEX < 0x030C0000
/// Pickles and copies a function by its name, as Python does with those of its own type.
PyObject* reduce(PyObject* function, PyObject* /*protocol*/) {
  return Py_NewRef(reinterpret_cast<PyFunctionObject*>(function)->func_qualname);
}

/// Python 3.11 asks for a function's vectorcall unless it is of this very type: functions of a type
/// that derives from it are the same in everything else.
PyTypeObject* watched_type() {
  static PyMethodDef methods[] = {{"__reduce_ex__", reduce, METH_O, nullptr}, {}};
  static PyTypeObject type{};
  if (type.tp_dict == nullptr) {
    Py_SET_REFCNT(reinterpret_cast<PyObject*>(&type), 1);
    type.tp_name = "function";
    type.tp_base = &PyFunction_Type;
    type.tp_basicsize = PyFunction_Type.tp_basicsize;
    type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                    Py_TPFLAGS_METHOD_DESCRIPTOR;
    type.tp_vectorcall_offset = PyFunction_Type.tp_vectorcall_offset;
    type.tp_call = PyFunction_Type.tp_call;
    type.tp_descr_get = PyFunction_Type.tp_descr_get;
    type.tp_dealloc = PyFunction_Type.tp_dealloc;
    type.tp_traverse = PyFunction_Type.tp_traverse;
    type.tp_clear = PyFunction_Type.tp_clear;
    type.tp_methods = methods;
    if (PyType_Ready(&type) != 0) throw py::error_already_set();
  }
  return &type;
}
#endif

void watch_function(PyObject* object) {
  auto* const function = reinterpret_cast<PyFunctionObject*>(object);
  if (plain == nullptr) plain = function->vectorcall;
  if (function->vectorcall != plain || !begins_with(function->func_module, "glueball.")) return;
#if PY_VERSION_HEX >= 0x030C0000
  PyFunction_SetVectorcall(function, &call);
#else
  function->vectorcall = &call;
  Py_SET_TYPE(object, watched_type());
#endif
}

/// The constructor and the public methods of a class, and of those that it is made of.
void watch_class(PyTypeObject* type) {
  // Classes of modules, which live as long as the process: import asks for most bases many times.
  static auto* const seen = new std::unordered_set<const PyTypeObject*>;
  for (const py::handle base : py::reinterpret_borrow<py::tuple>(type->tp_mro)) {
    auto* const each = reinterpret_cast<PyTypeObject*>(base.ptr());
    if (!seen->insert(each).second || each->tp_dict == nullptr) continue;
    PyObject* name = nullptr;
    PyObject* value = nullptr;
    for (Py_ssize_t i = 0; PyDict_Next(each->tp_dict, &i, &name, &value) != 0;) {
      if (PyFunction_Check(value) == 0) continue;
      const bool is_public = !begins_with(name, "_") || begins_with(name, "__init__");
      // Those that a block calls: it names itself in its own words.
      const bool is_called = begins_with(name, "forward") || begins_with(name, "hybrid_forward");
      if (is_public && !is_called) watch_function(value);
    }
  }
}

}  // namespace

void bind_explain(py::module_& m) {
  m.def(
      "explain_calls",
      [](const py::list& values) {
        for (const py::handle value : values) {
          if (PyFunction_Check(value.ptr()) != 0) {
            watch_function(value.ptr());
          } else if (PyType_Check(value.ptr()) != 0) {
            watch_class(reinterpret_cast<PyTypeObject*>(value.ptr()));
          }
        }
      },
      py::arg("values"),
      "Explain wrong calls of glueball's own functions among the values, and of its classes' "
      "constructors and public methods.");
}

}  // namespace glueball::bindings
