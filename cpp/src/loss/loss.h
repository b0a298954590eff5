#pragma once

// The inner half of glueball/loss.h: what the losses of a LossRecord share.

#include "core/describe.h"
#include "core/refuse.h"
#include "glueball/loss.h"

namespace glueball {

inline void check_head_grad(const LossRecord& record, const Tensor& head_grad) {
  if (head_grad.shape() == record.loss.shape() && head_grad.dtype() == record.loss.dtype()) return;
  refuse<InputError>({"a head gradient like the loss, ", describe(record.loss)},
                     {describe(head_grad)}, {"pass one number for each sample"});
}

/// As many labels as predictions: of losses that compare element by element.
inline void check_labels_like(const Tensor& prediction, const Tensor& label) {
  if (label.size() == prediction.size() && label.dtype() == prediction.dtype()) return;
  refuse<InputError>({"labels like the predictions, ", describe(prediction)}, {describe(label)},
                     {"pass as many labels as predictions, of the same dtype"});
}

/// What a loss keeps of predictions (batch, ...), undefined as yet.
inline LossRecord record_for(const Tensor& prediction) {
  const Shape& shape = prediction.shape();
  return {Tensor::uninitialized({shape[0]}, prediction.dtype()),
          Tensor::uninitialized(shape, prediction.dtype())};
}

}  // namespace glueball
