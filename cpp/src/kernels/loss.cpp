#include "kernels/packet.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

template <class T>
using Row = Eigen::Map<Eigen::Array<T, 1, Eigen::Dynamic>>;
template <class T>
using ConstRow = Eigen::Map<const Eigen::Array<T, 1, Eigen::Dynamic>>;

}  // namespace

template <class T>
void softmax_cross_entropy(const T* logits, const std::int64_t* labels, T* probabilities, T* loss,
                           Index batch, Index classes) {
  for (Index i = 0; i < batch; ++i) {
    const ConstRow<T> row(logits + i * classes, classes);
    Row<T> shifted(probabilities + i * classes, classes);
    shifted = row - row.template maxCoeff<Eigen::PropagateNaN>();
    loss[i] = -shifted[labels[i]];
  }
  // All rows' exponentials in one loop: a row of ten classes alone would leave most of a vector
  // empty.
  map(probabilities, probabilities, batch * classes,
      [](const Packet<T>& v) { return packet::pexp(v); });
  for (Index i = 0; i < batch; ++i) {
    Row<T> row(probabilities + i * classes, classes);
    const T sum = row.sum();
    row *= T(1) / sum;
    // The largest term of the sum is 1, so the logarithm is of 1 or more. From C, since a function
    // of std:: may be shared with code for another instruction set.
    loss[i] += static_cast<T>(::log(static_cast<double>(sum)));
  }
}

template <class T>
void softmax_cross_entropy_backward(const T* probabilities, const std::int64_t* labels,
                                    const T* head_grad, T* dlogits, Index batch, Index classes) {
  for (Index i = 0; i < batch; ++i) {
    const ConstRow<T> row(probabilities + i * classes, classes);
    Row<T> out(dlogits + i * classes, classes);
    out = head_grad[i] * row;
    out[labels[i]] -= head_grad[i];
  }
}

template <class T>
void l2_loss(const T* prediction, const T* label, T* difference, T* loss, Index batch,
             Index per_sample, double weight) {
  map(prediction, label, difference, batch * per_sample,
      [](const Packet<T>& p, const Packet<T>& y) { return packet::psub(p, y); });
  for (Index i = 0; i < batch; ++i) {
    const ConstRow<T> row(difference + i * per_sample, per_sample);
    auto squares = static_cast<double>(row.square().sum());
    // A sum beyond the type's range may still have a mean within it.
    if (squares == __builtin_inf()) squares = row.template cast<double>().square().sum();
    loss[i] = static_cast<T>(0.5 * weight * squares / static_cast<double>(per_sample));
  }
}

template <class T>
void l2_loss_backward(const T* difference, const T* head_grad, T* dprediction, Index batch,
                      Index per_sample, double weight) {
  const double scale = weight / static_cast<double>(per_sample);
  for (Index i = 0; i < batch; ++i) {
    const T factor = static_cast<T>(scale * static_cast<double>(head_grad[i]));
    Row<T>(dprediction + i * per_sample, per_sample) =
        factor * ConstRow<T>(difference + i * per_sample, per_sample);
  }
}

void add_loss(KernelSet& set) {
  const auto add = []<class T>(Table<T>& table) {
    table.softmax_cross_entropy = softmax_cross_entropy<T>;
    table.softmax_cross_entropy_backward = softmax_cross_entropy_backward<T>;
    table.l2_loss = l2_loss<T>;
    table.l2_loss_backward = l2_loss_backward<T>;
  };
  add(set.f32);
  add(set.f64);
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
