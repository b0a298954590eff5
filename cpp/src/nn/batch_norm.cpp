#include "glueball/batch_norm.h"

#include <utility>

#include "core/refuse.h"
#include "core/with_type.h"
#include "nn/layer_support.h"

namespace glueball {

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
  return {.samples = product(input, 0, axis),
          .channels = input[axis],
          .span = product(input, axis + 1, input.rank())};
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
  const auto move = [&](const Tensor& running, const Tensor& batch) {
    with_type(running.dtype(), [&]<class T>(T) {
      for (std::int64_t i = 0; i < running.size(); ++i) {
        T& value = running.data<T>()[i];
        value = static_cast<T>(momentum_ * static_cast<double>(value) +
                               (1.0 - momentum_) * batch.data<double>()[i]);
      }
    });
  };
  move(running_mean_->data(), mean);
  move(running_var_->data(), variance);
}

}  // namespace glueball
