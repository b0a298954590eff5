#pragma once

#include "glueball/export.h"
#include "glueball/tensor.h"

namespace glueball {

/// A loss of vectors that are compared with each other, and its derivatives by each of them.
struct GLUEBALL_API EmbeddingLossRecord {
  Tensor loss;    ///< (batch,)
  Tensor first;   ///< d loss / d first argument, of its shape; each sample's of its own loss
  Tensor second;  ///< by the second argument
  Tensor third;   ///< by the third, where there is one
  /// The mean over the samples; NaN if there are none.
  double mean() const;
};

/// How much nearer each sample is to a positive example than to a negative one, all three of one
/// shape (batch, ...): max(0, sum (p - positive)^2 - sum (p - negative)^2 + margin).
///
/// F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: a unified embedding for face recognition and
/// clustering", CVPR 2015, eq. 2. Gluon's TripletLoss.
/// @throws InputError if shapes or dtypes differ, or there is no batch axis; ArgumentError if the
/// margin is not finite.
GLUEBALL_API EmbeddingLossRecord triplet_loss(const Tensor& prediction, const Tensor& positive,
                                              const Tensor& negative, double margin = 1.0);

/// For pairs a, b (batch, features), with c = a b / max(|a| |b|, 1e-12): 1 - c where the label is
/// 1, max(0, c - margin) where it is -1. Gluon's CosineEmbeddingLoss.
///
/// Labels (batch,) are of the vectors' dtype.
/// @throws InputError if shapes or dtypes differ, vectors have other than two axes, or a label is
/// neither 1 nor -1; ArgumentError if the margin is not finite.
GLUEBALL_API EmbeddingLossRecord cosine_embedding_loss(const Tensor& first, const Tensor& second,
                                                       const Tensor& labels, double margin = 0.0);

/// A derivative of the record, times a head gradient (batch,) for each sample.
///
///     const Tensor by_prediction = embedding_loss_backward(record.first, head_grad);
///
/// @throws InputError if the head gradient is not one number for each sample, of its dtype.
GLUEBALL_API Tensor embedding_loss_backward(const Tensor& derivative, const Tensor& head_grad);

}  // namespace glueball
