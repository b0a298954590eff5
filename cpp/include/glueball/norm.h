#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "glueball/export.h"
#include "glueball/layer.h"

namespace glueball {

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta: what the four normalisations share.
///
/// They differ in what mean and (biased) variance are taken over. gamma and beta, of shape
/// (channels,), belong to one axis of the input, and wait for the first input where their length is
/// not known.
class GLUEBALL_API Normalisation : public Layer {
 public:
  /// What a layer that makes its own parameters is made with.
  struct Settings {
    double epsilon = 1e-5;                      ///< Added to the variance.
    bool center = true;                         ///< Whether beta is learned.
    bool scale = true;                          ///< Whether gamma is learned.
    std::int64_t in_channels = Shape::unknown;  ///< Unknown: from the first input.
    Dtype dtype = Dtype::float32;               ///< Of the parameters, and so of inputs.
    std::shared_ptr<const Initializer> gamma_initializer =
        std::make_shared<One>();  ///< Fills gamma.
    std::shared_ptr<const Initializer> beta_initializer =
        std::make_shared<Zero>();  ///< Fills beta.
  };

  /// What multiplies each channel.
  const std::shared_ptr<Parameter>& gamma() const noexcept { return gamma_; }
  /// What is added to each channel.
  const std::shared_ptr<Parameter>& beta() const noexcept { return beta_; }
  /// What is added to the variance.
  double epsilon() const noexcept { return epsilon_; }

  /// @throws ShapeError if the input has no axis of channels, or other channels than the
  /// parameters.
  Shape infer_shape(const Shape& input) override;
  bool is_ready() const override;
  /// @throws ShapeError as infer_shape, DtypeError for an input of another dtype.
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;
  void visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const override;

 protected:
  /// How an input is seen: axes (samples, channels, span).
  struct Layout {
    std::int64_t samples = 0;   ///< Length of all axes before the channels.
    std::int64_t channels = 0;  ///< Number of channels.
    std::int64_t span = 0;      ///< Length of all axes behind the channels.
    /// Groups of neighbouring channels with common moments in each sample; 0: each channel has its
    /// own, over all samples.
    std::int64_t groups = 0;
    /// Where the axis of channels has to come before others first: the input is (outer, before,
    /// after, inner), and its middle axes are exchanged. 0 outer: it stays as it is.
    std::int64_t outer = 0;
    std::int64_t before = 0;  ///< See outer.
    std::int64_t after = 0;   ///< See outer.
    std::int64_t inner = 0;   ///< See outer.
  };

  /// A layer that makes its parameters. @throws ArgumentError for settings out of range.
  Normalisation(std::string name, const Settings& settings);
  /// A layer on parameters that others may hold too.
  ///
  /// @throws ArgumentError if a parameter is null, or epsilon negative or not finite.
  Normalisation(std::string name, std::shared_ptr<Parameter> gamma, std::shared_ptr<Parameter> beta,
                double epsilon);

  /// How the layer sees an input. @throws ShapeError for one that it cannot take.
  virtual Layout layout(const Shape& input) const = 0;
  /// Which axis the channels are on, as the caller gave it: negative from the end.
  virtual std::int64_t channel_axis() const noexcept = 0;
  /// @throws ArgumentError for a number of channels that the layer cannot take.
  virtual void check_channels(std::int64_t) const {}
  /// Writes the moments of `x`, or constants in their place; returns whether they are constants.
  ///
  /// mean and variance have one element for each group; x is laid out as `layout` says.
  virtual bool find_moments(const Tensor& x, const Layout& layout, const ForwardMode& mode,
                            const Tensor& mean, const Tensor& variance);
  /// What find_moments() leaves to be done when nothing can fail any more.
  virtual void finish_forward(const ForwardMode&, const Tensor&, const Tensor&) {}
  /// Whether 1 stands in for gamma.
  virtual bool unit_scale() const noexcept { return false; }

