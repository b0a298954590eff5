#pragma once

#include <pybind11/pybind11.h>

#include <memory>

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

/// Adds a function that takes its arguments in an array, as METH_FASTCALL has it: what pybind11
/// does for a call takes as long as a small net. Its signature stands in c_types.pyi.
template <PyObject* (*Function)(PyObject*, PyObject* const*, Py_ssize_t)>
void add_function(py::module_& m, const char* name, const char* doc) {
  // What METH_FASTCALL calls has another type than the table's.
  static PyMethodDef methods[] = {
      {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Function)), METH_FASTCALL,
       doc},
      {}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) throw py::error_already_set();
}

/// The Generator that Python code draws from now: the process's, unless a GeneratorScope is open in
/// this thread.
std::shared_ptr<Generator> default_generator();

/// While it lives, this thread's default generator is a copy of `rng`; at its end `rng` takes the
/// copy's position.
///
/// So what a Python initializer draws comes from its parameter's own stream.
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
