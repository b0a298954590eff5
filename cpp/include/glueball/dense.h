#pragma once

#include "glueball/activation.h"
#include "glueball/layer.h"

namespace glueball {

/// y = f(x W^T + b), with weight W (units, in_units) and bias b (units,).
class GLUEBALL_API Dense : public Layer {
 public:
  /// What a dense layer can be told beside its units.
  struct Settings {
    ActivationFunction activation;  ///< identity: linear
    bool use_bias = true;           ///< False: y = f(x W^T), and bias() is null.
    /// True: an input of any rank is taken as (batch, rest), one of rank 1 as (batch, 1). False:
    /// the last axis is the feature axis.
    bool flatten = true;
    Dtype dtype = Dtype::float32;  ///< Of weight and bias; inputs must have it too.
    /// Features of an input; unknown: the first input tells.
    std::int64_t in_units = Shape::unknown;
    std::shared_ptr<const Initializer> weight_initializer;  ///< null: the net's
    /// Null: the net's, which fills biases with 0 unless it has a hook for them.
    std::shared_ptr<const Initializer> bias_initializer = std::make_shared<Zero>();
  };

  /// A layer with parameters of its own, "<name>_weight" and "<name>_bias".
  ///
  /// @throws ArgumentError if units < 1, or in_units is neither positive nor unknown.
  Dense(std::string name, std::int64_t units, Settings settings);
  /// With the default settings: linear, with a bias, any width of input.
  Dense(std::string name, std::int64_t units);

  /// A layer on parameters that others may hold too; `bias` may be null.
  ///
  /// @throws ShapeError unless the weight has two axes and the bias one, as long as the weight's
  /// first.
  Dense(std::string name, std::shared_ptr<Parameter> weight, std::shared_ptr<Parameter> bias,
        ActivationFunction activation, bool flatten);

  /// Of shape (units, in_units).
  const std::shared_ptr<Parameter>& weight() const noexcept { return weight_; }
  /// Of shape (units,), or null.
  const std::shared_ptr<Parameter>& bias() const noexcept { return bias_; }
  /// The function that is applied to the product.
  const ActivationFunction& activation() const noexcept { return activation_; }
  /// Features of an output.
  std::int64_t units() const noexcept { return units_; }
  /// Whether an input of any rank is taken as (batch, rest).
  bool flatten() const noexcept { return flatten_; }

  Shape infer_shape(const Shape& input) override;
  bool is_ready() const override;
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;
  /// "weight", then "bias" if there is one.
  void visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const override;

  ChainStep chain_step() const override;
  Tensor backward_between(const Tensor& output_grad, const LayerRecord& record,
                          bool need_input_grad, const BackwardPass& pass,
                          const ChainNeighbours& neighbours) override;

 private:
  void check_input(const Shape& input) const;
  [[noreturn]] void throw_width(const Shape& input) const;
  [[noreturn]] void throw_dtype(const Tensor& input) const;

  std::int64_t units_;
  std::shared_ptr<Parameter> weight_;
  std::shared_ptr<Parameter> bias_;
  ActivationFunction activation_;
  bool flatten_;
};

}  // namespace glueball
