#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "glueball/parameter.h"

namespace glueball {

/// Changes parameters by their gradients.
///
/// An optimizer keeps its state (momentum ...) for each Parameter object; parameters may join at
/// any step.
class Optimizer {
 public:
  /// What every rule has.
  struct Settings {
    double learning_rate = 0.01;
    double weight_decay = 0.0;
    double rescale_grad = 1.0;
    /// Clips each element of rescale_grad * gradient to [-clip, clip]; 0 or less: no clipping.
    double clip_gradient = 0.0;
  };

  explicit Optimizer(const Settings& settings);
  virtual ~Optimizer() = default;

  Settings& settings() noexcept { return settings_; }
  const Settings& settings() const noexcept { return settings_; }

  /// One update of every parameter whose grad_req is not null, in one pass over memory; gradients
  /// stay as they are.
  ///
  /// lr_mult and wd_mult are read from each parameter. With `ignore_stale`, those whose gradient no
  /// backward wrote since the last update are skipped. Gradients count as stale afterwards.
  /// @throws UninitializedError, DeferredInitializationError before anything is changed.
  void update(const std::vector<std::shared_ptr<Parameter>>& parameters, bool ignore_stale = false);

 protected:
  /// Updates one parameter with its multiplied-out rates.
  virtual void update_one(Parameter& parameter, double learning_rate, double weight_decay) = 0;

 private:
  Settings settings_;
};

/// Stochastic gradient descent with momentum and weight decay.
///
/// g = clip(rescale * grad) + wd * w; momentum 0: w -= lr * g; else m = momentum * m - lr * g, w +=
/// m.
class SGD : public Optimizer {
 public:
  /// @throws ArgumentError if momentum is negative or not finite.
  explicit SGD(const Settings& settings, double momentum = 0.0);

  double momentum() const noexcept { return momentum_; }
  void set_momentum(double momentum) noexcept { momentum_ = momentum; }

  /// The momentum array of a parameter; undefined before its first update.
  Tensor state(const Parameter& parameter) const;
  /// Replaces it: for loading saved states. @throws ShapeError if it does not fit the parameter.
  void set_state(const Parameter& parameter, const Tensor& momentum);

 protected:
  void update_one(Parameter& parameter, double learning_rate, double weight_decay) override;

 private:
  double momentum_;
  std::unordered_map<std::uint64_t, Tensor>
      states_;  // by Parameter::id(): addresses are used again
};

}  // namespace glueball
