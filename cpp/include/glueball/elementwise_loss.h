#pragma once

#include "glueball/loss.h"

namespace glueball {

/// Losses that compare predictions p and labels y element by element, by Gluon's names.
enum class ElementwiseLossKind : std::uint8_t {
  l1,                            ///< |p - y|
  huber,                         ///< e^2 / (2 rho) where e = |p - y| <= rho, else e - rho / 2
  sigmoid_binary_cross_entropy,  ///< y log(1 + e^-p) + (1 - y) log(1 + e^p), y from 0 to 1
  hinge,                         ///< max(0, margin - p y), y is -1 or 1
  squared_hinge,                 ///< max(0, margin - p y)^2, y is -1 or 1
  logistic,                      ///< log(1 + e^(-p y)), y is -1 or 1; in proportion between
  kl_divergence,                 ///< y (log(y + 1e-12) - p), p a log probability
  poisson_nll,                   ///< e^p - y p, p the logarithm of a rate, y a count
  poisson_nll_of_rates,          ///< p - y log(p + 1e-8), p a rate
};

/// A loss and its one parameter, where it has one.
struct GLUEBALL_API ElementwiseLoss {
  ElementwiseLossKind kind;  ///< Which loss.
  double parameter = 1.0;    ///< Huber's rho, or the margin of the hinges; others have none.

  /// With Gluon's parameter, 1.
  ElementwiseLoss(ElementwiseLossKind kind_) : kind(kind_) {}  // NOLINT: a kind is a loss
  /// With another parameter.
  ElementwiseLoss(ElementwiseLossKind kind_, double parameter_)
      : kind(kind_), parameter(parameter_) {}
};

/// The mean over each sample's elements, the sum for the divergence; predictions (batch, ...), and
/// as many labels of their dtype.
///
/// `saved` becomes the derivative by the predictions, of each sample's loss.
/// @throws InputError if sizes or dtypes differ, or there is no batch axis; ArgumentError if the
/// parameter is not positive.
GLUEBALL_API LossRecord elementwise_loss(const ElementwiseLoss& loss, const Tensor& prediction,
                                         const Tensor& label);

/// d loss / d prediction, for head gradients (batch,).
///
/// @throws InputError if the head gradient is not like the loss.
GLUEBALL_API Tensor elementwise_loss_backward(const LossRecord& record, const Tensor& head_grad);

/// The gradient of the sum of the losses.
inline Tensor elementwise_loss_backward(const LossRecord& record) {
  return elementwise_loss_backward(record, record.ones());
}

}  // namespace glueball
