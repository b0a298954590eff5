#include "glueball/loss.h"

#include <algorithm>

#include "core/with_type.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "loss/loss.h"

namespace glueball {
namespace {

/// Rows for one thread, so that its start pays.
std::int64_t row_grain(std::int64_t per_row) noexcept {
  return std::max<std::int64_t>(1, (1 << 14) / std::max<std::int64_t>(1, per_row));
}

/// `shape` is that of the predictions, (batch, classes).
void check_label_count(std::int64_t count, const Shape& shape) {
  if (count == shape[0]) return;
  refuse<InputError>({shape[0], " labels, one for each row of predictions of shape ", shape},
                     {count}, {"pass one class number for each sample"});
}

void check_labels(const std::int64_t* labels, const Shape& shape) {
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    if (labels[i] >= 0 && labels[i] < shape[1]) continue;
    refuse<IndexError>({"labels from 0 to ", shape[1] - 1, " for ", shape[1], " classes"},
                       {"label ", labels[i], " at position ", i},
                       {"correct the label, or give the net's last layer more units"});
  }
}

}  // namespace

double LossRecord::mean() const {
  double sum = 0.0;
  for (std::int64_t i = 0; i < loss.size(); ++i) {
    sum += loss.dtype() == Dtype::float32 ? static_cast<double>(loss.data<float>()[i])
                                          : loss.data<double>()[i];
  }
  return sum / static_cast<double>(loss.size());
}

Tensor LossRecord::ones() const {
  Tensor head_grad = Tensor::uninitialized(loss.shape(), loss.dtype());
  head_grad.fill(1.0);
  return head_grad;
}

LossRecord softmax_cross_entropy(const Tensor& logits, const std::int64_t* labels,
                                 std::int64_t label_count) {
  const Shape& shape = logits.shape();
  if (shape.rank() != 2 || shape[1] < 1) {
    refuse<InputError>({"predictions of shape (batch, classes) for softmax cross entropy"},
                       {describe(logits)},
                       {"give one row for each sample, one column for each class"});
  }
  check_label_count(label_count, shape);
  check_labels(labels, shape);
  LossRecord record = record_for(logits);
  with_type(logits.dtype(), [&]<class T>(T) {
    const auto kernel = kernels::table<T>().softmax_cross_entropy;
    const std::int64_t classes = shape[1];
    parallel_for(shape[0], row_grain(classes), [&](std::int64_t begin, std::int64_t end) {
      kernel(logits.data<T>() + begin * classes, labels + begin,
             record.saved.data<T>() + begin * classes, record.loss.data<T>() + begin, end - begin,
             classes);
    });
  });
  return record;
}

Tensor softmax_cross_entropy_backward(const LossRecord& record, const std::int64_t* labels,
                                      const Tensor& head_grad) {
  check_head_grad(record, head_grad);
  const Shape& shape = record.saved.shape();
  check_labels(labels, shape);
  Tensor out = Tensor::uninitialized(shape, record.saved.dtype());
  with_type(out.dtype(), [&]<class T>(T) {
    const auto kernel = kernels::table<T>().softmax_cross_entropy_backward;
    const std::int64_t classes = shape[1];
    parallel_for(shape[0], row_grain(classes), [&](std::int64_t begin, std::int64_t end) {
      kernel(record.saved.data<T>() + begin * classes, labels + begin, head_grad.data<T>() + begin,
             out.data<T>() + begin * classes, end - begin, classes);
    });
  });
  return out;
}

Tensor softmax_cross_entropy_backward(const LossRecord& record,
                                      const std::vector<std::int64_t>& labels) {
  check_label_count(static_cast<std::int64_t>(labels.size()), record.saved.shape());
  return softmax_cross_entropy_backward(record, labels.data(), record.ones());
}

LossRecord l2_loss(const Tensor& prediction, const Tensor& label, double weight) {
  const Shape& shape = prediction.shape();
  if (shape.rank() == 0) {
    refuse<InputError>({"predictions with a batch axis for the L2 loss"}, {describe(prediction)},
                       {"pass an array of one axis or more"});
  }
  check_labels_like(prediction, label);
  if (shape[0] > 0 && prediction.size() == 0) {
    refuse<InputError>({"at least one element a sample for the L2 loss"}, {describe(prediction)},
                       {"the mean of nothing is not a number: drop the empty axis"});
  }
  LossRecord record = record_for(prediction);
  if (shape[0] == 0) return record;
  const std::int64_t per_sample = prediction.size() / shape[0];
  with_type(prediction.dtype(), [&]<class T>(T) {
    const auto kernel = kernels::table<T>().l2_loss;
    parallel_for(shape[0], row_grain(per_sample), [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t first = begin * per_sample;
      kernel(prediction.data<T>() + first, label.data<T>() + first, record.saved.data<T>() + first,
             record.loss.data<T>() + begin, end - begin, per_sample, weight);
    });
  });
  return record;
}

Tensor l2_loss_backward(const LossRecord& record, const Tensor& head_grad, double weight) {
  check_head_grad(record, head_grad);
  Tensor out = Tensor::uninitialized(record.saved.shape(), record.saved.dtype());
  const std::int64_t batch = record.loss.size();
  if (batch == 0) return out;
  const std::int64_t per_sample = out.size() / batch;
  with_type(out.dtype(), [&]<class T>(T) {
    const auto kernel = kernels::table<T>().l2_loss_backward;
    parallel_for(batch, row_grain(per_sample), [&](std::int64_t begin, std::int64_t end) {
      kernel(record.saved.data<T>() + begin * per_sample, head_grad.data<T>() + begin,
             out.data<T>() + begin * per_sample, end - begin, per_sample, weight);
    });
  });
  return out;
}

}  // namespace glueball
