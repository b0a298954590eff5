#include "glueball/loss.h"

#include <algorithm>
#include <string>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "refuse.h"

namespace glueball {
namespace {

/// Rows for one thread, so that its start pays.
std::int64_t row_grain(std::int64_t per_row) noexcept {
  return std::max<std::int64_t>(1, (1 << 14) / std::max<std::int64_t>(1, per_row));
}

std::string describe(const Tensor& array) {
  return to_string(array.shape()) + ", " + to_string(array.dtype());
}

void check_head_grad(const LossRecord& record, const Tensor& head_grad) {
  if (head_grad.shape() == record.loss.shape() && head_grad.dtype() == record.loss.dtype()) return;
  refuse<InputError>({"a head gradient like the loss, ", describe(record.loss)},
                     {describe(head_grad)}, {"pass one number for each sample"});
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

template <class T>
void run_softmax(const Tensor& logits, const std::int64_t* labels, const LossRecord& record) {
  const auto kernel = kernels::table<T>().softmax_cross_entropy;
  const std::int64_t classes = logits.shape()[1];
  parallel_for(logits.shape()[0], row_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    kernel(logits.data<T>() + begin * classes, labels + begin,
           record.saved.data<T>() + begin * classes, record.loss.data<T>() + begin, end - begin,
           classes);
  });
}

template <class T>
void run_softmax_backward(const LossRecord& record, const std::int64_t* labels,
                          const Tensor& head_grad, const Tensor& out) {
  const auto kernel = kernels::table<T>().softmax_cross_entropy_backward;
  const std::int64_t classes = out.shape()[1];
  parallel_for(out.shape()[0], row_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    kernel(record.saved.data<T>() + begin * classes, labels + begin, head_grad.data<T>() + begin,
           out.data<T>() + begin * classes, end - begin, classes);
  });
}

template <class T>
void run_l2(const Tensor& prediction, const Tensor& label, const LossRecord& record,
            std::int64_t per_sample, double weight) {
  const auto kernel = kernels::table<T>().l2_loss;
  parallel_for(record.loss.size(), row_grain(per_sample),
               [&](std::int64_t begin, std::int64_t end) {
                 const std::int64_t first = begin * per_sample;
                 kernel(prediction.data<T>() + first, label.data<T>() + first,
                        record.saved.data<T>() + first, record.loss.data<T>() + begin, end - begin,
                        per_sample, weight);
               });
}

template <class T>
void run_l2_backward(const LossRecord& record, const Tensor& head_grad, const Tensor& out,
                     std::int64_t per_sample, double weight) {
  const auto kernel = kernels::table<T>().l2_loss_backward;
  parallel_for(record.loss.size(), row_grain(per_sample),
               [&](std::int64_t begin, std::int64_t end) {
                 kernel(record.saved.data<T>() + begin * per_sample, head_grad.data<T>() + begin,
                        out.data<T>() + begin * per_sample, end - begin, per_sample, weight);
               });
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
  LossRecord record{Tensor::uninitialized({shape[0]}, logits.dtype()),
                    Tensor::uninitialized(shape, logits.dtype())};
  if (logits.dtype() == Dtype::float32) {
    run_softmax<float>(logits, labels, record);
  } else {
    run_softmax<double>(logits, labels, record);
  }
  return record;
}

Tensor softmax_cross_entropy_backward(const LossRecord& record, const std::int64_t* labels,
                                      const Tensor& head_grad) {
  check_head_grad(record, head_grad);
  check_labels(labels, record.saved.shape());
  Tensor out = Tensor::uninitialized(record.saved.shape(), record.saved.dtype());
  if (out.dtype() == Dtype::float32) {
    run_softmax_backward<float>(record, labels, head_grad, out);
  } else {
    run_softmax_backward<double>(record, labels, head_grad, out);
  }
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
  if (label.size() != prediction.size() || label.dtype() != prediction.dtype()) {
    refuse<InputError>({"labels like the predictions, ", describe(prediction)}, {describe(label)},
                       {"pass as many labels as predictions, of the same dtype"});
  }
  if (shape[0] > 0 && prediction.size() == 0) {
    refuse<InputError>({"at least one element a sample for the L2 loss"}, {describe(prediction)},
                       {"the mean of nothing is not a number: drop the empty axis"});
  }
  LossRecord record{Tensor::uninitialized({shape[0]}, prediction.dtype()),
                    Tensor::uninitialized(shape, prediction.dtype())};
  if (shape[0] == 0) return record;
  const std::int64_t per_sample = prediction.size() / shape[0];
  if (prediction.dtype() == Dtype::float32) {
    run_l2<float>(prediction, label, record, per_sample, weight);
  } else {
    run_l2<double>(prediction, label, record, per_sample, weight);
  }
  return record;
}

Tensor l2_loss_backward(const LossRecord& record, const Tensor& head_grad, double weight) {
  check_head_grad(record, head_grad);
  Tensor out = Tensor::uninitialized(record.saved.shape(), record.saved.dtype());
  if (record.loss.size() == 0) return out;
  const std::int64_t per_sample = out.size() / record.loss.size();
  if (out.dtype() == Dtype::float32) {
    run_l2_backward<float>(record, head_grad, out, per_sample, weight);
  } else {
    run_l2_backward<double>(record, head_grad, out, per_sample, weight);
  }
  return out;
}

}  // namespace glueball
