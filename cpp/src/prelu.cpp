#include "glueball/prelu.h"

#include <algorithm>
#include <utility>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "layer_checks.h"
#include "refuse.h"

namespace glueball {
namespace {

// Elements in the least piece of work worth a thread's start.
constexpr std::int64_t piece = 1 << 15;

/// So many pieces of `elements` each that a thread's start pays.
std::int64_t grain_for(std::int64_t elements) {
  return std::max<std::int64_t>(1, piece / std::max<std::int64_t>(1, elements));
}

/// Channels and what is behind them; one slope takes the whole input as one run.
kernels::NormView view_of(const Shape& shape, std::int64_t slopes) {
  const std::int64_t size = shape.elements();
  if (slopes == 1 || size == 0) return {1, 1, size, 1};
  return {shape[0], slopes, size / (shape[0] * slopes), 1};
}

template <class T>
void run_forward(const Tensor& x, const kernels::NormView& view, const Tensor& slopes,
                 const Tensor& y) {
  const std::int64_t grain = grain_for(view.channels * view.span);
  parallel_for(view.samples, grain, [&](std::int64_t begin, std::int64_t end) {
    kernels::table<T>().prelu_forward(x.data<T>(), view, begin, end, slopes.data<T>(), y.data<T>());
  });
}

template <class T>
void run_backward(const Tensor& dy, const Tensor& x, const kernels::NormView& view,
                  const Tensor& slopes, const Tensor& dx) {
  const std::int64_t grain = grain_for(view.channels * view.span);
  parallel_for(view.samples, grain, [&](std::int64_t begin, std::int64_t end) {
    kernels::table<T>().prelu_backward(dy.data<T>(), x.data<T>(), view, begin, end,
                                       slopes.data<T>(), dx.data<T>());
  });
}

template <class T>
void run_slopes(const Tensor& dy, const Tensor& x, const kernels::NormView& view,
                const Parameter::GradTarget& target) {
  const Tensor sums({view.channels}, Dtype::float64);
  const std::int64_t grain = grain_for(view.samples * view.span);
  parallel_for(view.channels, grain, [&](std::int64_t begin, std::int64_t end) {
    kernels::table<T>().prelu_slope_sums(dy.data<T>(), x.data<T>(), view, begin, end,
                                         sums.data<double>());
  });
  T* const gradient = target.grad->data<T>();
  for (std::int64_t i = 0; i < view.channels; ++i) {
    const T sum = static_cast<T>(sums.data<double>()[i]);
    gradient[i] = target.accumulate ? gradient[i] + sum : sum;
  }
}

}  // namespace

PReLU::PReLU(std::string name, const Settings& settings) : Layer(std::move(name)) {
  if (settings.in_channels < 1 && settings.in_channels != Shape::unknown) {
    refuse<ArgumentError>({"in_channels of 1 or more for '", this->name(), "', or -1 for unknown"},
                          {settings.in_channels},
                          {"give the number of slopes, or leave it to the first input"});
  }
  Parameter::Settings alpha;
  alpha.dtype = settings.dtype;
  alpha.init = settings.alpha_initializer;
  alpha.allow_deferred_init = true;
  alpha_ = std::make_shared<Parameter>(this->name() + "_alpha", Shape{settings.in_channels},
                                       std::move(alpha));
}

PReLU::PReLU(std::string name) : PReLU(std::move(name), Settings{}) {}

PReLU::PReLU(std::string name, std::shared_ptr<Parameter> alpha)
    : Layer(std::move(name)), alpha_(std::move(alpha)) {
  if (alpha_ == nullptr) {
    refuse<ArgumentError>({"slopes for '", this->name(), "'"}, {"null"}, {"pass a parameter"});
  }
  const std::optional<Shape>& shape = alpha_->shape();
  if (shape && shape->rank() == 1) return;
  refuse<ShapeError>(
      {"slopes of shape (channels,) or (1,) for '", this->name(), "'"},
      {"Parameter '", alpha_->name(), "' of shape ", (shape ? to_string(*shape) : "None")},
      {"pass a parameter with one axis"});
}

void PReLU::check_channels(const Shape& input) const {
  const std::int64_t slopes = (*alpha_->shape())[0];
  if (slopes == 1) return;
  if (input.rank() > 1 && (slopes == Shape::unknown || input[1] == Shape::unknown ||
                           (input[1] == slopes && slopes > 0))) {
    return;
  }
  refuse<ShapeError>({(slopes == Shape::unknown ? std::string() : std::to_string(slopes) + " "),
                      "channels on axis 1 of the input of '", name(), "'"},
                     {"the shape ", input}, {"give PReLU as many in_channels, or 1"});
}

Shape PReLU::infer_shape(const Shape& input) {
  check_channels(input);
  if ((*alpha_->shape())[0] == Shape::unknown && input[1] != Shape::unknown) {
    alpha_->set_shape({input[1]});
  }
  return input;
}

Tensor PReLU::forward(const Tensor& input, const ForwardMode&, LayerRecord* record) {
  check_defined(*this, input);
  if (!alpha_->is_initialized()) {
    if (alpha_->state() != Parameter::State::uninitialized) {
      check_input_dtype(*this, input, *alpha_);
    }
    prepare(input.shape());
  }
  check_input_dtype(*this, input, *alpha_);
  check_channels(input.shape());
  const Tensor& slopes = alpha_->values();
  const kernels::NormView view = view_of(input.shape(), slopes.size());
  Tensor output = Tensor::uninitialized(input.shape(), input.dtype());
  if (input.size() != 0) {
    input.dtype() == Dtype::float32 ? run_forward<float>(input, view, slopes, output)
                                    : run_forward<double>(input, view, slopes, output);
  }
  if (record != nullptr) {
    record->input = input;
    record->output = output;
    record->extra = slopes.clone();  // an update before backward must not change the gradient
  }
  return output;
}

Tensor PReLU::backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                       const BackwardPass& pass) {
  check_output_grad(*this, output_grad, record.output);
  const Tensor& input = record.input;
  const Tensor& slopes = record.extra;
  check_recorded(*this, *alpha_, slopes.shape(), slopes.dtype());
  const bool single = input.dtype() == Dtype::float32;
  const kernels::NormView view = view_of(input.shape(), slopes.size());
  if (const auto target = alpha_->grad_target(pass); target.grad != nullptr) {
    if (input.size() == 0) {
      if (!target.accumulate) target.grad->fill(0.0);
    } else {
      single ? run_slopes<float>(output_grad, input, view, target)
             : run_slopes<double>(output_grad, input, view, target);
    }
  }
  if (!need_input_grad) return {};
  Tensor input_grad = Tensor::uninitialized(input.shape(), input.dtype());
  if (input.size() != 0) {
    single ? run_backward<float>(output_grad, input, view, slopes, input_grad)
           : run_backward<double>(output_grad, input, view, slopes, input_grad);
  }
  return input_grad;
}

void PReLU::visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const {
  visit(prefix + "alpha", alpha_);
}

}  // namespace glueball
