#include "glueball/dropout.h"

#include <utility>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "layer_checks.h"

namespace glueball {
namespace {

constexpr std::int64_t grain = 1 << 15;

/// `mask` holds uniform draws, and becomes 0 or `scale`; y = mask x.
template <class T>
void drop(const Tensor& x, const Tensor& mask, const Tensor& y, double rate) {
  const T threshold = static_cast<T>(rate);
  // With rate 1 nothing is kept, and 1 / 0 is never used.
  const T scale = rate < 1.0 ? static_cast<T>(1.0 / (1.0 - rate)) : T(0);
  const T* from = x.data<T>();
  T* factor = mask.data<T>();
  T* to = y.data<T>();
  parallel_for(x.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const bool keep = factor[i] >= threshold;
      factor[i] = keep ? scale : T(0);
      // Not a product: a dropped NaN or infinity is gone.
      to[i] = keep ? from[i] * scale : T(0);
    }
  });
}

template <class T>
void multiply(const Tensor& a, const Tensor& b, const Tensor& out) {
  const T* left = a.data<T>();
  const T* right = b.data<T>();
  T* to = out.data<T>();
  parallel_for(a.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = left[i] * right[i];
  });
}

}  // namespace

Dropout::Dropout(std::string name, double rate) : Layer(std::move(name)), rate_(rate) {
  if (rate >= 0.0 && rate <= 1.0) return;
  throw ArgumentError({"a rate from 0 to 1 for '" + this->name() + "'", std::to_string(rate),
                       "give the share of elements to drop"});
}

Tensor Dropout::forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) {
  Tensor output = input;
  Tensor mask;
  if (mode.training && rate_ > 0.0) {
    if (mode.rng == nullptr) {
      throw ArgumentError(
          {"a Generator to train '" + name() + "' with", "none", "set ForwardMode::rng"});
    }
    mask = Tensor::uninitialized(input.shape(), input.dtype());
    output = Tensor::uninitialized(input.shape(), input.dtype());
    mode.rng->uniform(mask, 0.0, 1.0);
    if (input.dtype() == Dtype::float32) {
      drop<float>(input, mask, output, rate_);
    } else {
      drop<double>(input, mask, output, rate_);
    }
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
  Tensor input_grad = Tensor::uninitialized(output_grad.shape(), output_grad.dtype());
  if (output_grad.dtype() == Dtype::float32) {
    multiply<float>(output_grad, record.extra, input_grad);
  } else {
    multiply<double>(output_grad, record.extra, input_grad);
  }
  return input_grad;
}

}  // namespace glueball
