#pragma once

#include <cstdint>

#include "glueball/export.h"
#include "glueball/tensor.h"

namespace glueball {

/// A loss's value for each sample, and what its backward needs.
struct GLUEBALL_API LossRecord {
  Tensor loss;   ///< (batch,)
  Tensor saved;  ///< shape of the predictions
};

/// -log softmax(logits)[label] for each row: logits (batch, classes), labels (batch,) class
/// numbers.
///
/// `saved` becomes softmax(logits). Stable for large logits: the row's maximum is subtracted first.
/// @throws InputError unless logits have two axes; IndexError for a label outside [0, classes),
/// naming its place.
GLUEBALL_API LossRecord softmax_cross_entropy(const Tensor& logits, const std::int64_t* labels,
                                              std::int64_t label_count);

/// d loss / d logits = head_grad (softmax - one_hot(label)), for head gradients (batch,).
GLUEBALL_API Tensor softmax_cross_entropy_backward(const LossRecord& record,
                                                   const std::int64_t* labels,
                                                   const Tensor& head_grad);

/// Mean over each sample's elements of weight / 2 (prediction - label)^2; `label` has as many
/// elements as `prediction`.
///
/// `saved` becomes prediction - label. @throws InputError if sizes or dtypes differ, or there is no
/// batch axis.
GLUEBALL_API LossRecord l2_loss(const Tensor& prediction, const Tensor& label, double weight = 1.0);

/// d loss / d prediction = head_grad * weight * (prediction - label) / elements per sample.
GLUEBALL_API Tensor l2_loss_backward(const LossRecord& record, const Tensor& head_grad,
                                     double weight = 1.0);

}  // namespace glueball
