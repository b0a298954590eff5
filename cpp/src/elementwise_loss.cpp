#include "glueball/elementwise_loss.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "glueball/error.h"
#include "refuse.h"
#include "text.h"

namespace glueball {
namespace {

/// A value, and its derivative by the prediction.
struct Term {
  double value;
  double slope;
};

/// log(1 + e^x), for large x too.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// Computed in double, whatever the dtype: a loss has few elements, and its sum gains by it.
Term term(const ElementwiseLoss& loss, double p, double y) {
  switch (loss.kind) {
    case ElementwiseLossKind::l1:
      return {std::abs(p - y), p > y ? 1.0 : (p < y ? -1.0 : 0.0)};
    case ElementwiseLossKind::huber: {
      const double rho = loss.parameter;
      const double e = p - y;
      if (std::abs(e) <= rho) return {e * e / (2.0 * rho), e / rho};
      return {std::abs(e) - rho / 2.0, e > 0.0 ? 1.0 : -1.0};
    }
    case ElementwiseLossKind::sigmoid_binary_cross_entropy:
      return {y * softplus(-p) + (1.0 - y) * softplus(p), sigmoid(p) - y};
    case ElementwiseLossKind::hinge: {
      const double lack = loss.parameter - p * y;
      return lack <= 0.0 ? Term{0.0, 0.0} : Term{lack, -y};  // NaN stays visible
    }
    case ElementwiseLossKind::squared_hinge: {
      const double margin = loss.parameter - p * y;
      const double lack = margin <= 0.0 ? 0.0 : margin;
      return {lack * lack, -2.0 * lack * y};
    }
    case ElementwiseLossKind::logistic:
      return {softplus(-p * y), -y * sigmoid(-p * y)};
    case ElementwiseLossKind::kl_divergence:
      return {y * (std::log(y + 1e-12) - p), -y};
    case ElementwiseLossKind::poisson_nll:
      return {std::exp(p) - y * p, std::exp(p) - y};
    case ElementwiseLossKind::poisson_nll_of_rates:
      return {p - y * std::log(p + 1e-8), 1.0 - y / (p + 1e-8)};
  }
  return {};
}

template <class T>
void run(const ElementwiseLoss& loss, const Tensor& prediction, const Tensor& label,
         const LossRecord& record, std::int64_t per_sample) {
  const T* p = prediction.data<T>();
  const T* y = label.data<T>();
  T* slopes = record.saved.data<T>();
  const double share = 1.0 / static_cast<double>(per_sample);
  for (std::int64_t sample = 0; sample < record.loss.size(); ++sample) {
    double sum = 0.0;
    for (std::int64_t i = sample * per_sample; i < (sample + 1) * per_sample; ++i) {
      const Term at = term(loss, static_cast<double>(p[i]), static_cast<double>(y[i]));
      sum += at.value;
      slopes[i] = static_cast<T>(at.slope * share);
    }
    record.loss.data<T>()[sample] = static_cast<T>(sum * share);
  }
}

template <class T>
void run_backward(const LossRecord& record, const Tensor& head_grad, const Tensor& out) {
  const std::int64_t per_sample = out.size() / record.loss.size();
  for (std::int64_t i = 0; i < out.size(); ++i) {
    out.data<T>()[i] = record.saved.data<T>()[i] * head_grad.data<T>()[i / per_sample];
  }
}

std::string describe(const Tensor& array) {
  return to_string(array.shape()) + ", " + to_string(array.dtype());
}

}  // namespace

LossRecord elementwise_loss(const ElementwiseLoss& loss, const Tensor& prediction,
                            const Tensor& label) {
  if (!(loss.parameter > 0.0)) {
    refuse<ArgumentError>({"a parameter of the loss (rho, margin) above 0"}, {loss.parameter},
                          {"leave it out for Gluon's, 1"});
  }
  const Shape& shape = prediction.shape();
  if (shape.rank() == 0 || (shape[0] > 0 && prediction.size() == 0)) {
    refuse<InputError>({"predictions (batch, ...) with an element or more a sample"},
                       {describe(prediction)}, {"pass an array with a batch axis"});
  }
  if (label.size() != prediction.size() || label.dtype() != prediction.dtype()) {
    refuse<InputError>({"labels like the predictions, ", describe(prediction)}, {describe(label)},
                       {"pass as many labels as predictions, of the same dtype"});
  }
  LossRecord record{Tensor::uninitialized({shape[0]}, prediction.dtype()),
                    Tensor::uninitialized(shape, prediction.dtype())};
  if (shape[0] == 0) return record;
  const std::int64_t per_sample = prediction.size() / shape[0];
  if (prediction.dtype() == Dtype::float32) {
    run<float>(loss, prediction, label, record, per_sample);
  } else {
    run<double>(loss, prediction, label, record, per_sample);
  }
  return record;
}

Tensor elementwise_loss_backward(const LossRecord& record, const Tensor& head_grad) {
  if (head_grad.shape() != record.loss.shape() || head_grad.dtype() != record.loss.dtype()) {
    refuse<InputError>({"a head gradient like the loss, ", describe(record.loss)},
                       {describe(head_grad)}, {"pass one number for each sample"});
  }
  Tensor out = Tensor::uninitialized(record.saved.shape(), record.saved.dtype());
  if (out.size() == 0) return out;
  if (out.dtype() == Dtype::float32) {
    run_backward<float>(record, head_grad, out);
  } else {
    run_backward<double>(record, head_grad, out);
  }
  return out;
}

}  // namespace glueball
