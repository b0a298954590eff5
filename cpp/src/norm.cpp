#include "glueball/norm.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "layer_checks.h"
#include "refuse.h"
#include "text.h"

namespace glueball {
namespace {

// Elements in the least piece of work worth a thread's start.
constexpr std::int64_t piece = 1 << 14;

std::int64_t grain_of(std::int64_t elements_each) noexcept {
  return std::max<std::int64_t>(1, piece / std::max<std::int64_t>(1, elements_each));
}

/// Calls body(T()) with the type that `dtype` names.
template <class Body>
void with_type(Dtype dtype, Body&& body) {
  if (dtype == Dtype::float32) {  // NOLINT(bugprone-branch-clone): the types differ
    body(float());
  } else {
    body(double());
  }
}

std::int64_t product(const Shape& shape, std::size_t first, std::size_t last) noexcept {
  std::int64_t result = 1;
  for (std::size_t axis = first; axis < last; ++axis) result *= shape[axis];
  return result;
}

/// x (outer, p, q, inner) as (outer, q, p, inner), under the shape `shape`.
Tensor exchanged(const Tensor& x, std::int64_t outer, std::int64_t p, std::int64_t q,
                 std::int64_t inner, const Shape& shape) {
  Tensor y = Tensor::uninitialized(shape, x.dtype());
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data<T>();
    T* to = y.data<T>();
    parallel_for(outer, grain_of(p * q * inner), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = begin; o < end; ++o) {
        for (std::int64_t i = 0; i < p; ++i) {
          for (std::int64_t j = 0; j < q; ++j) {
            std::copy_n(from + ((o * p + i) * q + j) * inner, inner,
                        to + ((o * q + j) * p + i) * inner);
          }
        }
      }
    });
  });
  return y;
}

std::string known_or_none(const Shape& shape, std::size_t axis) {
  return shape[axis] == Shape::unknown ? "some" : std::to_string(shape[axis]);
}

}  // namespace

// ---- what all four share -----------------------------------------------------------------

Normalisation::Normalisation(std::string name, const Settings& settings)
    : Layer(std::move(name)), epsilon_(settings.epsilon) {
  if (settings.in_channels < 1 && settings.in_channels != Shape::unknown) {
    refuse<ArgumentError>({"in_channels of 1 or more for '", this->name(), "', or -1 for unknown"},
                          {settings.in_channels},
                          {"give the number of channels, or leave it to the first input"});
  }
  gamma_ = make_parameter("gamma", settings, settings.gamma_initializer, settings.scale);
  beta_ = make_parameter("beta", settings, settings.beta_initializer, settings.center);
  check_epsilon();
}

Normalisation::Normalisation(std::string name, std::shared_ptr<Parameter> gamma,
                             std::shared_ptr<Parameter> beta, double epsilon)
    : Layer(std::move(name)), gamma_(std::move(gamma)), beta_(std::move(beta)), epsilon_(epsilon) {
  check_parameter(gamma_);
  check_parameter(beta_);
  check_epsilon();
}

void Normalisation::check_epsilon() const {
  if (epsilon_ >= 0.0 && std::isfinite(epsilon_)) return;
  refuse<ArgumentError>({"an epsilon of 0 or more for '", name(), "'"}, {epsilon_},
                        {"give a small number such as 1e-5"});
}

void Normalisation::check_parameter(const std::shared_ptr<Parameter>& parameter) const {
  if (parameter == nullptr) {
    refuse<ArgumentError>({"parameters for '", name(), "'"}, {"null"}, {"pass all of them"});
  }
  if (parameter->shape() && parameter->shape()->rank() == 1) return;
  refuse<ShapeError>({"a parameter of shape (channels,) for '", name(), "'"},
                     {"Parameter '", parameter->name(), "' of shape ",
                      (parameter->shape() ? to_string(*parameter->shape()) : "None")},
                     {"pass a parameter with one axis"});
}

std::shared_ptr<Parameter> Normalisation::make_parameter(const std::string& name,
                                                         const Settings& settings,
                                                         std::shared_ptr<const Initializer> init,
                                                         bool learned) const {
  Parameter::Settings own;
  own.dtype = settings.dtype;
  own.init = std::move(init);
  own.allow_deferred_init = true;
  own.differentiable = learned;
  return std::make_shared<Parameter>(this->name() + "_" + name, Shape{settings.in_channels},
                                     std::move(own));
}

