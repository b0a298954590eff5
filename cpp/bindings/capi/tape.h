#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "glueball/parameter.h"
#include "glueball/tensor.h"

namespace glueball::bindings {

namespace py = pybind11;

/// The derivative of an operation of one input, in C++.
class Derivative {
 public:
  Derivative() = default;
  virtual ~Derivative() = default;
  Derivative(const Derivative&) = delete;
  Derivative& operator=(const Derivative&) = delete;

  /// The input's gradient, or an undefined tensor if there is none; `head_grad` is to be like the
  /// output. May be memory of `head_grad`.
  virtual Tensor operator()(const Tensor& head_grad, const BackwardPass& pass) const = 0;

  /// What messages call `head_grad`.
  virtual std::string head_name() const = 0;

  /// For chains: a list with what each layer multiplied by, where that was drawn, and None for all
  /// others. None for anything but a chain.
  virtual py::object masks() const { return py::none(); }

  /// Visits the Python objects that it holds, as tp_traverse has it.
  virtual int traverse(visitproc, void*) const { return 0; }
};

/// A recorded operation: what Python's _core.TapeNode holds. Objects are None, or what
/// _tape.Node's documentation says; none is null while anything can see the node.
struct Node {
  PyObject_HEAD unsigned long long number;  ///< Younger than its parents; 0 before __init__.
  PyObject* parents;                        ///< A tuple of nodes with numbers, or of None.
  PyObject* backward;
  PyObject* name;
  PyObject* again;
  long long version;          ///< How often the array was written into.
  long long parents_version;  ///< The sum of the parents' versions when this was recorded.
  char holds_parameters;
};

/// The node in an object that is known to be one.
inline Node* as_node(PyObject* object) noexcept { return reinterpret_cast<Node*>(object); }

/// The node in any object. @throws TypeError if it is not one.
Node* to_node(py::handle object);

/// Drops what the node saved, and its hold on older nodes.
void free_node(Node* node);

/// What one walk needs of a node to go through it. Without `retain` it takes that out of the node,
/// so that no walk of another thread, nor one that a derivative begins, goes through it as well.
class Passage {
 public:
  Passage(Node* node, bool retain);
  /// Frees the node, unless it is retained: the walk is through.
  void finish();
  /// Gives back what it took, if the derivative threw.
  ~Passage();
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

  PyObject* backward() const noexcept { return backward_.ptr(); }
  const py::tuple& parents() const noexcept { return parents_; }

 private:
  Node* node_;
  bool takes_;
  py::object backward_;
  py::tuple parents_;
};

/// Whether neither the node's array nor its parents' have been written into.
bool is_untouched(const Node* node);

/// Whether a node is the start of a graph.
bool is_leaf(PyObject* node) noexcept;

/// The derivative in a node's `backward`, if attach() made it; else null.
const Derivative* native_derivative(PyObject* backward) noexcept;

/// A gradient as a plain array that owns its memory; None for an undefined one.
py::object to_object(const Tensor& gradient);

/// Makes `output`'s node in the graph: computed from `input` by the operation `name`.
///
/// `again` is what Node keeps for second derivatives. `always`: also where `input` has no node,
/// since the derivative writes gradients of its own.
void attach(py::handle output, py::handle input, std::unique_ptr<Derivative> derivative,
            py::handle name, bool always, py::handle again);

/// The node of an array, or None.
py::object node_of(py::handle array);

}  // namespace glueball::bindings
