#pragma once

#include "glueball/optimizer.h"
#include "glueball/parameter_list.h"

namespace glueball {

/// Steps an optimizer over a net's parameters, as Gluon's Trainer does.
///
///     Trainer trainer(ParameterList(net), Optimizer("adam"));
///     for (...) {
///       ChainRecord record;
///       const Tensor scores = net.forward_chain(inputs, training, record);
///       const LossRecord loss = softmax_cross_entropy(scores, labels);
///       net.backward_chain(softmax_cross_entropy_backward(loss, labels), record, false, {});
///       trainer.step(batch_size);
///     }
///
/// Any thread may step at any time: steps of one Trainer run one after the other.
class GLUEBALL_API Trainer {
 public:
  /// Keeps a copy of the optimizer, and references to the parameters, which need not have values
  /// yet.
  Trainer(ParameterList parameters, Optimizer optimizer);

  /// One update of every parameter whose grad_req is not null, by gradients of a sum over
  /// `batch_size` samples: they are divided by it.
  ///
  /// With `ignore_stale`, parameters whose gradient no backward wrote since the last step stay as
  /// they are.
  /// @throws ArgumentError if batch_size is less than 1; as Optimizer::update().
  void step(std::int64_t batch_size, bool ignore_stale = false);

  /// What the learning rate is: a schedule sets it between steps.
  double learning_rate() const { return optimizer_.learning_rate(); }
  /// From the next step on.
  void set_learning_rate(double rate) { optimizer_.set_learning_rate(rate); }

  /// The optimizer, with its states; `step` sets its rescale_grad.
  Optimizer& optimizer() noexcept { return optimizer_; }
  /// What is trained.
  const ParameterList& parameters() const noexcept { return parameters_; }

 private:
  ParameterList parameters_;
  Optimizer optimizer_;
  double scale_;  // rescale_grad as it was given
};

}  // namespace glueball