std::size_t Normalisation::axis_of(const Shape& input) const {
  const auto rank = static_cast<std::int64_t>(input.rank());
  const std::int64_t axis = channel_axis();
  if (axis >= -rank && axis < rank) return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  refuse<ShapeError>({"an input of '", name(), "' with channels on axis ", axis},
                     {"the shape ", input},
                     {"pass data with more axes, or give the layer another axis"});
}

Shape Normalisation::infer_shape(const Shape& input) {
  const std::size_t axis = axis_of(input);
  const std::int64_t channels = input[axis];
  if (channels == Shape::unknown) return input;
  bool fits = channels > 0;
  visit_parameters("", [&](const std::string&, const std::shared_ptr<Parameter>& parameter) {
    const std::int64_t present = (*parameter->shape())[0];
    fits = fits && (present == Shape::unknown || present == channels);
  });
  if (!fits) throw_channels(input);
  check_channels(channels);
  visit_parameters("", [&](const std::string&, const std::shared_ptr<Parameter>& parameter) {
    if ((*parameter->shape())[0] == Shape::unknown) parameter->set_shape({channels});
  });
  return input;
}

void Normalisation::throw_channels(const Shape& input) const {
  const Shape& own = *gamma_->shape();
  refuse<ShapeError>({known_or_none(own, 0), " channels on axis ", channel_axis(),
                      " of the input of '", name(), "'"},
                     {"the shape ", input},
                     {"pass data like that of the first batch, or make the layer anew"});
}

void Normalisation::visit_parameters(const std::string& prefix,
                                     const ParameterVisitor& visit) const {
  visit(prefix + "gamma", gamma_);
  visit(prefix + "beta", beta_);
}

bool Normalisation::is_ready() const { return gamma_->is_initialized() && beta_->is_initialized(); }

bool Normalisation::find_moments(const Tensor& x, const Layout& layout, const ForwardMode&,
                                 const Tensor& mean, const Tensor& variance) {
  const kernels::NormView view{layout.samples, layout.channels, layout.span, layout.groups};
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    parallel_for(mean.size(), grain_of(x.size() / mean.size()),
                 [&](std::int64_t begin, std::int64_t end) {
                   kernels::table<T>().norm_moments(x.data<T>(), view, begin, end, mean.data<T>(),
                                                    variance.data<T>());
                 });
  });
  return false;
}

void Normalisation::check_input(const Tensor& input) const {
  visit_parameters("", [&](const std::string&, const std::shared_ptr<Parameter>& parameter) {
    check_input_dtype(*this, input, *parameter);
  });
  if (input.shape()[axis_of(input.shape())] != gamma_->values().size()) {
    throw_channels(input.shape());
  }
}

Tensor Normalisation::forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) {
  if (!is_ready()) {
    // Before the first values exist: a cast of the layer may follow.
    if (gamma_->state() != Parameter::State::uninitialized) {
      check_input_dtype(*this, input, *gamma_);
    }
    prepare(input.shape());
  }
  check_input(input);
  const Shape& shape = input.shape();
  const Layout seen = layout(shape);
  const std::int64_t groups = seen.groups == 0 ? seen.channels : seen.samples * seen.groups;
  Tensor output = Tensor::uninitialized(shape, input.dtype());
  // Means, then 1 / deviations, then gamma: an update before backward must not change the gradient.
  Tensor extra = Tensor::uninitialized({2 * groups + seen.channels}, input.dtype());
  bool constants = false;
  with_type(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* const means = extra.data<T>();
    T* const scales = means + groups;
    T* const gamma = scales + groups;
    const Tensor mean = Tensor::borrow(means, {groups}, input.dtype());
    const Tensor variance = Tensor::borrow(scales, {groups}, input.dtype());
    const Tensor x = seen.outer == 0
                         ? input
                         : exchanged(input, seen.outer, seen.before, seen.after, seen.inner, shape);
    if (input.size() == 0 && !mode.training) {
      constants = true;
      return;
    }
    constants = find_moments(x, seen, mode, mean, variance);
    finish_forward(mode, mean, variance);
    for (std::int64_t i = 0; i < groups; ++i) {
      scales[i] = static_cast<T>(
          1.0 / std::sqrt(static_cast<double>(scales[i]) + static_cast<double>(T(epsilon_))));
    }
    if (unit_scale()) {
      std::fill_n(gamma, seen.channels, T(1));
    } else {
      std::copy_n(gamma_->values().template data<T>(), seen.channels, gamma);
    }
    const kernels::NormView view{seen.samples, seen.channels, seen.span, seen.groups};
    const Tensor y = seen.outer == 0 ? output : Tensor::uninitialized(shape, input.dtype());
    parallel_for(seen.samples, grain_of(seen.channels * seen.span),
                 [&](std::int64_t begin, std::int64_t end) {
                   kernels::table<T>().norm_forward(x.data<T>(), view, begin, end, means, scales,
                                                    gamma, beta_->values().template data<T>(),
                                                    y.data<T>());
                 });
    if (seen.outer != 0) {
      output = exchanged(y, seen.outer, seen.after, seen.before, seen.inner, shape);
    }
  });
  if (record != nullptr) {
    record->input = input;
    record->output = output;
    record->extra = std::move(extra);
    record->constants = constants;
  }
  return output;
}

