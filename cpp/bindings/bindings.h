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
void bind_chain(py::module_& m);
void bind_loss(py::module_& m);
void bind_model(py::module_& m);
void bind_optimizer(py::module_& m);
void bind_io(py::module_& m);

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
