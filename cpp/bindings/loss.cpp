#include "glueball/loss.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings.h"
#include "capi/recording.h"
#include "capi/tape.h"
#include "glueball/elementwise_loss.h"
#include "glueball/embedding_loss.h"
#include "glueball/error.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

using Labels = std::vector<std::int64_t>;

/// What the backward of one loss needs: `function` gives the predictions' gradient from the record
/// and the head gradient.
template <class Function>
class LossDerivative : public Derivative {
 public:
  LossDerivative(LossRecord record, Function function)
      : record_(std::move(record)), function_(std::move(function)) {}

  Tensor operator()(const Tensor& head_grad, const BackwardPass&) const override {
    return function_(record_, head_grad);
  }
  std::string head_name() const override { return "the head gradient of a loss"; }

 private:
  LossRecord record_;
  Function function_;
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
/// false if it is another, or a number is not a class.
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

/// The loss as an array of the predictions' class, attached to the graph.
///
/// `backward` is LossDerivative's function, `name` Python's string, and `again` makes what Node
/// keeps for second derivatives.
template <class Backward, class Again>
py::object finished(LossRecord record, py::handle predictions, PyObject* name, Backward backward,
                    Again&& again) {
  py::object loss =
      as_ndarray(record.loss, reinterpret_cast<PyObject*>(Py_TYPE(predictions.ptr())));
  if (recording().recording) {
    attach(loss, predictions,
           std::make_unique<LossDerivative<Backward>>(std::move(record), std::move(backward)), name,
           false, again());
  }
  return loss;
}

/// Whether both are defined, have axes and elements, and agree in shape and dtype.
bool are_alike(const Tensor& predictions, const Tensor& labels) {
  return predictions.defined() && labels.defined() && predictions.shape() == labels.shape() &&
         predictions.dtype() == labels.dtype() && predictions.shape().rank() != 0 &&
         predictions.size() != 0;
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
  return finished(
      std::move(record), logits, name,
      [numbers = std::move(numbers)](const LossRecord& of, const Tensor& head_grad) {
        return softmax_cross_entropy_backward(of, numbers.data(), head_grad);
      },
      [&] { return py::make_tuple(false, again, logits, labels); });
}

py::object squares_loss(py::handle prediction, py::handle label, double weight, py::handle again) {
  if (!is_default_array(prediction)) return py::none();
  const Tensor predictions = read_plain_array(prediction);
  const Tensor labels = read_plain_array(label);
  if (!are_alike(predictions, labels)) return py::none();
  static PyObject* const name = PyUnicode_InternFromString("L2Loss");
  return finished(
      l2_loss(predictions, labels, weight), prediction, name,
      [weight](const LossRecord& of, const Tensor& head_grad) {
        return l2_loss_backward(of, head_grad, weight);
      },
      [&] { return py::make_tuple(false, again, prediction, label, weight); });
}

ElementwiseLossKind to_kind(std::string_view name) {
  using Kind = ElementwiseLossKind;
  constexpr std::pair<std::string_view, Kind> kinds[] = {
      {"l1", Kind::l1},
      {"huber", Kind::huber},
      {"sigmoid_binary_cross_entropy", Kind::sigmoid_binary_cross_entropy},
      {"hinge", Kind::hinge},
      {"squared_hinge", Kind::squared_hinge},
      {"logistic", Kind::logistic},
      {"kl_divergence", Kind::kl_divergence},
      {"poisson_nll", Kind::poisson_nll},
      {"poisson_nll_of_rates", Kind::poisson_nll_of_rates},
  };
  for (const auto& [known, kind] : kinds) {
    if (known == name) return kind;
  }
  throw ArgumentError({"a loss of elements", std::string(name), "use a name of the header's"});
}

py::object element_loss(std::string_view kind, double parameter, const py::array& prediction,
                        const py::array& label, py::handle name, py::handle again) {
  const Tensor predictions = read_plain_array(prediction);
  const Tensor labels = read_plain_array(label);
  if (!are_alike(predictions, labels) || !(parameter > 0.0)) return py::none();
  return finished(
      elementwise_loss({to_kind(kind), parameter}, predictions, labels), prediction, name.ptr(),
      [](const LossRecord& of, const Tensor& head_grad) {
        return elementwise_loss_backward(of, head_grad);
      },
      [&] { return py::make_tuple(false, again, prediction, label); });
}

/// The loss and its derivatives, as plain arrays.
py::tuple parts(const EmbeddingLossRecord& record) {
  py::tuple loss = py::make_tuple(plain_array(record.loss), plain_array(record.first),
                                  plain_array(record.second));
  return record.third.defined() ? py::tuple(loss + py::make_tuple(plain_array(record.third)))
                                : loss;
}

PyObject* call_softmax_loss(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 3) return refuse_arguments("softmax_cross_entropy", 3, count, false);
  return translated([&] { return softmax_loss(arguments[0], arguments[1], arguments[2]); });
}

}  // namespace

void bind_loss(py::module_& m) {
  add_function<&call_softmax_loss>(
      m, "softmax_cross_entropy",
      "-log softmax(logits)[label], recorded: logits (batch, classes), labels (batch,) or "
      "(batch, 1) class numbers of float32, float64, int32 or int64. None if they are not so, or "
      "a label is not a class: the caller, who knows more, then says what is wrong.");
  m.def("l2_loss", &squares_loss, py::arg("prediction"), py::arg("label"), py::arg("weight"),
        py::arg("again"),
        "weight / 2 (prediction - label)^2, the mean over each sample, recorded; None if the two "
        "differ in shape or dtype, or have no elements.");
  m.def("elementwise_loss", &element_loss, py::arg("kind"), py::arg("parameter"),
        py::arg("prediction"), py::arg("label"), py::arg("name"), py::arg("again"),
        "The loss of each sample, recorded; None if the two differ in shape or dtype, or have no "
        "elements, or the parameter is not positive.");
  m.def(
      "triplet_loss",
      [](py::handle prediction, py::handle positive, py::handle negative, double margin) {
        return parts(triplet_loss(read_array(prediction, "the samples"),
                                  read_array(positive, "the positive examples"),
                                  read_array(negative, "the negative examples"), margin));
      },
      py::arg("prediction"), py::arg("positive"), py::arg("negative"), py::arg("margin"),
      "The loss of each sample, and its derivatives by the three arguments.");
  m.def(
      "cosine_embedding_loss",
      [](py::handle first, py::handle second, py::handle labels, double margin) {
        return parts(cosine_embedding_loss(read_array(first, "the first vectors"),
                                           read_array(second, "the second vectors"),
                                           read_array(labels, "the labels"), margin));
      },
      py::arg("first"), py::arg("second"), py::arg("labels"), py::arg("margin"),
      "The loss of each pair, and its derivatives by both vectors.");
}

}  // namespace glueball::bindings