namespace {

/// gradient = or += sums.
template <class T>
void deliver(const double* sums, const Parameter::GradTarget& target) {
  if (target.grad == nullptr) return;
  T* const gradient = target.grad->data<T>();
  for (std::int64_t i = 0; i < target.grad->size(); ++i) {
    gradient[i] =
        target.accumulate ? gradient[i] + static_cast<T>(sums[i]) : static_cast<T>(sums[i]);
  }
}

}  // namespace

Tensor Normalisation::backward(const Tensor& output_grad, const LayerRecord& record,
                               bool need_input_grad, const BackwardPass& pass) {
  check_output_grad(*this, output_grad, record.output);
  const Tensor& input = record.input;
  const Shape& shape = input.shape();
  const Layout seen = layout(shape);
  check_recorded(*this, *gamma_, {seen.channels}, input.dtype());
  check_recorded(*this, *beta_, {seen.channels}, input.dtype());
  const auto arranged = [&](const Tensor& x) {
    return seen.outer == 0 ? x
                           : exchanged(x, seen.outer, seen.before, seen.after, seen.inner, shape);
  };
  const Tensor x = arranged(input);
  const Tensor dy = arranged(output_grad);
  const std::int64_t groups = seen.groups == 0 ? seen.channels : seen.samples * seen.groups;
  check_extra(*this, record.extra, {2 * groups + seen.channels}, input.dtype());
  const kernels::NormView view{seen.samples, seen.channels, seen.span, seen.groups};
  Tensor input_grad;
  with_type(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const kernels::Table<T>& kernel = kernels::table<T>();
    const T* const means = record.extra.data<T>();
    const T* const scales = means + groups;
    const T* const gamma = scales + groups;

    const Tensor sums({2, seen.channels}, Dtype::float64);
    auto* const heads = sums.data<double>();
    double* const products = heads + seen.channels;
    if (input.size() != 0) {
      parallel_for(seen.channels, grain_of(seen.samples * seen.span),
                   [&](std::int64_t begin, std::int64_t end) {
                     kernel.norm_channel_sums(dy.data<T>(), x.data<T>(), view, begin, end, means,
                                              scales, heads, products);
                   });
    }
    deliver<T>(heads, beta_->grad_target(pass));
    deliver<T>(products, gamma_->grad_target(pass));
    if (!need_input_grad) return;

    // The means of heads and of products that the moments' own gradients bring in, where they do.
    Tensor through({2, seen.channels}, input.dtype());
    if (seen.groups == 0 && !record.constants) {
      const double share = 1.0 / static_cast<double>(seen.samples * seen.span);
      for (std::int64_t i = 0; i < 2 * seen.channels; ++i) {
        through.data<T>()[i] = static_cast<T>(heads[i] * share);
      }
    }
    input_grad = Tensor::uninitialized(shape, input.dtype());
    if (input.size() == 0) return;
    parallel_for(seen.samples, grain_of(seen.channels * seen.span),
                 [&](std::int64_t begin, std::int64_t end) {
                   kernel.norm_backward(dy.data<T>(), x.data<T>(), view, begin, end, means, scales,
                                        gamma, through.data<T>(), through.data<T>() + seen.channels,
                                        input_grad.data<T>());
                 });
    if (seen.outer != 0) {
      input_grad = exchanged(input_grad, seen.outer, seen.after, seen.before, seen.inner, shape);
    }
  });
  return input_grad;
}

