#include <pybind11/pybind11.h>

#include "bindings.h"

PYBIND11_MODULE(_core, m) {
  namespace bindings = glueball::bindings;

  m.doc() = "The native core of glueball: it computes, and owns the memory of parameters.";

  bindings::bind_error(m);
  bindings::bind_ndarray(m);
  bindings::bind_version(m);
  bindings::bind_parallel(m);
  bindings::bind_random(m);
  bindings::bind_initializer(m);
  bindings::bind_parameter(m);
  bindings::bind_layer(m);
  bindings::bind_activation(m);
  bindings::bind_dense(m);
  bindings::bind_flatten(m);
  bindings::bind_dropout(m);
  bindings::bind_embedding(m);
  bindings::bind_norm(m);
  bindings::bind_prelu(m);
  bindings::bind_sequential(m);
  bindings::bind_recording(m);
  bindings::bind_tape(m);
  bindings::bind_walk(m);
  bindings::bind_chain(m);
  bindings::bind_loss(m);
  bindings::bind_model(m);
  bindings::bind_optimizer(m);
  bindings::bind_io(m);
  bindings::bind_explain(m);
  bindings::guard_classes(m);
}
