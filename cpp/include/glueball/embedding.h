#pragma once

#include "glueball/layer.h"

namespace glueball {

/// Rows of a weight (input_dim, output_dim) at the indices in the input.
///
/// The input holds integers from 0 to input_dim - 1, as float32 or float64, in any shape; the
/// output has one more axis, of length output_dim, and the weight's dtype.
class GLUEBALL_API Embedding : public Layer {
 public:
  /// What a layer that makes its own parameter is made with.
  struct Settings {
    Dtype dtype = Dtype::float32;                           ///< Of the vectors.
    std::shared_ptr<const Initializer> weight_initializer;  ///< null: the net's
  };

  /// A layer with a parameter of its own, "<name>_weight". @throws ArgumentError if a dimension is
  /// less than 1.
  Embedding(std::string name, std::int64_t input_dim, std::int64_t output_dim, Settings settings);
  /// With the default settings.
  Embedding(std::string name, std::int64_t input_dim, std::int64_t output_dim);
  /// A layer on a parameter that others may hold too. @throws ShapeError unless it has two axes,
  /// both known.
  Embedding(std::string name, std::shared_ptr<Parameter> weight);

  /// The vectors, (input_dim, output_dim).
  const std::shared_ptr<Parameter>& weight() const noexcept { return weight_; }

  Shape infer_shape(const Shape& input) override;
  /// @throws DtypeError for a number that is not an integer, IndexError for one outside the rows.
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  /// Rows taken several times get the sum; the gradient of the indices is 0.
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;
  void visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const override;

 private:
  std::shared_ptr<Parameter> weight_;
};

}  // namespace glueball
