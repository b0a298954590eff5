#include "glueball/trainer.h"

#include <utility>

#include "core/refuse.h"

namespace glueball {

Trainer::Trainer(ParameterList parameters, Optimizer optimizer)
    : parameters_(std::move(parameters)),
      optimizer_(std::move(optimizer)),
      scale_(optimizer_.settings().rescale_grad) {}

void Trainer::step(std::int64_t batch_size, bool ignore_stale) {
  if (batch_size < 1) {
    refuse<ArgumentError>({"a batch size of at least 1"}, {batch_size},
                          {"pass the number of samples that the gradients are sums over"});
  }
  optimizer_.update_rescaled(parameters_.all(), scale_ / static_cast<double>(batch_size),
                             ignore_stale);
}

}  // namespace glueball
