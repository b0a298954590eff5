#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "core/mutex.h"
#include "glueball/error.h"
#include "glueball/random.h"

namespace glueball::bindings {

namespace py = pybind11;

void bind_error(py::module_& m);
void bind_ndarray(py::module_& m);
void bind_version(py::module_& m);
void bind_parallel(py::module_& m);
void bind_random(py::module_& m);
void bind_initializer(py::module_& m);
void bind_parameter(py::module_& m);
void bind_layer(py::module_& m);
void bind_activation(py::module_& m);
void bind_dense(py::module_& m);
void bind_flatten(py::module_& m);
void bind_dropout(py::module_& m);
void bind_embedding(py::module_& m);
void bind_norm(py::module_& m);
void bind_prelu(py::module_& m);
void bind_sequential(py::module_& m);
void bind_recording(py::module_& m);
void bind_tape(py::module_& m);
void bind_walk(py::module_& m);
void bind_chain(py::module_& m);
void bind_loss(py::module_& m);
void bind_model(py::module_& m);
void bind_optimizer(py::module_& m);
void bind_io(py::module_& m);
void bind_explain(py::module_& m);

/// Takes the GIL, which a thread that holds a lock of the library's may not: who has the GIL may be
/// waiting for that lock.
class WithGil {
 public:
  WithGil() = default;
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  struct Check {
    Check() noexcept { check_no_lock_is_held(); }
  } check_;
  py::gil_scoped_acquire gil_;
};

/// An object of another class than a function takes: glueball.base.GlueballTypeError.
class TypeError : public Error {
 public:
  using Error::Error;
};

/// Turns what ends the process with pybind11's classes into errors: methods of an instance whose
/// `__init__` has not run, and an `__init__` of another class than the instance's.
void guard_classes(const py::module_& m);

/// `object` as a T: a reference, or a shared_ptr that is not null. @throws TypeError, which asks
/// for `what`, if it is something else.
template <class T>
T cast_to(py::handle object, const char* what) {
  try {
    if constexpr (std::is_reference_v<T>) {
      return object.cast<T>();
    } else if (T found = object.cast<T>()) {
      return found;
    }
  } catch (const py::cast_error&) {  // NOLINT(bugprone-empty-catch): said below, as for null
  }
  throw TypeError({what, std::string("a ") + Py_TYPE(object.ptr())->tp_name, "pass one"});
}

/// A member function that takes its object by reference: a pointer to member is called through null
/// for None.
template <class Result, class Class, class... Arguments>
auto method(Result (Class::*member)(Arguments...) const) {
  return [member](const Class& self, Arguments... arguments) -> Result {
    return (self.*member)(std::forward<Arguments>(arguments)...);
  };
}
template <class Result, class Class, class... Arguments>
auto method(Result (Class::*member)(Arguments...)) {
  return [member](Class& self, Arguments... arguments) -> Result {
    return (self.*member)(std::forward<Arguments>(arguments)...);
  };
}

/// Sets Python's own error for a call with keywords, or another number of arguments than
/// `expected`; returns null.
PyObject* refuse_arguments(const char* function, Py_ssize_t expected, Py_ssize_t found,
                           bool has_keywords);

/// Adds a class on Python's own C interface, which lives as long as the process.
inline PyTypeObject* add_type(py::module_& m, const char* name, PyType_Spec& spec) {
  auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  m.attr(name) = type;
  return reinterpret_cast<PyTypeObject*>(type.release().ptr());
}

/// What `make` returns as a new reference; null, with Python's error set, if it throws.
template <class Make>
PyObject* translated(Make&& make) {
  try {
    return make().release().ptr();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (...) {
    py::detail::try_translate_exceptions();
  }
  return nullptr;
}

/// What METH_FASTCALL calls has another type than the tables of methods.
template <class Function>
PyCFunction as_method(Function* function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

/// Adds a function that takes its arguments in an array, as METH_FASTCALL has it: what pybind11
/// does for a call takes as long as a small net. Its signature is written by hand in _core.pyi.
template <PyObject* (*Function)(PyObject*, PyObject* const*, Py_ssize_t)>
void add_function(py::module_& m, const char* name, const char* doc) {
  static PyMethodDef methods[] = {{name, as_method(Function), METH_FASTCALL, doc}, {}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

/// The Generator that Python code draws from now: the process's, unless a GeneratorScope is open in
/// this thread.
std::shared_ptr<Generator> default_generator();

/// While it lives, this thread's default generator is a copy of `rng`; at its end `rng` takes the
/// copy's position.
///
/// This is how a Python initializer draws from its parameter's own stream.
class GeneratorScope {
 public:
  explicit GeneratorScope(Generator& rng);
  ~GeneratorScope();
  GeneratorScope(const GeneratorScope&) = delete;
  GeneratorScope& operator=(const GeneratorScope&) = delete;

 private:
  Generator& rng_;
  std::shared_ptr<Generator> outer_;
};

}  // namespace glueball::bindings
