// The walk back over the graph: carries gradients from what is differentiated to the leaves.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "capi/recording.h"
#include "capi/tape.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

/// A gradient on its way. One that goes from one native operation to the next needs no array of
/// Python's.
class Gradient {
 public:
  explicit Gradient(py::object array) : array_(std::move(array)) {}
  explicit Gradient(Tensor tensor) : tensor_(std::move(tensor)) {}

  const py::object& array() {
    if (!array_) array_ = to_object(tensor_);
    return array_;
  }

  /// Throws what read_array() does, under the name that `derivative` has for it.
  const Tensor& tensor(const Derivative& derivative) {
    if (tensor_.defined()) return tensor_;
    tensor_ = read_plain_array(array_);
    if (!tensor_.defined()) tensor_ = read_array(array_, derivative.head_name());
    return tensor_;
  }

  void add(Gradient& other) {
    if (is_ours_) {
      array_ += other.array();
    } else {
      array_ = array() + other.array();
      // The sum of two numbers' arrays may be a scalar, and so immutable.
      is_ours_ = py::isinstance<py::array>(array_);
    }
    tensor_ = Tensor();
  }

 private:
  py::object array_;
  Tensor tensor_;
  bool is_ours_ = false;  // The array was made here, so nothing else sees it change.
};

/// A node that a gradient has reached.
struct Reached {
  py::object node;
  Gradient grad;
};

/// Places by a node's number.
using Wanted = std::map<unsigned long long, std::size_t>;

class Walk {
 public:
  /// `pass`: a BackwardPass of Python's, or None for a new one.
  Walk(py::object pass, bool retain)
      : given_(std::move(pass)),
        pass_(given_.is_none() ? BackwardPass()
                               : cast_to<const BackwardPass&>(given_, "a BackwardPass or None")),
        retain_(retain) {}

  void reach(py::handle node, Gradient grad) {
    const unsigned long long number = as_node(node.ptr())->number;
    const auto place = reached_.lower_bound(number);
    if (place != reached_.end() && place->first == number) {
      place->second.grad.add(grad);
      return;
    }
    Reached now{py::reinterpret_borrow<py::object>(node), std::move(grad)};
    if (spare_.empty()) {
      reached_.emplace_hint(place, number, std::move(now));
    } else {
      spare_.key() = number;
      spare_.mapped() = std::move(now);
      reached_.insert(place, std::move(spare_));
    }
  }

  /// Goes on until no node is left; the youngest comes first, hence after all that use it.
  ///
  /// With `found`, leaves get nothing, and the nodes that `wanted` has numbers of get theirs there,
  /// at the place that it says.
  void run(const Wanted& wanted, std::vector<py::object>* found) {
    while (!reached_.empty()) {
      spare_ = reached_.extract(std::prev(reached_.end()));
      Reached now = std::move(spare_.mapped());
      Node* const node = as_node(now.node.ptr());
      if (const auto place = wanted.find(node->number); place != wanted.end()) {
        (*found)[place->second] = now.grad.array();
        found_leaf_ = true;
      }
      if (is_leaf(now.node.ptr())) {
        if (found == nullptr) deliver(now);
        continue;
      }
      found_leaf_ = found_leaf_ || node->holds_parameters != 0;
      step(now, node);
    }
  }

  /// Whether a gradient arrived only where none is wanted.
  bool was_in_vain() const { return found_null_ && !found_leaf_; }

 private:
  /// The pass as Python's functions get it, always the same object.
  const py::object& pass() {
    if (given_.is_none()) given_ = py::cast(pass_);
    return given_;
  }

  void deliver(Reached& leaf) {
    const py::object delivered = leaf.node.attr("deliver")(leaf.grad.array(), pass());
    const int truth = PyObject_IsTrue(delivered.ptr());
    if (truth < 0) throw py::error_already_set();
    (truth != 0 ? found_leaf_ : found_null_) = true;
  }

  void step(Reached& now, Node* node) {
    if (node->backward == Py_None || !is_untouched(node)) now.node.attr("check")();
    Passage passage(node, retain_);
    const Derivative* const derivative = native_derivative(passage.backward());
    if (derivative != nullptr && passage.parents().size() == 1) {
      Tensor grad = (*derivative)(now.grad.tensor(*derivative), pass_);
      const py::handle parent = passage.parents()[0];
      if (!parent.is_none() && grad.defined()) {
        if (grad.buffer() == nullptr) grad = grad.clone();  // lent by an array that goes now
        reach(parent, Gradient(std::move(grad)));
      }
    } else {
      PyObject* const arguments[] = {now.grad.array().ptr(), pass().ptr()};
      const auto grads = py::reinterpret_steal<py::object>(
          PyObject_Vectorcall(passage.backward(), arguments, 2, nullptr));
      if (!grads) throw py::error_already_set();
      spread(passage.parents(), grads);
    }
    passage.finish();
  }

