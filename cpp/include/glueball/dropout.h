#pragma once

#include "glueball/layer.h"

namespace glueball {

/// In training, each element is 0 with probability `rate`, else x / (1 - rate); otherwise the
/// identity.
///
/// Elements along the `axes` share their fate: with axes {1} and an input of (batch, time,
/// features), a feature is dropped at all times of a sample or at none.
///
/// N. Srivastava and others, "Dropout", JMLR 15, 2014.
class GLUEBALL_API Dropout : public Layer {
 public:
  /// Negative axes count from the last. @throws ArgumentError unless 0 <= rate <= 1, or for an axis
  /// that no array has. With rate 1 every element is 0.
  Dropout(std::string name, double rate, std::vector<std::int64_t> axes = {});

  /// The share of elements that training sets to 0.
  double rate() const noexcept { return rate_; }
  /// The axes along which all elements share their fate, as they were given.
  const std::vector<std::int64_t>& axes() const noexcept { return axes_; }

  /// @throws InputError if `input` lacks one of the axes.
  Shape infer_shape(const Shape& input) override;
  /// @throws ArgumentError if training without a Generator, InputError if `input` lacks one of the
  /// axes.
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;
  ChainStep chain_step() const override;

 private:
  Shape mask_shape(const Shape& input) const;

  double rate_;
  std::vector<std::int64_t> axes_;
};

}  // namespace glueball
