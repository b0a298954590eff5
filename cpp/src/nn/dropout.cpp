#include "glueball/dropout.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/refuse.h"
#include "core/with_type.h"
#include "glueball/parallel.h"
#include "nn/chain_step.h"
#include "nn/layer_support.h"

namespace glueball {
namespace {

constexpr std::int64_t grain = 1 << 15;

/// How a mask lies over an array that has more elements, since its length is 1 along some axes.
///
/// The array falls into rows, within which the mask has either an element for each of the array's,
/// or one for all of them.
class Spread {
 public:
  Spread(const Shape& mask, const Shape& array) {
    std::size_t axis = array.rank();
    const auto is_shared = [&](std::size_t i) { return mask[i] == 1; };
    // An axis of length 1 is whatever its neighbours are.
    while (axis > 1 && array[axis - 1] == 1) --axis;
    shared_ = is_shared(axis - 1);
    while (axis > 0 && (array[axis - 1] == 1 || is_shared(axis - 1) == shared_)) {
      length_ *= array[--axis];
    }
    rank_ = axis;
    for (std::int64_t stride = shared_ ? 1 : length_; axis-- > 0;) {
      lengths_[axis] = array[axis];
      strides_[axis] = is_shared(axis) ? 0 : stride;
      stride *= mask[axis];
      rows_ *= array[axis];
    }
  }

  /// Calls `each(x, factor, y)` for all elements of x, y and the mask's for them.
  template <class T, class Each>
  void run(const T* x, const T* mask, T* y, Each each) const {
    parallel_for(rows_, std::max<std::int64_t>(grain / std::max<std::int64_t>(length_, 1), 1),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t row = begin; row < end; ++row) {
                     const T* const factor = mask + offset(row);
                     const T* const from = x + row * length_;
                     T* const to = y + row * length_;
                     if (shared_) {
                       for (std::int64_t i = 0; i < length_; ++i) to[i] = each(from[i], *factor);
                     } else {
                       for (std::int64_t i = 0; i < length_; ++i) to[i] = each(from[i], factor[i]);
                     }
                   }
                 });
  }

 private:
  /// Where the mask's elements for a row begin.
  std::int64_t offset(std::int64_t row) const {
    std::int64_t sum = 0;
    for (std::size_t axis = rank_; axis-- > 0;) {
      sum += row % lengths_[axis] * strides_[axis];
      row /= lengths_[axis];
    }
    return sum;
  }

  std::array<std::int64_t, Shape::max_rank> lengths_{};
  std::array<std::int64_t, Shape::max_rank> strides_{};
  std::size_t rank_ = 0;
  std::int64_t rows_ = 1;
  std::int64_t length_ = 1;
  bool shared_ = false;
};

/// `mask` holds uniform draws, and becomes 0 or `scale`; y = mask x.
template <class T>
void drop(const Tensor& x, const Tensor& mask, const Tensor& y, double rate) {
  const T threshold = static_cast<T>(rate);
  // With rate 1 nothing is kept, and 1 / 0 is never used.
  const T scale = rate < 1.0 ? static_cast<T>(1.0 / (1.0 - rate)) : T(0);
  const T* from = x.data<T>();
  T* factor = mask.data<T>();
  T* to = y.data<T>();
  if (mask.shape() != x.shape()) {
    std::transform(factor, factor + mask.size(), factor,
                   [&](T draw) { return draw >= threshold ? scale : T(0); });
    Spread(mask.shape(), x.shape()).run(from, factor, to, [](T value, T by) {
      return by == T(0) ? T(0) : value * by;
    });
    return;
  }
  parallel_for(x.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const bool keep = factor[i] >= threshold;
      factor[i] = keep ? scale : T(0);
      // Not a product: a dropped NaN or infinity is gone.
      to[i] = keep ? from[i] * scale : T(0);
    }
  });
}

/// out = x mask.
template <class T>
void multiply(const Tensor& x, const Tensor& mask, const Tensor& out) {
  const T* left = x.data<T>();
  const T* right = mask.data<T>();
  T* to = out.data<T>();
  if (mask.shape() != x.shape()) {
    Spread(mask.shape(), x.shape()).run(left, right, to, [](T value, T by) { return value * by; });
    return;
  }
  parallel_for(x.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = left[i] * right[i];
  });
}

constexpr auto max_rank = static_cast<std::int64_t>(Shape::max_rank);

}  // namespace

Dropout::Dropout(std::string name, double rate, std::vector<std::int64_t> axes)
    : Layer(std::move(name)), rate_(rate), axes_(std::move(axes)) {
  if (!(rate >= 0.0 && rate <= 1.0)) {
    refuse<ArgumentError>({"a rate from 0 to 1 for '", this->name(), "'"}, {std::to_string(rate)},
                          {"give the share of elements to drop"});
  }
  for (const std::int64_t axis : axes_) {
    if (axis >= -max_rank && axis < max_rank) continue;
    refuse<ArgumentError>(
        {"axes from ", -max_rank, " to ", max_rank - 1, " for '", this->name(), "'"}, {axis},
        {"give axes of the layer's input"});
  }
}

Shape Dropout::infer_shape(const Shape& input) {
  mask_shape(input);
  return input;
}

Shape Dropout::mask_shape(const Shape& input) const {
  Shape shape = input;
  const auto rank = static_cast<std::int64_t>(input.rank());
  for (const std::int64_t axis : axes_) {
    if (axis < -rank || axis >= rank) {
      refuse<InputError>({"an input of '", name(), "' that has the axis ", axis,
                          " along which elements are dropped together"},
                         {"shape ", input}, {"correct the layer's axes"});
    }
    shape = shape.with(static_cast<std::size_t>(axis < 0 ? axis + rank : axis), 1);
  }
  return shape;
}

ChainStep Dropout::chain_step() const {
  return {.kind = ChainStep::Kind::training_only, .declared_by = &typeid(Dropout)};
}

Tensor Dropout::forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) {
  check_defined(*this, input);
  Tensor output = input;
  Tensor mask;
  if (mode.training && rate_ > 0.0) {
    if (mode.rng == nullptr) {
      refuse<ArgumentError>({"a Generator to train '", name(), "' with"}, {"none"},
                            {"set ForwardMode::rng"});
    }
    mask = Tensor::uninitialized(mask_shape(input.shape()), input.dtype());
    output = Tensor::uninitialized(input.shape(), input.dtype());
    mode.rng->uniform(mask, 0.0, 1.0);
    with_type(input.dtype(), [&]<class T>(T) { drop<T>(input, mask, output, rate_); });
  }
  if (record != nullptr) {
    record->input = input;
    record->output = output;
    record->extra = std::move(mask);
  }
  return output;
}

Tensor Dropout::backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                         const BackwardPass&) {
  check_output_grad(*this, output_grad, record.output);
  if (!need_input_grad) return {};
  if (!record.extra.defined()) return output_grad;
  check_extra(*this, record.extra, mask_shape(output_grad.shape()), output_grad.dtype());
  Tensor input_grad = Tensor::uninitialized(output_grad.shape(), output_grad.dtype());
  with_type(input_grad.dtype(),
            [&]<class T>(T) { multiply<T>(output_grad, record.extra, input_grad); });
  return input_grad;
}

}  // namespace glueball
