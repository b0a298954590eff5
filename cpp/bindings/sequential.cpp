#include "glueball/sequential.h"

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <utility>

#include "bindings.h"
#include "glueball/error.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

/// A recorded run of a chain: what its backward needs, and the chain itself.
class ChainTape {
 public:
  ChainTape(std::shared_ptr<Sequential> chain, ChainRecord record, Shape output, Dtype dtype)
      : chain_(std::move(chain)), record_(std::move(record)), output_(output), dtype_(dtype) {}

  /// Writes the parameters' gradients; returns the input's, or None.
  py::object backward(py::handle head_grad, bool need_input_grad, const BackwardPass& pass) const {
    const Tensor grad = read_array(head_grad, "the head gradient of '" + chain_->name() + "'");
    if (grad.shape() != output_ || grad.dtype() != dtype_) {
      throw InputError({"a head gradient of shape " + to_string(output_) + " and dtype " +
                            to_string(dtype_) + " for '" + chain_->name() + "'",
                        to_string(grad.shape()) + ", " + to_string(grad.dtype()),
                        "pass one like the output"});
    }
    Tensor input_grad;
    {
      const py::gil_scoped_release unlocked;
      input_grad = chain_->backward_chain(grad, record_, need_input_grad, pass);
    }
    if (!input_grad.defined()) return py::none();
    // A layer that only passes the gradient on may return the very memory that it was lent.
    if (input_grad.buffer() == nullptr) input_grad = input_grad.clone();
    return as_ndarray(input_grad,
                      reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_));
  }

 private:
  std::shared_ptr<Sequential> chain_;
  ChainRecord record_;
  Shape output_;
  Dtype dtype_;
};

ForwardMode mode_of(bool training, std::shared_ptr<Generator>& rng) {
  if (training) rng = default_generator();
  return {training, rng.get()};
}

py::object forward(Sequential& chain, py::handle input, bool training) {
  std::shared_ptr<Generator> rng;
  const ForwardMode mode = mode_of(training, rng);
  const Tensor x = read_array(input, "input of '" + chain.name() + "'");
  Tensor y;
  {
    // Also for the first forward of a deferred net: another thread may be at it too, and wait for
    // this one while an initializer written in Python needs the GIL.
    const py::gil_scoped_release unlocked;
    y = chain.forward(x, mode, nullptr);
  }
  // Flatten and the like return a view of the input, which is only borrowed here.
  if (y.buffer() == nullptr) y = keep_array(input, "input").reshaped(y.shape());
  return as_ndarray(y, reinterpret_cast<PyObject*>(Py_TYPE(input.ptr())));
}

py::tuple record(const std::shared_ptr<Sequential>& chain, py::handle input, bool training) {
  std::shared_ptr<Generator> rng;
  const ForwardMode mode = mode_of(training, rng);
  const Tensor x = keep_array(input, "input of '" + chain->name() + "'");
  ChainRecord kept;
  Tensor y;
  {
    const py::gil_scoped_release unlocked;
    y = chain->forward_chain(x, mode, kept);
  }
  py::object output = as_ndarray(y, reinterpret_cast<PyObject*>(Py_TYPE(input.ptr())));
  return py::make_tuple(std::move(output), ChainTape(chain, std::move(kept), y.shape(), y.dtype()));
}

}  // namespace

void bind_sequential(py::module_& m) {
  py::class_<ChainTape>(m, "ChainTape", "What the backward of one recorded run needs.")
      .def("backward", &ChainTape::backward, py::arg("head_grad"), py::arg("need_input_grad"),
           py::arg("pass_"),
           "Writes the parameters' gradients; returns the input's as a plain array, or None.");

  py::class_<Sequential, Layer, py::smart_holder>(m, "Sequential")
      .def(py::init<std::string>(), py::arg("name"))
      .def("add", &Sequential::add, py::arg("layer"))
      .def("forward", &forward, py::arg("input"), py::arg("training"),
           "The output, an array of the input's class; nothing is kept for a backward.")
      .def("record", &record, py::arg("input"), py::arg("training"),
           "(output, tape): the output, and what its backward needs.");
}

}  // namespace glueball::bindings
