#include "glueball/prelu.h"

#include <algorithm>
#include <utility>

#include "core/read_section.h"
#include "core/refuse.h"
#include "core/with_type.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "nn/layer_support.h"

namespace glueball {
namespace {

// Elements in the least piece of work worth a thread's start.
constexpr std::int64_t piece = 1 << 15;

/// So many pieces of `elements` each that a thread's start pays.
std::int64_t grain_for(std::int64_t elements) {
  return std::max<std::int64_t>(1, piece / std::max<std::int64_t>(1, elements));
}

/// Channels and the axes after them; one slope takes the whole input as one run.
kernels::NormView view_of(const Shape& shape, std::int64_t slopes) {
  const std::int64_t size = shape.elements();
  if (slopes == 1 || size == 0) return {1, 1, size, 1};
  return {shape[0], slopes, size / (shape[0] * slopes), 1};
}

template <class T>
void run_slopes(const Tensor& dy, const Tensor& x, const kernels::NormView& view,
                const GradTarget& target) {
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
  alpha_ = own_parameter(*this, "alpha", {settings.in_channels}, settings.dtype,
                         settings.alpha_initializer);
}

PReLU::PReLU(std::string name) : PReLU(std::move(name), Settings{}) {}

PReLU::PReLU(std::string name, std::shared_ptr<Parameter> alpha)
    : Layer(std::move(name)), alpha_(std::move(alpha)) {
  if (alpha_ == nullptr) {
    refuse<ArgumentError>({"slopes for '", this->name(), "'"}, {"null"}, {"pass a parameter"});
  }
  const std::optional<Shape> shape = alpha_->shape();
  if (shape && shape->rank() == 1) return;
  refuse<ShapeError>({"slopes of shape (channels,) or (1,) for '", this->name(), "'"},
                     {"Parameter '", alpha_->name(), "' of shape ", shape},
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
  const ReadSection section;
  check_defined(*this, input);
  if (!alpha_->is_initialized()) {
    if (alpha_->state() != Parameter::State::uninitialized) {
      check_input_dtype(*this, input, *alpha_, alpha_->dtype());
    }
    prepare(input.shape());
  }
  const Tensor& slopes = alpha_->values();
  check_input_dtype(*this, input, *alpha_, slopes.dtype());
  check_channels(input.shape());
  const kernels::NormView view = view_of(input.shape(), slopes.size());
  Tensor output = Tensor::uninitialized(input.shape(), input.dtype());
  with_type(input.dtype(), [&]<class T>(T) {
    parallel_for(view.samples, grain_for(view.channels * view.span),
                 [&](std::int64_t begin, std::int64_t end) {
                   kernels::table<T>().prelu_forward(input.data<T>(), view, begin, end,
                                                     slopes.data<T>(), output.data<T>());
                 });
  });
  if (record != nullptr) {
    record->input = input;
    record->output = output;
    record->extra = slopes.clone();  // an update before backward must not change the gradient
  }
  return output;
}

Tensor PReLU::backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                       const BackwardPass& pass) {
  const ReadSection section;
  check_output_grad(*this, output_grad, record.output);
  const Tensor& input = record.input;
  const Tensor& slopes = record.extra;
  const auto& arrays = check_recorded(*this, *alpha_, slopes.shape(), slopes.dtype());
  const kernels::NormView view = view_of(input.shape(), slopes.size());
  Tensor input_grad;
  with_type(input.dtype(), [&]<class T>(T) {
    if (const auto target = alpha_->grad_target(pass, arrays); target.grad != nullptr) {
      if (input.size() != 0) {
        run_slopes<T>(output_grad, input, view, target);
      } else if (!target.accumulate) {
        target.grad->fill(0.0);
      }
    }
    if (!need_input_grad) return;
    input_grad = Tensor::uninitialized(input.shape(), input.dtype());
    parallel_for(view.samples, grain_for(view.channels * view.span),
                 [&](std::int64_t begin, std::int64_t end) {
                   kernels::table<T>().prelu_backward(output_grad.data<T>(), input.data<T>(), view,
                                                      begin, end, slopes.data<T>(),
                                                      input_grad.data<T>());
                 });
  });
  return input_grad;
}

void PReLU::visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const {
  visit(prefix + "alpha", alpha_);
}

}  // namespace glueball