  /// The axis of channels, counted from the front. @throws ShapeError if `input` has none.
  std::size_t axis_of(const Shape& input) const;
  /// A parameter "<layer's name>_<name>" of shape (channels,).
  std::shared_ptr<Parameter> make_parameter(const std::string& name, const Settings& settings,
                                            std::shared_ptr<const Initializer> init,
                                            bool learned) const;

  /// @throws ArgumentError if it is null, ShapeError unless it has one axis.
  void check_parameter(const std::shared_ptr<Parameter>& parameter) const;

 private:
  void check_epsilon() const;
  void check_input(const Tensor& input) const;
  [[noreturn]] void throw_channels(const Shape& input) const;

  std::shared_ptr<Parameter> gamma_;
  std::shared_ptr<Parameter> beta_;
  double epsilon_;
};

/// Moments of each channel over the batch and all other axes; in use, their running means.
///
/// In training every forward moves the running values: running = momentum * running + (1 -
/// momentum)
/// * batch. So a training forward writes, and is for one thread at a time, as an optimizer's step.
/// S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015.
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

/// Moments of each sample over one axis. J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer
/// normalization", arXiv:1607.06450, 2016.
class GLUEBALL_API LayerNorm : public Normalisation {
 public:
  /// With the default settings.
  explicit LayerNorm(std::string name, std::int64_t axis = -1);
  /// With parameters of its own, "<name>_gamma" and "<name>_beta".
  LayerNorm(std::string name, std::int64_t axis, const Settings& settings);
  /// On parameters that others may hold too.
  LayerNorm(std::string name, std::shared_ptr<Parameter> gamma, std::shared_ptr<Parameter> beta,
            std::int64_t axis, double epsilon);

  /// As the constructor was given it, negative from the end.
  std::int64_t axis() const noexcept { return axis_; }

 protected:
  Layout layout(const Shape& input) const override;
  std::int64_t channel_axis() const noexcept override { return axis_; }

 private:
  std::int64_t axis_;
};

/// Moments of each channel of each sample, over all axes but the first and that of the channels.
///
/// D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance normalization", arXiv:1607.08022, 2016.
class GLUEBALL_API InstanceNorm : public Normalisation {
 public:
  /// With the default settings.
  explicit InstanceNorm(std::string name, std::int64_t axis = 1);
  /// With parameters of its own, "<name>_gamma" and "<name>_beta".
  InstanceNorm(std::string name, std::int64_t axis, const Settings& settings);
  /// On parameters that others may hold too.
  InstanceNorm(std::string name, std::shared_ptr<Parameter> gamma, std::shared_ptr<Parameter> beta,
               std::int64_t axis, double epsilon);

  /// @throws ShapeError for an input that has no other axes, and as all normalisations do.
  Shape infer_shape(const Shape& input) override;

  /// As the constructor was given it, negative from the end.
  std::int64_t axis() const noexcept { return axis_; }

 protected:
  Layout layout(const Shape& input) const override;
  std::int64_t channel_axis() const noexcept override { return axis_; }

 private:
  void check_axes(const Shape& input) const;

  std::int64_t axis_;
};

/// Moments of each sample over groups of neighbouring channels, on axis 1, and all axes behind
/// them.
///
/// Y. Wu, K. He, "Group normalization", ECCV 2018.
class GLUEBALL_API GroupNorm : public Normalisation {
 public:
  /// @throws ArgumentError if groups < 1, or they do not divide a known number of channels.
  explicit GroupNorm(std::string name, std::int64_t groups = 1);
  /// With parameters of its own, "<name>_gamma" and "<name>_beta".
  GroupNorm(std::string name, std::int64_t groups, const Settings& settings);
  /// On parameters that others may hold too.
  GroupNorm(std::string name, std::shared_ptr<Parameter> gamma, std::shared_ptr<Parameter> beta,
            std::int64_t groups, double epsilon);

  /// Into how many groups the channels are divided.
  std::int64_t groups() const noexcept { return groups_; }

 protected:
  Layout layout(const Shape& input) const override;
  std::int64_t channel_axis() const noexcept override { return 1; }
  void check_channels(std::int64_t channels) const override;

 private:
  void check_groups() const;

  std::int64_t groups_;
};

}  // namespace glueball
