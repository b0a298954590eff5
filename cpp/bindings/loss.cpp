#include "glueball/loss.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "ndarray.h"
#include "recording.h"
#include "tape.h"

namespace glueball::bindings {
namespace {

using Labels = std::vector<std::int64_t>;

/// What the backward of one softmax cross entropy needs.
class SoftmaxDerivative : public Derivative {
 public:
  SoftmaxDerivative(LossRecord record, Labels labels)
      : record_(std::move(record)), labels_(std::move(labels)) {}

  Tensor operator()(const Tensor& head_grad, const BackwardPass&) const override {
    return softmax_cross_entropy_backward(record_, labels_.data(), head_grad);
  }
  std::string head_name() const override { return "the head gradient of a loss"; }

 private:
  LossRecord record_;
  Labels labels_;
};

/// What the backward of one L2 loss needs.
class L2Derivative : public Derivative {
 public:
  L2Derivative(LossRecord record, double weight) : record_(std::move(record)), weight_(weight) {}

  Tensor operator()(const Tensor& head_grad, const BackwardPass&) const override {
    return l2_loss_backward(record_, head_grad, weight_);
  }
  std::string head_name() const override { return "the head gradient of a loss"; }

 private:
  LossRecord record_;
  double weight_;
};

template <class T>
bool read_labels(const void* data, std::int64_t classes, Labels& labels) {
  const T* const numbers = static_cast<const T*>(data);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    // In this order: NaN is not in the range, and what is in it can be converted.
    if (!(numbers[i] >= T(0) && numbers[i] < static_cast<T>(classes))) return false;
    labels[i] = static_cast<std::int64_t>(numbers[i]);
    if (static_cast<T>(labels[i]) != numbers[i]) return false;
  }
  return true;
}

/// Class numbers below `classes` from an array of (batch,) or (batch, 1) of usual dtype and layout;
/// false if it is another, or one of them is no class.
bool read_labels(py::handle array, std::int64_t batch, std::int64_t classes, Labels& labels) {
  if (!py::isinstance<py::array>(array)) return false;
  const auto found = py::reinterpret_borrow<py::array>(array);
  const bool is_column = found.ndim() == 2 && found.shape(1) == 1;
  if ((found.ndim() != 1 && !is_column) || found.shape(0) != batch) return false;
  constexpr int layout =
      py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if ((found.flags() & layout) != layout || found.dtype().byteorder() == '>') return false;
  labels.resize(static_cast<std::size_t>(batch));
  switch (found.dtype().normalized_num()) {
    case py::detail::npy_api::NPY_FLOAT_:
      return read_labels<float>(found.data(), classes, labels);
    case py::detail::npy_api::NPY_DOUBLE_:
      return read_labels<double>(found.data(), classes, labels);
    case py::detail::npy_api::NPY_INT32_:
      return read_labels<std::int32_t>(found.data(), classes, labels);
    case py::detail::npy_api::NPY_INT64_:
      return read_labels<std::int64_t>(found.data(), classes, labels);
    default:
      return false;
  }
}

/// The loss as an array of the predictions' class, with its place in the graph.
///
/// `name` is Python's string; `again` makes what Node keeps for second derivatives.
template <class Made, class Again, class... Arguments>
py::object finished(LossRecord record, py::handle predictions, PyObject* name, Again&& again,
                    Arguments&&... arguments) {
  py::object loss =
      as_ndarray(record.loss, reinterpret_cast<PyObject*>(Py_TYPE(predictions.ptr())));
  if (recording().recording) {
    attach(loss, predictions,
           std::make_unique<Made>(std::move(record), std::forward<Arguments>(arguments)...), name,
           false, again());
  }
  return loss;
}

py::object softmax_loss(py::handle logits, py::handle labels, py::handle again) {
  if (!is_default_array(logits)) return py::none();
  const Tensor predictions = read_plain_array(logits);
  if (!predictions.defined() || predictions.shape().rank() != 2) return py::none();
  const Shape& shape = predictions.shape();
  Labels numbers;
  if (shape[1] < 1 || !read_labels(labels, shape[0], shape[1], numbers)) return py::none();
  LossRecord record = softmax_cross_entropy(predictions, numbers.data(), shape[0]);
  static PyObject* const name = PyUnicode_InternFromString("SoftmaxCrossEntropyLoss");
  return finished<SoftmaxDerivative>(
      std::move(record), logits, name, [&] { return py::make_tuple(false, again, logits, labels); },
      std::move(numbers));
}

py::object squares_loss(py::handle prediction, py::handle label, double weight, py::handle again) {
  if (!is_default_array(prediction)) return py::none();
  const Tensor predictions = read_plain_array(prediction);
  const Tensor labels = read_plain_array(label);
  if (!predictions.defined() || !labels.defined() || predictions.shape() != labels.shape() ||
      predictions.dtype() != labels.dtype() || predictions.shape().rank() == 0 ||
      predictions.size() == 0) {
    return py::none();
  }
  static PyObject* const name = PyUnicode_InternFromString("L2Loss");
  return finished<L2Derivative>(
      l2_loss(predictions, labels, weight), prediction, name,
      [&] { return py::make_tuple(false, again, prediction, label, weight); }, weight);
}

PyObject* call_softmax_loss(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 3) {
    PyErr_SetString(PyExc_TypeError,
                    "expected softmax_cross_entropy(logits, labels, again); pass these three");
    return nullptr;
  }
  return translated([&] { return softmax_loss(arguments[0], arguments[1], arguments[2]); });
}

}  // namespace

void bind_loss(py::module_& m) {
  add_function<&call_softmax_loss>(
      m, "softmax_cross_entropy",
      "-log softmax(logits)[label], recorded: logits (batch, classes), labels (batch,) or "
      "(batch, 1) class numbers of float32, float64, int32 or int64. None if they are not so, or "
      "a label is no class: who calls then knows more, and says what is wrong.");
  m.def("l2_loss", &squares_loss, py::arg("prediction"), py::arg("label"), py::arg("weight"),
        py::arg("again"),
        "weight / 2 (prediction - label)^2, the mean over each sample, recorded; None if the two "
        "differ in shape or dtype, or have no elements.");
}

}  // namespace glueball::bindings
