#pragma once

#include "glueball/layer.h"

namespace glueball {

/// Elementwise functions, by Gluon's names.
enum class ActivationKind : std::uint8_t {
  identity,     ///< x
  relu,         ///< max(x, 0)
  sigmoid,      ///< 1 / (1 + e^-x)
  tanh,         ///< tanh(x)
  softrelu,     ///< log(1 + e^x); also "softplus"
  softsign,     ///< x / (1 + |x|)
  gelu,         ///< x Phi(x), exact
  silu,         ///< x sigmoid(alpha x), alpha 1; also "swish"
  leaky_relu,   ///< x if x > 0, else alpha x, alpha 0.01
  elu,          ///< x if x > 0, else alpha (e^x - 1), alpha 1
  selu,         ///< 1.0507009873554805 (x if x > 0, else 1.6732632423543772 (e^x - 1))
  log_sigmoid,  ///< -log(1 + e^-x)
  mish,         ///< x tanh(softrelu(x))
};

/// A function and its one parameter, where it has one.
struct GLUEBALL_API ActivationFunction {
  ActivationKind kind = ActivationKind::identity;  ///< Which function.
  double alpha = 0.0;  ///< Its parameter; ignored by the kinds that have none.

  /// The identity.
  ActivationFunction() = default;
  /// With the kind's usual alpha.
  ActivationFunction(ActivationKind kind_);  // NOLINT: a kind is a function
  /// With another alpha.
  ActivationFunction(ActivationKind kind_, double alpha_) : kind(kind_), alpha(alpha_) {}
  /// From a name. @throws ArgumentError that lists the names.
  explicit ActivationFunction(const std::string& name);

  /// @throws ArgumentError if alpha is infinite, or would be in float32; names the layer `owner`.
  void check(const std::string& owner) const;

  /// Whether alpha is the one that the kind has by itself.
  bool has_usual_alpha() const { return alpha == ActivationFunction(kind).alpha; }
};

/// The kind's name: "relu".
GLUEBALL_API std::string to_string(ActivationKind kind);
/// Every name that ActivationFunction(name) takes, aliases included.
GLUEBALL_API const std::vector<std::string>& activation_names();

/// Whether the derivative is computed from the input; if not, the output is enough, and forward may
/// overwrite its input.
GLUEBALL_API bool derivative_needs_input(const ActivationFunction& function) noexcept;

/// y = f(x), elementwise; x and y may be the same array.
///
/// @throws InputError if shapes or dtypes differ.
GLUEBALL_API void activate(const ActivationFunction& function, const Tensor& x, const Tensor& y);
/// dx = dy f'(x); `x` may be undefined where derivative_needs_input() is false, `y` where it is
/// true. dx may be dy.
GLUEBALL_API void activate_backward(const ActivationFunction& function, const Tensor& x,
                                    const Tensor& y, const Tensor& dy, const Tensor& dx);

/// A layer that applies one function to every element of any shape.
class GLUEBALL_API Activation : public Layer {
 public:
  /// A layer that computes `function`; a kind (ActivationKind::relu) is one.
  Activation(std::string name, ActivationFunction function);

  /// What the layer computes.
  const ActivationFunction& function() const noexcept { return function_; }

  Shape infer_shape(const Shape& input) override { return input; }
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;
  ChainStep chain_step() const override;

 private:
  ActivationFunction function_;
};

}  // namespace glueball
