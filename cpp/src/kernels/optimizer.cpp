#include <cstddef>

#include "kernels/table.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

/// The settings in the arrays' own type, so that the loop does not convert.
template <class T>
struct Rates {
  T learning_rate;
  T weight_decay;
  T rescale;
  T clip;
  T momentum;
};

/// One pass over memory; what is off costs nothing, as it is decided at compile time.
template <bool clips, bool has_momentum, class T>
void sgd_loop(T* __restrict weight, const T* __restrict grad, T* __restrict state, Index count,
              const Rates<T>& rates) {
  for (Index i = 0; i < count; ++i) {
    T g = rates.rescale * grad[i];
    if constexpr (clips) {
      // Comparisons that are false for NaN, so that NaN stays visible.
      g = g > rates.clip ? rates.clip : g;
      g = g < -rates.clip ? -rates.clip : g;
    }
    g += rates.weight_decay * weight[i];
    if constexpr (has_momentum) {
      state[i] = rates.momentum * state[i] - rates.learning_rate * g;
      weight[i] += state[i];
    } else {
      weight[i] -= rates.learning_rate * g;
    }
  }
}

}  // namespace

template <class T>
void sgd(T* weight, const T* grad, T* momentum_state, Index count, double learning_rate,
         double weight_decay, double rescale, double clip, double momentum) {
  const Rates<T> rates{static_cast<T>(learning_rate), static_cast<T>(weight_decay),
                       static_cast<T>(rescale), static_cast<T>(clip), static_cast<T>(momentum)};
  const bool has_momentum = momentum_state != nullptr;
  if (clip > 0.0) {
    if (has_momentum) return sgd_loop<true, true>(weight, grad, momentum_state, count, rates);
    return sgd_loop<true, false>(weight, grad, momentum_state, count, rates);
  }
  if (has_momentum) return sgd_loop<false, true>(weight, grad, momentum_state, count, rates);
  return sgd_loop<false, false>(weight, grad, momentum_state, count, rates);
}

template void sgd(float*, const float*, float*, Index, double, double, double, double, double);
template void sgd(double*, const double*, double*, Index, double, double, double, double, double);

}  // namespace glueball::kernels::GLUEBALL_TARGET
