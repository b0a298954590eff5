#pragma once

#include "glueball/layer.h"

namespace glueball {

/// (batch, a, b, ...) to (batch, a * b * ...), without a copy; (n,) to (n, 1).
class GLUEBALL_API Flatten : public Layer {
 public:
  /// A layer that messages call `name`.
  explicit Flatten(std::string name) : Layer(std::move(name)) {}

  Shape infer_shape(const Shape& input) override;
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;
};

}  // namespace glueball
