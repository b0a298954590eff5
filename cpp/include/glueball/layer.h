#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glueball/export.h"
#include "glueball/parameter.h"
#include "glueball/random.h"
#include "glueball/tensor.h"

namespace glueball {

class Layer;
struct ChainNeighbours;
struct ChainStep;

/// How a forward runs.
struct GLUEBALL_API ForwardMode {
  bool training = false;     ///< Layers such as Dropout act.
  Generator* rng = nullptr;  ///< Where they draw from; needed when training.
};

/// What one layer keeps of a recorded forward for its backward.
struct GLUEBALL_API LayerRecord {
  Tensor input;            ///< What the layer was given.
  Tensor output;           ///< What it made of it.
  Tensor extra;            ///< The layer's own: pre-activations, a dropout mask.
  bool constants = false;  ///< Whether moments that were used are constants to the gradient.
  std::vector<LayerRecord> inner;  ///< Of the layers inside, when the layer is a chain.
  /// What the weight was, where backward needs its values.
  Parameter::Snapshot weight;
  const Layer* layer = nullptr;  ///< Whose it is: set in the records of a chain.
};

/// A function with parameters: infers shapes, computes forward and backward.
///
/// Forward does not change a layer but for its parameters' first initialization, so one layer may
/// run in many threads.
class GLUEBALL_API Layer {
 public:
  /// `name` is what messages call the layer.
  explicit Layer(std::string name) : name_(std::move(name)) {}
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  /// What messages call the layer: "dense0".
  const std::string& name() const noexcept { return name_; }

  /// Fills in unknown axes of the parameters, and returns the shape of the output.
  ///
  /// `input` may have unknown axes (the batch); initializes nothing. @throws InputError if it can't
  /// be the input of this layer.
  virtual Shape infer_shape(const Shape& input) = 0;

  /// Carries out the deferred initialization that `input` makes possible. Called by forward; cheap
  /// when there is nothing to do.
  virtual void prepare(const Shape& input);

  /// Whether every parameter is initialized, so that `prepare` has nothing to do.
  virtual bool is_ready() const;

  /// Computes the output. With `record`, keeps in it what `backward` needs.
  ///
  /// @throws InputError for an input of a wrong shape or dtype, UninitializedError, and what
  /// `prepare` throws.
  virtual Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) = 0;

  /// Vector-Jacobian product: writes parameters' gradients, returns the input's if
  /// `need_input_grad` (else undefined).
  ///
  /// `output_grad` has the output's shape and dtype; its memory may be overwritten only if the
  /// layer owns it alone.
  virtual Tensor backward(const Tensor& output_grad, const LayerRecord& record,
                          bool need_input_grad, const BackwardPass& pass) = 0;

  /// Takes a structural path ("0.weight") and the parameter that is there.
  using ParameterVisitor =
      std::function<void(const std::string& path, const std::shared_ptr<Parameter>& parameter)>;
  /// Calls `visit(prefix + path, parameter)` for the parameters in order.
  ///
  /// A layer with parameters overrides this, as it does `is_ready` where it matters for speed.
  virtual void visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const;

  /// What the layer is to a chain that runs it together with its neighbours (nn/chain_step.h): for
  /// the library's own layers. Others run by themselves.
  virtual ChainStep chain_step() const;
  /// backward() for a chain that knows the layer's step, and whose its records are.
  virtual Tensor backward_between(const Tensor& output_grad, const LayerRecord& record,
                                  bool need_input_grad, const BackwardPass& pass,
                                  const ChainNeighbours& neighbours);

 private:
  std::string name_;
};

}  // namespace glueball
