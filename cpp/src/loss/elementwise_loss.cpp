#include "glueball/elementwise_loss.h"

#include <algorithm>
#include <cmath>

#include "core/setting.h"
#include "core/with_type.h"
#include "glueball/parallel.h"
#include "loss/loss.h"

namespace glueball {
namespace {

/// A value, and its derivative by the prediction.
struct Term {
  double value;
  double slope;
};

/// log(1 + x) of x in [0, 1], as exact as std::log1p, which takes twice as long: what is lost in
/// `sum` is lost in the divisor too. D. Goldberg, "What every computer scientist should know about
/// floating-point arithmetic", ACM Computing Surveys 23 (1991), theorem 4.
double log_of_sum(double sum, double x) {
  return sum == 1.0 ? x : std::log(sum) * (x / (sum - 1.0));
}

/// The cross entropy of sigmoid(p) and a share y, exact for large p too.
Term cross_entropy(double p, double y) {
  const double small = std::exp(-std::abs(p));
  const double sum = 1.0 + small;
  const double tail = log_of_sum(sum, small);
  const double likely = 1.0 / sum;         // sigmoid(|p|)
  const double unlikely = small * likely;  // sigmoid(-|p|)
  return {y * (std::max(-p, 0.0) + tail) + (1.0 - y) * (std::max(p, 0.0) + tail),
          p < 0.0 ? (1.0 - y) * unlikely - y * likely : (1.0 - y) * likely - y * unlikely};
}

// Selected rather than converted from a truth value: for the latter compilers branch, and half of
// the branches on a difference's sign are predicted wrongly.
double sign(double x) { return (x > 0.0 ? 1.0 : 0.0) - (x < 0.0 ? 1.0 : 0.0); }

/// Calls run(term), where term(p, y) is the loss of an element: once for all elements, since a
/// switch for each took longer than most of the losses.
///
/// Computed in double, whatever the dtype: a loss has few elements, and its sum gains by it.
template <class Run>
void with_term(const ElementwiseLoss& loss, const Run& run) {
  const double parameter = loss.parameter;
  // NaN stays visible: in this order, max(NaN, 0) is NaN.
  const auto lack = [=](double p, double y) { return std::max(parameter - p * y, 0.0); };
  switch (loss.kind) {
    case ElementwiseLossKind::l1:
      return run([](double p, double y) { return Term{std::abs(p - y), sign(p - y)}; });
    case ElementwiseLossKind::huber:
      return run([=](double p, double y) {
        const double e = p - y;
        const double size = std::abs(e);
        // e^2 / (2 rho) up to rho, and beyond it |e| - rho / 2, without a branch.
        const double near = std::min(size, parameter);
        const double share = near / parameter;
        return Term{share * (size - 0.5 * near), std::copysign(share, e)};
      });
    case ElementwiseLossKind::sigmoid_binary_cross_entropy:
      return run(cross_entropy);
    case ElementwiseLossKind::hinge:
      return run([=](double p, double y) {
        const double found = lack(p, y);
        return Term{found, found == 0.0 ? 0.0 : -y};
      });
    case ElementwiseLossKind::squared_hinge:
      return run([=](double p, double y) {
        const double found = lack(p, y);
        return Term{found * found, -2.0 * found * y};
      });
    case ElementwiseLossKind::logistic:
      return run([](double p, double y) { return cross_entropy(p, (y + 1.0) / 2.0); });
    case ElementwiseLossKind::kl_divergence:
      return run([](double p, double y) { return Term{y * (std::log(y + 1e-12) - p), -y}; });
    case ElementwiseLossKind::poisson_nll:
      return run([](double p, double y) {
        const double rate = std::exp(p);
        return Term{rate - y * p, rate - y};
      });
    case ElementwiseLossKind::poisson_nll_of_rates:
      return run([](double p, double y) {
        return Term{p - y * std::log(p + 1e-8), 1.0 - y / (p + 1e-8)};
      });
  }
}

/// The terms of one sample's elements: returns their sum, and writes slopes times `share`.
///
/// Eight sums side by side, since each addition to a single one waits for the last, and one element
/// at a time leaves a vector empty: together, four times the time.
template <class T, class F>
double sum_terms(const F& term, const T* p, const T* y, T* slopes, std::int64_t count,
                 double share) {
  constexpr std::int64_t kLanes = 8;
  double sums[kLanes] = {};
  const auto add = [&](std::int64_t i, double& sum) {
    const Term at = term(static_cast<double>(p[i]), static_cast<double>(y[i]));
    sum += at.value;
    slopes[i] = static_cast<T>(at.slope * share);
  };
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) add(i + lane, sums[lane]);
  }
  for (; i < count; ++i) add(i, sums[0]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace

LossRecord elementwise_loss(const ElementwiseLoss& loss, const Tensor& prediction,
                            const Tensor& label) {
  if (!(loss.parameter > 0.0 && fits_float32(loss.parameter))) {
    refuse<ArgumentError>({"a parameter of the loss (rho, margin) above 0"}, {loss.parameter},
                          {"leave it out for Gluon's, 1"});
  }
  const Shape& shape = prediction.shape();
  if (shape.rank() == 0 || (shape[0] > 0 && prediction.size() == 0)) {
    refuse<InputError>({"predictions (batch, ...) with an element or more a sample"},
                       {describe(prediction)}, {"pass an array with a batch axis"});
  }
  check_labels_like(prediction, label);
  LossRecord record = record_for(prediction);
  if (shape[0] == 0) return record;
  const std::int64_t per_sample = prediction.size() / shape[0];
  const bool is_sum = loss.kind == ElementwiseLossKind::kl_divergence;
  const double share = is_sum ? 1.0 : 1.0 / static_cast<double>(per_sample);
  // Samples for one thread, so that its start pays.
  const std::int64_t grain = std::max<std::int64_t>(1, (1 << 12) / per_sample);
  with_type(prediction.dtype(), [&]<class T>(T) {
    const T* p = prediction.data<T>();
    const T* y = label.data<T>();
    T* slopes = record.saved.data<T>();
    T* losses = record.loss.data<T>();
    with_term(loss, [=](const auto& term) {
      parallel_for(shape[0], grain, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t sample = begin; sample < end; ++sample) {
          const std::int64_t first = sample * per_sample;
          losses[sample] = static_cast<T>(
              share * sum_terms(term, p + first, y + first, slopes + first, per_sample, share));
        }
      });
    });
  });
  return record;
}

Tensor elementwise_loss_backward(const LossRecord& record, const Tensor& head_grad) {
  check_head_grad(record, head_grad);
  Tensor out = Tensor::uninitialized(record.saved.shape(), record.saved.dtype());
  if (out.size() == 0) return out;
  const std::int64_t per_sample = out.size() / record.loss.size();
  with_type(out.dtype(), [&]<class T>(T) {
    const T* slopes = record.saved.data<T>();
    T* gradients = out.data<T>();
    for (std::int64_t sample = 0; sample < record.loss.size(); ++sample) {
      const T head = head_grad.data<T>()[sample];
      for (std::int64_t i = sample * per_sample; i < (sample + 1) * per_sample; ++i) {
        gradients[i] = slopes[i] * head;
      }
    }
  });
  return out;
}

}  // namespace glueball