  /// Hands each parent its gradient.
  void spread(const py::tuple& parents, const py::object& grads) {
    const py::tuple values = grads;  // a list could change while sums are formed
    if (values.size() != parents.size()) {
      throw ArgumentError({"a gradient for each of " + std::to_string(parents.size()) + " inputs",
                           std::to_string(values.size()), "return None for an input without one"});
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      const py::handle parent = parents[i];
      const py::handle grad = values[i];
      if (parent.is_none() || grad.is_none()) continue;
      reach(parent, Gradient(py::reinterpret_borrow<py::object>(grad)));
    }
  }

  using Waiting = std::map<unsigned long long, Reached>;

  Waiting reached_;
  Waiting::node_type spare_;  // Of the last node: most graphs are chains, which need no other.
  py::object given_;
  BackwardPass pass_;
  bool retain_;
  bool found_leaf_ = false;
  bool found_null_ = false;
};

/// (gradients of the wanted nodes, whether the pass was in vain).
py::tuple run_backward(const py::sequence& nodes, const py::sequence& grads, bool retain_graph,
                       const py::object& variables, py::object pass) {
  Walk walk(std::move(pass), retain_graph);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const py::object node = nodes[i];
    to_node(node);
    walk.reach(node, Gradient(py::object(grads[i])));
  }
  if (variables.is_none()) {
    walk.run({}, nullptr);
    return py::make_tuple(py::list(), walk.was_in_vain());
  }
  Wanted wanted;
  std::vector<std::size_t> places;  // the same variable may be asked for twice
  for (const py::handle variable : variables) {
    places.push_back(wanted.try_emplace(to_node(variable)->number, wanted.size()).first->second);
  }
  std::vector<py::object> found(wanted.size(), py::none());
  walk.run(wanted, &found);
  py::list ordered;
  for (const std::size_t place : places) ordered.append(found[place]);
  return py::make_tuple(ordered, walk.was_in_vain());
}

/// Sets what the thread does until it goes.
class Doing {
 public:
  explicit Doing(Recording now) : before_(std::exchange(recording(), now)) {}
  ~Doing() { recording() = before_; }
  Doing(const Doing&) = delete;
  Doing& operator=(const Doing&) = delete;

 private:
  Recording before_;
};

/// As many ones as the array has elements; undefined for another dtype than float32 and float64.
Tensor ones_like(py::handle array) {
  const Tensor like = read_plain_array(array);
  if (!like.defined()) return {};
  const Tensor ones = Tensor::uninitialized(like.shape(), like.dtype());
  ones.fill(1.0);
  return ones;
}

/// backward_from(array, retain_graph, train_mode).
PyObject* backward_from(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 3) return refuse_arguments("backward_from", 3, count, false);
  const int retain = PyObject_IsTrue(arguments[1]);
  const int training = PyObject_IsTrue(arguments[2]);
  if (retain < 0 || training < 0) return nullptr;
  return translated([&]() -> py::object {
    const py::object node = node_of(arguments[0]);
    if (node.is_none() || is_leaf(node.ptr()) || as_node(node.ptr())->backward == Py_None) {
      return py::none();
    }
    Tensor ones = ones_like(arguments[0]);
    if (!ones.defined()) return py::none();
    const Doing doing({false, training != 0});
    Walk walk(py::none(), retain != 0);
    walk.reach(node, Gradient(std::move(ones)));
    walk.run({}, nullptr);
    return py::bool_(!walk.was_in_vain());
  });
}

}  // namespace

void bind_walk(py::module_& m) {
  m.def("run_backward", &run_backward, py::arg("nodes"), py::arg("grads"), py::arg("retain_graph"),
        py::arg("variables"), py::arg("pass_"),
        "Carries gradients from `nodes` to the leaves: (gradients of `variables`, whether they "
        "arrived only where none is wanted).");
  add_function<&backward_from>(
      m, "backward_from",
      "Carries ones from one array's node to the leaves. True, False if they arrived only where no "
      "gradient is wanted, or None, when nothing has happened, for an array without a node that "
      "has a derivative, or of another dtype than float32 and float64.");
}

}  // namespace glueball::bindings
