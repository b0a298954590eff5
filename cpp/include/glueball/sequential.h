#pragma once

#include "glueball/layer.h"

namespace glueball {

/// What a recorded forward of a chain keeps, one entry a layer.
using ChainRecord = std::vector<LayerRecord>;

class InferencePlan;

/// Layers one after the other. The whole chain runs in one call.
class GLUEBALL_API Sequential : public Layer {
 public:
  /// A chain of no layers.
  explicit Sequential(std::string name = "sequential");

  /// Puts `layer` after the last. @throws ArgumentError if it is null, or a chain that this one is
  /// a part of.
  void add(std::shared_ptr<Layer> layer);
  /// Makes a layer and puts it after the last: `net.add<Dense>("dense0", 64)`.
  ///
  /// @throws what the layer's constructor throws.
  template <class NewLayer, class... Arguments>
  std::shared_ptr<NewLayer> add(Arguments&&... arguments) {
    auto layer = std::make_shared<NewLayer>(std::forward<Arguments>(arguments)...);
    add(layer);
    return layer;
  }
  /// The layers, in order.
  const std::vector<std::shared_ptr<Layer>>& layers() const noexcept { return layers_; }

  Shape infer_shape(const Shape& input) override;
  void prepare(const Shape& input) override;
  bool is_ready() const override;

  /// An empty chain returns its input.
  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override;
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override;

  /// Forward that keeps what `backward_chain` needs; nested chains are flattened into `record`.
  ///
  /// What was in the record goes: `input` must not be part of it.
  Tensor forward_chain(const Tensor& input, const ForwardMode& mode, ChainRecord& record);
  /// The first layer's input gradient is not computed unless `need_input_grad`.
  ///
  /// @throws ArgumentError if `record` is not of this net's layers as they are now.
  Tensor backward_chain(const Tensor& output_grad, const ChainRecord& record, bool need_input_grad,
                        const BackwardPass& pass);

  /// Forward without a record, in inference mode.
  Tensor operator()(const Tensor& input) { return forward(input, ForwardMode{}, nullptr); }

  /// Whether a run on an input of that shape takes some ten microseconds at most, starts no
  /// threads, and calls nobody's code: all layers are dense, activations and the like, and
  /// initialized.
  bool is_quick(const Shape& input) const;

  /// The inference forward where it takes some ten microseconds at most, starts no threads, and
  /// calls nobody's code; else an undefined Tensor.
  ///
  /// For callers with a lock that others wait for, such as Python's: to release it costs as much as
  /// a small net.
  Tensor forward_if_quick(const Tensor& input, bool training);
  /// The same into an array of the caller's, as forward_into(); false if nothing was computed.
  bool forward_into_if_quick(const Tensor& input, const Tensor& output, bool training);

  /// Forward between arrays that the caller keeps, in inference mode: for loops with a deadline.
  ///
  /// Takes nothing from the system's allocator after this thread's first call with the same shapes.
  /// Tensor::borrow() makes the arrays from the caller's memory; they may not overlap.
  /// @throws InputError unless `output` is like what the net computes; as forward().
  void forward_into(const Tensor& input, const Tensor& output);

  /// Of each layer in order, below its number: "0.weight".
  void visit_parameters(const std::string& prefix, const ParameterVisitor& visit) const override;

  /// Every parameter once, at its first place, with its structural path.
  std::vector<std::pair<std::string, std::shared_ptr<Parameter>>> collect_parameters() const;

  /// Initializes every parameter, or plans it, from streams of `seed`; `init` null is
  /// Uniform(0.07).
  void initialize(std::shared_ptr<const Initializer> init = nullptr, std::uint64_t seed = 0,
                  bool force = false);

 private:
  /// Visits the layers inside, nested chains taken apart, in order and without recursion.
  template <class Visit>
  void each_leaf(Visit&& visit) const;
  bool contains(const Sequential& chain) const;
  std::vector<Layer*> leaves() const;

  std::vector<std::shared_ptr<Layer>> layers_;
  // Entry i: layers_[i] if it is a Sequential and no subclass, which may compute something else.
  std::vector<Sequential*> nested_;
  bool has_nested_ = false;
  std::shared_ptr<InferencePlan> inference_;
};

}  // namespace glueball
