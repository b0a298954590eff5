#pragma once

#include "glueball/normalisation.h"

namespace glueball {

/// Moments of each channel over the batch and all other axes; in use, their running means.
///
/// In training every forward moves the running values:
/// running = momentum * running + (1 - momentum) * batch. So a training forward writes, and is for
/// one thread at a time, as an optimizer's step. S. Ioffe, C. Szegedy, "Batch normalization", ICML
/// 2015.
class GLUEBALL_API BatchNorm : public Normalisation {
 public:
  /// What a layer is made with.
  struct Settings : Normalisation::Settings {
    std::int64_t axis = 1;  ///< Axis of the channels, negative from the end.
    double momentum = 0.9;  ///< How much of the running values stays at a step.
    /// Use the running values in training too, and leave them as they are.
    bool use_global_stats = false;
    /// Fills running_mean.
    std::shared_ptr<const Initializer> running_mean_initializer = std::make_shared<Zero>();
    /// Fills running_var.
    std::shared_ptr<const Initializer> running_variance_initializer = std::make_shared<One>();
  };

  /// Parameters "<name>_gamma", "_beta", "_running_mean", "_running_var".
  /// @throws ArgumentError unless 0 <= momentum <= 1 and 0 <= epsilon.
  BatchNorm(std::string name, const Settings& settings);
  /// With the default settings.
  explicit BatchNorm(std::string name);
  /// On parameters that others may hold too. `settings` gives the numbers; 1 stands in for gamma
  /// unless `settings.scale`.
  BatchNorm(std::string name, std::shared_ptr<Parameter> gamma, std::shared_ptr<Parameter> beta,
            std::shared_ptr<Parameter> running_mean, std::shared_ptr<Parameter> running_var,
            const Settings& settings);

  /// As the constructor was given it, negative from the end.
  std::int64_t axis() const noexcept { return axis_; }
  /// How much of the running values stays at a training forward.
  double momentum() const noexcept { return momentum_; }
  /// Whether gamma counts; else 1 stands in for it.
  bool scale() const noexcept { return scale_; }
  /// Whether the running values are used in training too.
  bool use_global_stats() const noexcept { return use_global_stats_; }
  /// The mean that is used outside training.
  const std::shared_ptr<Parameter>& running_mean() const noexcept { return running_mean_; }
  /// The variance that is used outside training.
  const std::shared_ptr<Parameter>& running_var() const noexcept { return running_var_; }

  bool is_ready() const override;
  void visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const override;

 protected:
  Layout layout(const Shape& input) const override;
  std::int64_t channel_axis() const noexcept override { return axis_; }
  bool find_moments(const Tensor& x, const Layout& layout, const ForwardMode& mode,
                    const Tensor& mean, const Tensor& variance) override;
  void finish_forward(const ForwardMode& mode, const Tensor& mean, const Tensor& variance) override;
  bool unit_scale() const noexcept override { return !scale_; }

 private:
  bool learns(const ForwardMode& mode) const noexcept {
    return mode.training && !use_global_stats_;
  }
  void check_momentum() const;

  std::shared_ptr<Parameter> running_mean_;
  std::shared_ptr<Parameter> running_var_;
  std::int64_t axis_;
  double momentum_;
  bool scale_;
  bool use_global_stats_;
};

}  // namespace glueball
