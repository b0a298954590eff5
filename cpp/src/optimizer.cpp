#include "glueball/optimizer.h"

#include <cmath>
#include <string>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "kernels/table.h"

namespace glueball {
namespace {

constexpr std::int64_t grain = 1 << 16;

struct Rates {
  double learning_rate;
  double weight_decay;
  double rescale;
  double clip;
  double momentum;
};

/// `state` may be undefined: no momentum.
template <class T>
void run_sgd(const Tensor& weight, const Tensor& grad, const Tensor& state, const Rates& rates) {
  const auto kernel = kernels::table<T>().sgd;
  T* w = weight.data<T>();
  const T* g = grad.data<T>();
  T* m = state.data<T>();
  parallel_for(weight.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    kernel(w + begin, g + begin, m == nullptr ? nullptr : m + begin, end - begin,
           rates.learning_rate, rates.weight_decay, rates.rescale, rates.clip, rates.momentum);
  });
}

}  // namespace

Optimizer::Optimizer(const Settings& settings) : settings_(settings) {}

void Optimizer::update(const std::vector<std::shared_ptr<Parameter>>& parameters,
                       bool ignore_stale) {
  // All are looked at before one is changed: half an update would be worse than none.
  for (const auto& parameter : parameters) {
    if (parameter->grad_req() != GradReq::null) (void)parameter->data();
  }
  for (const auto& parameter : parameters) {
    if (parameter->grad_req() == GradReq::null) continue;
    if (ignore_stale && !parameter->grad_is_fresh()) continue;
    update_one(*parameter, settings_.learning_rate * parameter->lr_mult(),
               settings_.weight_decay * parameter->wd_mult());
    parameter->mark_stale();
  }
}

SGD::SGD(const Settings& settings, double momentum) : Optimizer(settings), momentum_(momentum) {
  if (momentum >= 0.0 && std::isfinite(momentum)) return;
  throw ArgumentError({"a momentum of 0 or more", std::to_string(momentum),
                       "0 is plain gradient descent, 0.9 is usual"});
}

Tensor SGD::state(const Parameter& parameter) const {
  const auto found = states_.find(parameter.id());
  return found == states_.end() ? Tensor() : found->second;
}

void SGD::set_state(const Parameter& parameter, const Tensor& momentum) {
  if (!parameter.shape() || momentum.shape() != *parameter.shape()) {
    throw ShapeError(
        Explanation{"a momentum of the shape of Parameter '" + parameter.name() + "', " +
                        (parameter.shape() ? to_string(*parameter.shape()) : "None"),
                    to_string(momentum.shape()), "load the states that were saved with this net"});
  }
  states_[parameter.id()] =
      momentum.dtype() == parameter.dtype() ? momentum : momentum.cast(parameter.dtype());
}

void SGD::update_one(Parameter& parameter, double learning_rate, double weight_decay) {
  const Tensor& weight = parameter.data();
  Tensor state;
  if (momentum_ != 0.0) {
    Tensor& kept = states_[parameter.id()];
    // A parameter that was initialized anew with another shape starts anew; one that was cast goes
    // on.
    if (!kept.defined() || kept.shape() != weight.shape()) {
      kept = Tensor(weight.shape(), weight.dtype());
    } else if (kept.dtype() != weight.dtype()) {
      kept = kept.cast(weight.dtype());
    }
    state = kept;
  }
  const Settings& common = settings();
  const Rates rates{learning_rate, weight_decay, common.rescale_grad, common.clip_gradient,
                    momentum_};
  if (weight.dtype() == Dtype::float32) {
    run_sgd<float>(weight, parameter.grad(), state, rates);
  } else {
    run_sgd<double>(weight, parameter.grad(), state, rates);
  }
}

}  // namespace glueball
