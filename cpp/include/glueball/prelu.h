#pragma once

#include "glueball/layer.h"

namespace glueball {

/// x where x > 0, else alpha x, with learned slopes alpha: one, or one for each channel on axis 1.
///
/// K. He and others, "Delving deep into rectifiers", ICCV 2015.
class GLUEBALL_API PReLU : public Layer {
 public:
  /// What a layer that makes its own parameter is made with.
  struct Settings {
    std::int64_t in_channels = 1;  ///< 1: one slope for all; unknown: from the first input
    Dtype dtype = Dtype::float32;  ///< Of the slopes, and so of inputs.
    /// Section 2.1 of the paper starts from a quarter.
    std::shared_ptr<const Initializer> alpha_initializer = std::make_shared<Constant>(0.25);
  };

  /// A layer with a parameter of its own, "<name>_alpha".
  PReLU(std::string name, const Settings& settings);
  /// With the default settings.
  explicit PReLU(std::string name);
  /// A layer on a parameter that others may hold too. @throws ShapeError unless it has one axis.
  PReLU(std::string name, std::shared_ptr<Parameter> alpha);

  /// The slopes, (channels,) or (1,).
  const std::shared_ptr<Parameter>& alpha() const noexcept { return alpha_; }

  Shape infer_shape(const Shape& input) override;
  /// @throws ShapeError for another number of channels, DtypeError for another dtype.
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;
  void visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const override;

 private:
  void check_channels(const Shape& input) const;

  std::shared_ptr<Parameter> alpha_;
};

}  // namespace glueball
