#include "glueball/normalisation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/read_section.h"
#include "core/refuse.h"
#include "core/setting.h"
#include "core/with_type.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "nn/layer_support.h"

namespace glueball {
namespace {

// Elements in the least piece of work worth a thread's start.
constexpr std::int64_t piece = 1 << 14;

std::int64_t grain_of(std::int64_t elements_each) noexcept {
  return std::max<std::int64_t>(1, piece / std::max<std::int64_t>(1, elements_each));
}

/// x (outer, p, q, inner) as (outer, q, p, inner), under the shape `shape`.
Tensor exchanged(const Tensor& x, std::int64_t outer, std::int64_t p, std::int64_t q,
                 std::int64_t inner, const Shape& shape) {
  Tensor y = Tensor::uninitialized(shape, x.dtype());
  with_type(x.dtype(), [&]<class T>(T) {
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

/// gradient = or += sums.
template <class T>
void deliver(const double* sums, const GradTarget& target) {
  if (target.grad == nullptr) return;
  T* const gradient = target.grad->data<T>();
  for (std::int64_t i = 0; i < target.grad->size(); ++i) {
    gradient[i] =
        target.accumulate ? gradient[i] + static_cast<T>(sums[i]) : static_cast<T>(sums[i]);
  }
}

/// The moments of so many groups at the start of what a forward leaves for its backward.
template <class T>
kernels::NormMoments<T> moments_in(const Tensor& extra, std::int64_t groups) {
  const T* const means = extra.data<T>();
  return {.mean = means, .rest = means + groups, .scale = means + 2 * groups};
}

/// Writes them as moments_in() reads them.
template <class T>
void write_moments(const Tensor& mean, const Tensor& variance, double epsilon, T* to) {
  const std::int64_t groups = mean.size();
  for (std::int64_t i = 0; i < groups; ++i) {
    const double exact = mean.data<double>()[i];
    to[i] = static_cast<T>(exact);
    to[groups + i] = static_cast<T>(exact - static_cast<double>(to[i]));
    to[2 * groups + i] = static_cast<T>(1.0 / std::sqrt(variance.data<double>()[i] + epsilon));
  }
}

}  // namespace

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
  if (epsilon_ >= 0.0 && fits_float32(epsilon_)) return;
  refuse<ArgumentError>({"an epsilon of 0 or more for '", name(), "'"}, {epsilon_},
                        {"give a small number such as 1e-5"});
}

void Normalisation::check_parameter(const std::shared_ptr<Parameter>& parameter) const {
  if (parameter == nullptr) {
    refuse<ArgumentError>({"parameters for '", name(), "'"}, {"null"}, {"pass all of them"});
  }
  if (const auto shape = parameter->shape(); shape && shape->rank() == 1) return;
  refuse<ShapeError>({"a parameter of shape (channels,) for '", name(), "'"},
                     {"Parameter '", parameter->name(), "' of shape ", parameter->shape()},
                     {"pass a parameter with one axis"});
}

std::shared_ptr<Parameter> Normalisation::make_parameter(const std::string& name,
                                                         const Settings& settings,
                                                         std::shared_ptr<const Initializer> init,
                                                         bool learned) const {
  return own_parameter(*this, name, {settings.in_channels}, settings.dtype, std::move(init),
                       learned);
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
  const std::int64_t own = (*gamma_->shape())[0];
  refuse<ShapeError>({own == Shape::unknown ? "some" : std::to_string(own), " channels on axis ",
                      channel_axis(), " of the input of '", name(), "'"},
                     {"the shape ", input},
                     {"pass data like that of the first batch, or make a new layer"});
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
  with_type(x.dtype(), [&]<class T>(T) {
    parallel_for(mean.size(), grain_of(x.size() / mean.size()),
                 [&](std::int64_t begin, std::int64_t end) {
                   kernels::table<T>().norm_moments(x.data<T>(), view, begin, end,
                                                    mean.data<double>(), variance.data<double>());
                 });
  });
  return false;
}

void Normalisation::check_input(const Tensor& input, const Tensor& gamma,
                                const Tensor& beta) const {
  visit_parameters("", [&](const std::string&, const std::shared_ptr<Parameter>& parameter) {
    check_input_dtype(*this, input, *parameter, parameter->dtype());
  });
  // What the forward found, where another thread has replaced it since.
  if (gamma.dtype() != input.dtype()) check_input_dtype(*this, input, *gamma_, gamma.dtype());
  if (beta.dtype() != input.dtype()) check_input_dtype(*this, input, *beta_, beta.dtype());
  if (input.shape()[axis_of(input.shape())] != gamma.size()) {
    throw_channels(input.shape());
  }
}

Tensor Normalisation::forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) {
  const ReadSection section;
  if (!is_ready()) {
    // Before the first values exist: a cast of the layer may follow.
    if (gamma_->state() != Parameter::State::uninitialized) {
      check_input_dtype(*this, input, *gamma_, gamma_->dtype());
    }
    prepare(input.shape());
  }
  const Tensor& gamma_now = gamma_->values();
  const Tensor& beta_now = beta_->values();
  check_input(input, gamma_now, beta_now);
  const Shape& shape = input.shape();
  const Layout seen = layout(shape);
  const std::int64_t groups = seen.groups == 0 ? seen.channels : seen.samples * seen.groups;
  Tensor output = Tensor::uninitialized(shape, input.dtype());
  // The moments, then gamma: an update before backward must not change the gradient.
  Tensor extra = Tensor::uninitialized({3 * groups + seen.channels}, input.dtype());
  bool constants = false;
  with_type(input.dtype(), [&]<class T>(T) {
    const kernels::NormMoments<T> moments = moments_in<T>(extra, groups);
    T* const gamma = extra.data<T>() + 3 * groups;
    const Tensor found = Tensor::uninitialized({2, groups}, Dtype::float64);
    const Tensor mean = Tensor::borrow(found.data<double>(), {groups}, Dtype::float64);
    const Tensor variance = Tensor::borrow(found.data<double>() + groups, {groups}, Dtype::float64);
    const Tensor x = seen.outer == 0
                         ? input
                         : exchanged(input, seen.outer, seen.before, seen.after, seen.inner, shape);
    if (input.size() == 0 && !mode.training) {
      constants = true;
      return;
    }
    constants = find_moments(x, seen, mode, mean, variance);
    finish_forward(mode, mean, variance);
    write_moments(mean, variance, static_cast<double>(T(epsilon_)), extra.data<T>());
    if (unit_scale()) {
      std::fill_n(gamma, seen.channels, T(1));
    } else {
      std::copy_n(gamma_now.data<T>(), seen.channels, gamma);
    }
    const kernels::NormView view{seen.samples, seen.channels, seen.span, seen.groups};
    const Tensor y = seen.outer == 0 ? output : Tensor::uninitialized(shape, input.dtype());
    parallel_for(seen.samples, grain_of(seen.channels * seen.span),
                 [&](std::int64_t begin, std::int64_t end) {
                   kernels::table<T>().norm_forward(x.data<T>(), view, begin, end, moments, gamma,
                                                    beta_now.data<T>(), y.data<T>());
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

Tensor Normalisation::backward(const Tensor& output_grad, const LayerRecord& record,
                               bool need_input_grad, const BackwardPass& pass) {
  const ReadSection section;
  check_output_grad(*this, output_grad, record.output);
  const Tensor& input = record.input;
  const Shape& shape = input.shape();
  const Layout seen = layout(shape);
  const auto& gammas = check_recorded(*this, *gamma_, {seen.channels}, input.dtype());
  const auto& betas = check_recorded(*this, *beta_, {seen.channels}, input.dtype());
  const auto arranged = [&](const Tensor& x) {
    return seen.outer == 0 ? x
                           : exchanged(x, seen.outer, seen.before, seen.after, seen.inner, shape);
  };
  const Tensor x = arranged(input);
  const Tensor dy = arranged(output_grad);
  const std::int64_t groups = seen.groups == 0 ? seen.channels : seen.samples * seen.groups;
  check_extra(*this, record.extra, {3 * groups + seen.channels}, input.dtype());
  const kernels::NormView view{seen.samples, seen.channels, seen.span, seen.groups};
  Tensor input_grad;
  with_type(input.dtype(), [&]<class T>(T) {
    const kernels::Table<T>& kernel = kernels::table<T>();
    const kernels::NormMoments<T> moments = moments_in<T>(record.extra, groups);
    const T* const gamma = record.extra.data<T>() + 3 * groups;

    const Tensor sums({2, seen.channels}, Dtype::float64);
    auto* const heads = sums.data<double>();
    double* const products = heads + seen.channels;
    if (input.size() != 0) {
      parallel_for(seen.channels, grain_of(seen.samples * seen.span),
                   [&](std::int64_t begin, std::int64_t end) {
                     kernel.norm_channel_sums(dy.data<T>(), x.data<T>(), view, begin, end, moments,
                                              heads, products);
                   });
    }
    deliver<T>(heads, beta_->grad_target(pass, betas));
    deliver<T>(products, gamma_->grad_target(pass, gammas));
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
                   kernel.norm_backward(dy.data<T>(), x.data<T>(), view, begin, end, moments, gamma,
                                        through.data<T>(), through.data<T>() + seen.channels,
                                        input_grad.data<T>());
                 });
    if (seen.outer != 0) {
      input_grad = exchanged(input_grad, seen.outer, seen.after, seen.before, seen.inner, shape);
    }
  });
  return input_grad;
}

}  // namespace glueball
