#include "glueball/embedding_loss.h"

#include <cmath>
#include <string>

#include "core/describe.h"
#include "core/refuse.h"
#include "core/setting.h"
#include "core/with_type.h"
#include "glueball/elementwise_loss.h"

namespace glueball {
namespace {

void check_margin(double margin) {
  if (fits_float32(margin)) return;
  refuse<ArgumentError>({"a finite margin"}, {margin}, {"leave it out for Gluon's"});
}

void check_alike(const Tensor& array, const Tensor& like, const std::string& what) {
  if (array.shape() == like.shape() && array.dtype() == like.dtype()) return;
  refuse<InputError>({what, " like the first vectors, ", describe(like)}, {describe(array)},
                     {"pass arrays of one shape and dtype"});
}

// In double, as the other losses: their sums gain by it.
template <class T>
void triplet(const Tensor& p, const Tensor& positive, const Tensor& negative, double margin,
             const EmbeddingLossRecord& record) {
  const std::int64_t batch = record.loss.size();
  const std::int64_t size = p.size() / batch;
  for (std::int64_t i = 0; i < batch; ++i) {
    const T* a = p.data<T>() + i * size;
    const T* b = positive.data<T>() + i * size;
    const T* c = negative.data<T>() + i * size;
    double sum = margin;
    for (std::int64_t k = 0; k < size; ++k) {
      const auto near = static_cast<double>(a[k]) - static_cast<double>(b[k]);
      const auto far = static_cast<double>(a[k]) - static_cast<double>(c[k]);
      sum += near * near - far * far;
    }
    // NaN stays visible.
    record.loss.data<T>()[i] = static_cast<T>(sum < 0.0 ? 0.0 : sum);
    const double twice = sum > 0.0 ? 2.0 : 0.0;
    for (std::int64_t k = 0; k < size; ++k) {
      const auto x = static_cast<double>(a[k]);
      const auto y = static_cast<double>(b[k]);
      const auto z = static_cast<double>(c[k]);
      record.first.data<T>()[i * size + k] = static_cast<T>(twice * (z - y));
      record.second.data<T>()[i * size + k] = static_cast<T>(twice * (y - x));
      record.third.data<T>()[i * size + k] = static_cast<T>(twice * (x - z));
    }
  }
}

template <class T>
void cosine(const Tensor& first, const Tensor& second, const Tensor& labels, double margin,
            const EmbeddingLossRecord& record) {
  const std::int64_t batch = record.loss.size();
  const std::int64_t size = first.size() / batch;
  constexpr double least = 1e-12;
  for (std::int64_t i = 0; i < batch; ++i) {
    const T* a = first.data<T>() + i * size;
    const T* b = second.data<T>() + i * size;
    double product = 0.0;
    double a_square = 0.0;
    double b_square = 0.0;
    for (std::int64_t k = 0; k < size; ++k) {
      const auto x = static_cast<double>(a[k]);
      const auto y = static_cast<double>(b[k]);
      product += x * y;
      a_square += x * x;
      b_square += y * y;
    }
    const double norms = std::sqrt(a_square) * std::sqrt(b_square);
    const bool is_short = norms < least;
    const double c = product / (is_short ? least : norms);
    const bool together = labels.data<T>()[i] == T(1);
    record.loss.data<T>()[i] =
        static_cast<T>(together ? 1.0 - c : (c - margin < 0.0 ? 0.0 : c - margin));
    const double slope = together ? -1.0 : (c > margin ? 1.0 : 0.0);
    // d c / d a = b / (|a| |b|) - c a / |a|^2; of short vectors the norm is a constant.
    const double by_other = slope / (is_short ? least : norms);
    const double by_a = is_short ? 0.0 : slope * c / a_square;
    const double by_b = is_short ? 0.0 : slope * c / b_square;
    for (std::int64_t k = 0; k < size; ++k) {
      const auto x = static_cast<double>(a[k]);
      const auto y = static_cast<double>(b[k]);
      record.first.data<T>()[i * size + k] = static_cast<T>(by_other * y - by_a * x);
      record.second.data<T>()[i * size + k] = static_cast<T>(by_other * x - by_b * y);
    }
  }
}

}  // namespace

double EmbeddingLossRecord::mean() const { return LossRecord{loss, Tensor()}.mean(); }

EmbeddingLossRecord triplet_loss(const Tensor& prediction, const Tensor& positive,
                                 const Tensor& negative, double margin) {
  check_margin(margin);
  const Shape& shape = prediction.shape();
  if (shape.rank() == 0) {
    refuse<InputError>({"vectors (batch, ...)"}, {describe(prediction)}, {"pass a batch axis"});
  }
  check_alike(positive, prediction, "positive examples");
  check_alike(negative, prediction, "negative examples");
  const auto like = [&] { return Tensor::uninitialized(shape, prediction.dtype()); };
  EmbeddingLossRecord record{Tensor::uninitialized({shape[0]}, prediction.dtype()), like(), like(),
                             like()};
  if (shape[0] == 0) return record;
  with_type(prediction.dtype(),
            [&]<class T>(T) { triplet<T>(prediction, positive, negative, margin, record); });
  return record;
}

EmbeddingLossRecord cosine_embedding_loss(const Tensor& first, const Tensor& second,
                                          const Tensor& labels, double margin) {
  check_margin(margin);
  const Shape& shape = first.shape();
  if (shape.rank() != 2) {
    refuse<InputError>({"vectors (batch, features)"}, {describe(first)}, {"reshape() them"});
  }
  check_alike(second, first, "second vectors");
  if (labels.shape() != Shape{shape[0]} || labels.dtype() != first.dtype()) {
    refuse<InputError>({"labels ", Shape{shape[0]}, ", ", first.dtype()}, {describe(labels)},
                       {"pass 1 or -1 for each pair"});
  }
  const auto like = [&] { return Tensor::uninitialized(shape, first.dtype()); };
  EmbeddingLossRecord record{Tensor::uninitialized({shape[0]}, first.dtype()), like(), like(), {}};
  if (shape[0] == 0) return record;
  with_type(first.dtype(), [&]<class T>(T) {
    for (std::int64_t i = 0; i < shape[0]; ++i) {
      const T label = labels.data<T>()[i];
      if (label == T(1) || label == T(-1)) continue;
      refuse<InputError>({"labels that are 1 or -1"}, {static_cast<double>(label), " at ", i},
                         {"give 1 for pairs that belong together, -1 for others"});
    }
    cosine<T>(first, second, labels, margin, record);
  });
  return record;
}

Tensor embedding_loss_backward(const Tensor& derivative, const Tensor& head_grad) {
  if (derivative.shape().rank() == 0 || head_grad.shape() != Shape{derivative.shape()[0]} ||
      head_grad.dtype() != derivative.dtype()) {
    refuse<InputError>({"a head gradient for each sample of ", describe(derivative)},
                       {describe(head_grad)}, {"pass an array (batch,)"});
  }
  // As of an elementwise loss of these slopes.
  return elementwise_loss_backward({head_grad, derivative}, head_grad);
}

}  // namespace glueball
