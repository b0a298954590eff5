#pragma once

#include <string>

#include "glueball/export.h"
#include "glueball/layer.h"

namespace glueball {

/// In training, each element is 0 with probability `rate`, else x / (1 - rate); otherwise the
/// identity.
///
/// N. Srivastava and others, "Dropout", JMLR 15, 2014.
class GLUEBALL_API Dropout : public Layer {
 public:
  /// @throws ArgumentError unless 0 <= rate <= 1. With rate 1 every element is 0.
  Dropout(std::string name, double rate);

  /// The share of elements that training sets to 0.
  double rate() const noexcept { return rate_; }

  Shape infer_shape(const Shape& input) override { return input; }
  /// @throws ArgumentError if training without a Generator.
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;

 private:
  double rate_;
};

}  // namespace glueball