// ---- BatchNorm ---------------------------------------------------------------------------

BatchNorm::BatchNorm(std::string name, const Settings& settings)
    : Normalisation(std::move(name), settings),
      running_mean_(
          make_parameter("running_mean", settings, settings.running_mean_initializer, false)),
      running_var_(
          make_parameter("running_var", settings, settings.running_variance_initializer, false)),
      axis_(settings.axis),
      momentum_(settings.momentum),
      scale_(settings.scale),
      use_global_stats_(settings.use_global_stats) {
  check_momentum();
}

BatchNorm::BatchNorm(std::string name) : BatchNorm(std::move(name), Settings{}) {}

BatchNorm::BatchNorm(std::string name, std::shared_ptr<Parameter> gamma,
                     std::shared_ptr<Parameter> beta, std::shared_ptr<Parameter> running_mean,
                     std::shared_ptr<Parameter> running_var, const Settings& settings)
    : Normalisation(std::move(name), std::move(gamma), std::move(beta), settings.epsilon),
      running_mean_(std::move(running_mean)),
      running_var_(std::move(running_var)),
      axis_(settings.axis),
      momentum_(settings.momentum),
      scale_(settings.scale),
      use_global_stats_(settings.use_global_stats) {
  check_parameter(running_mean_);
  check_parameter(running_var_);
  check_momentum();
}

void BatchNorm::check_momentum() const {
  if (momentum_ >= 0.0 && momentum_ <= 1.0) return;
  refuse<ArgumentError>({"a momentum from 0 to 1 for '", name(), "'"}, {momentum_},
                        {"give the share of the running values that stays at a step"});
}

bool BatchNorm::is_ready() const {
  return Normalisation::is_ready() && running_mean_->is_initialized() &&
         running_var_->is_initialized();
}

void BatchNorm::visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const {
  Normalisation::visit_parameters(prefix, visit);
  visit(prefix + "running_mean", running_mean_);
  visit(prefix + "running_var", running_var_);
}

Normalisation::Layout BatchNorm::layout(const Shape& input) const {
  const std::size_t axis = axis_of(input);
  Layout seen;
  seen.samples = product(input, 0, axis);
  seen.channels = input[axis];
  seen.span = product(input, axis + 1, input.rank());
  return seen;
}

bool BatchNorm::find_moments(const Tensor& x, const Layout& layout, const ForwardMode& mode,
                             const Tensor& mean, const Tensor& variance) {
  if (!learns(mode)) {
    mean.copy_from(running_mean_->values());
    variance.copy_from(running_var_->values());
    return true;
  }
  if (x.size() == 0) {
    refuse<ShapeError>({"at least one sample to take the mean of in '", name(), "'"},
                       {"an input of shape ", x.shape()}, {"leave empty batches out"});
  }
  return Normalisation::find_moments(x, layout, mode, mean, variance);
}

void BatchNorm::finish_forward(const ForwardMode& mode, const Tensor& mean,
                               const Tensor& variance) {
  if (!learns(mode)) return;
  with_type(mean.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto move = [&](const Tensor& running, const Tensor& batch) {
      for (std::int64_t i = 0; i < running.size(); ++i) {
        T& value = running.data<T>()[i];
        value = T(momentum_) * value + T(1.0 - momentum_) * batch.data<T>()[i];
      }
    };
    move(running_mean_->data(), mean);
    move(running_var_->data(), variance);
  });
}

// ---- LayerNorm ---------------------------------------------------------------------------

LayerNorm::LayerNorm(std::string name, std::int64_t axis)
    : LayerNorm(std::move(name), axis, Settings{}) {}

LayerNorm::LayerNorm(std::string name, std::int64_t axis, const Settings& settings)
    : Normalisation(std::move(name), settings), axis_(axis) {}

