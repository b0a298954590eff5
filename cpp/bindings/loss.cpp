#include "glueball/loss.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "bindings.h"
#include "glueball/error.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

using Labels = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

py::object plain_array(const Tensor& tensor) {
  return as_ndarray(tensor, reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_));
}

/// What the backward of one softmax cross entropy needs.
struct SoftmaxTape {
  LossRecord record;
  Labels labels;

  py::object backward(py::handle head_grad) const {
    return plain_array(softmax_cross_entropy_backward(
        record, labels.data(), read_array(head_grad, "the head gradient of a loss")));
  }
};

/// What the backward of one L2 loss needs.
struct L2Tape {
  LossRecord record;
  double weight;

  py::object backward(py::handle head_grad) const {
    return plain_array(
        l2_loss_backward(record, read_array(head_grad, "the head gradient of a loss"), weight));
  }
};

}  // namespace

void bind_loss(py::module_& m) {
  py::class_<SoftmaxTape>(m, "SoftmaxTape")
      .def("backward", &SoftmaxTape::backward, py::arg("head_grad"));
  py::class_<L2Tape>(m, "L2Tape").def("backward", &L2Tape::backward, py::arg("head_grad"));

  m.def(
      "softmax_cross_entropy",
      [](py::handle logits, const Labels& labels) {
        SoftmaxTape tape{softmax_cross_entropy(read_array(logits, "logits"), labels.data(),
                                               static_cast<std::int64_t>(labels.size())),
                         labels};
        py::object loss =
            as_ndarray(tape.record.loss, reinterpret_cast<PyObject*>(Py_TYPE(logits.ptr())));
        return py::make_tuple(std::move(loss), std::move(tape));
      },
      py::arg("logits"), py::arg("labels"),
      "(loss, tape) of -log softmax(logits)[label]: logits (batch, classes), labels (batch,) "
      "integers.");
  m.def(
      "l2_loss",
      [](py::handle prediction, py::handle label, double weight) {
        L2Tape tape{
            l2_loss(read_array(prediction, "predictions"), read_array(label, "labels"), weight),
            weight};
        py::object loss =
            as_ndarray(tape.record.loss, reinterpret_cast<PyObject*>(Py_TYPE(prediction.ptr())));
        return py::make_tuple(std::move(loss), std::move(tape));
      },
      py::arg("prediction"), py::arg("label"), py::arg("weight"),
      "(loss, tape) of weight / 2 (prediction - label)^2, the mean over each sample.");
}

}  // namespace glueball::bindings
