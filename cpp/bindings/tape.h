#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "glueball/parameter.h"

namespace glueball::bindings {

namespace py = pybind11;

/// The derivative of an operation of one input, in C++.
class Derivative {
 public:
  Derivative() = default;
  virtual ~Derivative() = default;
  Derivative(const Derivative&) = delete;
  Derivative& operator=(const Derivative&) = delete;

  /// The input's gradient, a plain array of its shape, or None; `head_grad` is an array like the
  /// output.
  virtual py::object operator()(py::handle head_grad, const BackwardPass& pass) const = 0;

  /// For chains: a list with what each layer multiplied by, where that was drawn, and None for all
  /// others. None for what is no chain.
  virtual py::object masks() const { return py::none(); }
};

/// Makes `output`'s node in the graph: computed from `input` by the operation `name`.
///
/// `again` is what Node keeps for second derivatives. `always`: also where `input` has no node,
/// since the derivative writes gradients of its own.
void attach(py::handle output, py::handle input, std::unique_ptr<Derivative> derivative,
            py::handle name, bool always, py::handle again);

/// The node of an array, or None.
py::object node_of(py::handle array);

}  // namespace glueball::bindings