LayerNorm::LayerNorm(std::string name, std::shared_ptr<Parameter> gamma,
                     std::shared_ptr<Parameter> beta, std::int64_t axis, double epsilon)
    : Normalisation(std::move(name), std::move(gamma), std::move(beta), epsilon), axis_(axis) {}

Normalisation::Layout LayerNorm::layout(const Shape& input) const {
  const std::size_t axis = axis_of(input);
  const std::int64_t before = product(input, 0, axis);
  const std::int64_t after = product(input, axis + 1, input.rank());
  Layout seen;
  seen.samples = before * after;
  seen.channels = input[axis];
  seen.span = 1;
  seen.groups = 1;
  if (after > 1) {
    seen.outer = before;
    seen.before = seen.channels;
    seen.after = after;
    seen.inner = 1;
  }
  return seen;
}

// ---- InstanceNorm ------------------------------------------------------------------------

InstanceNorm::InstanceNorm(std::string name, std::int64_t axis)
    : InstanceNorm(std::move(name), axis, Settings{}) {}

InstanceNorm::InstanceNorm(std::string name, std::int64_t axis, const Settings& settings)
    : Normalisation(std::move(name), settings), axis_(axis) {}

InstanceNorm::InstanceNorm(std::string name, std::shared_ptr<Parameter> gamma,
                           std::shared_ptr<Parameter> beta, std::int64_t axis, double epsilon)
    : Normalisation(std::move(name), std::move(gamma), std::move(beta), epsilon), axis_(axis) {}

Shape InstanceNorm::infer_shape(const Shape& input) {
  check_axes(input);
  return Normalisation::infer_shape(input);
}

void InstanceNorm::check_axes(const Shape& input) const {
  if (axis_of(input) == 0 || input.rank() < 3) {
    refuse<ShapeError>(
        {"an input with an axis besides batch and channels (axis ", axis_, ") for '", name(), "'"},
        {"the shape ", input}, {"LayerNorm normalises over features"});
  }
}

Normalisation::Layout InstanceNorm::layout(const Shape& input) const {
  check_axes(input);
  const std::size_t axis = axis_of(input);
  const std::int64_t before = product(input, 1, axis);
  const std::int64_t after = product(input, axis + 1, input.rank());
  Layout seen;
  seen.samples = input[0];
  seen.channels = input[axis];
  seen.span = before * after;
  seen.groups = seen.channels;
  if (before > 1) {
    seen.outer = input[0];
    seen.before = before;
    seen.after = seen.channels;
    seen.inner = after;
  }
  return seen;
}

// ---- GroupNorm ---------------------------------------------------------------------------

GroupNorm::GroupNorm(std::string name, std::int64_t groups)
    : GroupNorm(std::move(name), groups, Settings{}) {}

GroupNorm::GroupNorm(std::string name, std::int64_t groups, const Settings& settings)
    : Normalisation(std::move(name), settings), groups_(groups) {
  check_groups();
}

GroupNorm::GroupNorm(std::string name, std::shared_ptr<Parameter> gamma,
                     std::shared_ptr<Parameter> beta, std::int64_t groups, double epsilon)
    : Normalisation(std::move(name), std::move(gamma), std::move(beta), epsilon), groups_(groups) {
  check_groups();
}

void GroupNorm::check_groups() const {
  if (groups_ < 1) {
    refuse<ArgumentError>({"one group of channels or more for '", name(), "'"}, {groups_},
                          {"give the number of groups"});
  }
  if (const std::int64_t channels = (*gamma()->shape())[0]; channels != Shape::unknown) {
    GroupNorm::check_channels(channels);  // the constructor comes here too
  }
}

void GroupNorm::check_channels(std::int64_t channels) const {
  if (channels % groups_ == 0) return;
  refuse<ArgumentError>(
      {"a number of channels that ", groups_, " groups can share equally in '", name(), "'"},
      {channels}, {"choose a number of groups that divides it"});
}

Normalisation::Layout GroupNorm::layout(const Shape& input) const {
  const std::size_t axis = axis_of(input);
  Layout seen;
  seen.samples = input[0];
  seen.channels = input[axis];
  seen.span = product(input, axis + 1, input.rank());
  seen.groups = groups_;
  return seen;
}

}  // namespace glueball
