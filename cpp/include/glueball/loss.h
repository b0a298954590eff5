#pragma once

#include <cstdint>
#include <vector>

#include "glueball/export.h"
#include "glueball/tensor.h"

namespace glueball {

/// A loss's value for each sample, and what its backward needs.
struct GLUEBALL_API LossRecord {
  Tensor loss;   ///< (batch,)
  Tensor saved;  ///< shape of the predictions

  /// The mean over the samples; NaN if there are none.
  double mean() const;
  /// A head gradient of 1 for each sample: for the gradient of the sum of the losses.
  Tensor ones() const;
};

/// -log softmax(logits)[label] for each row: logits (batch, classes), labels (batch,) class
/// numbers.
///
/// `saved` becomes softmax(logits). Stable for large logits: the row's maximum is subtracted first.
/// @throws InputError unless logits have two axes; IndexError for a label outside [0, classes),
/// naming its place.
GLUEBALL_API LossRecord softmax_cross_entropy(const Tensor& logits, const std::int64_t* labels,
                                              std::int64_t label_count);

/// d loss / d logits = head_grad (softmax - one_hot(label)), for head gradients (batch,) and as
/// many labels, those of the loss.
///
/// @throws InputError if the head gradient is not like the loss; IndexError as the loss.
GLUEBALL_API Tensor softmax_cross_entropy_backward(const LossRecord& record,
                                                   const std::int64_t* labels,
                                                   const Tensor& head_grad);

/// The same, with the labels in a vector.
inline LossRecord softmax_cross_entropy(const Tensor& logits,
                                        const std::vector<std::int64_t>& labels) {
  return softmax_cross_entropy(logits, labels.data(), static_cast<std::int64_t>(labels.size()));
}

/// The gradient of the sum of the losses, with the labels in a vector.
///
/// @throws InputError unless there is one for each sample; IndexError as the loss.
GLUEBALL_API Tensor softmax_cross_entropy_backward(const LossRecord& record,
                                                   const std::vector<std::int64_t>& labels);

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
