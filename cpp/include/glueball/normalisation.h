#pragma once

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
    std::int64_t span = 0;      ///< Length of all axes after the channels.
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
  /// mean and variance have one float64 for each group, so that float32 inputs far from 0 keep
  /// their digits; x is laid out as `layout` says.
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
  void check_input(const Tensor& input, const Tensor& gamma, const Tensor& beta) const;
  [[noreturn]] void throw_channels(const Shape& input) const;

  std::shared_ptr<Parameter> gamma_;
  std::shared_ptr<Parameter> beta_;
  double epsilon_;
};

}  // namespace glueball
