#include "glueball/layer_norm.h"

#include <utility>

#include "nn/layer_support.h"

namespace glueball {

LayerNorm::LayerNorm(std::string name, std::int64_t axis, const Settings& settings)
    : Normalisation(std::move(name), settings), axis_(axis) {}

LayerNorm::LayerNorm(std::string name, std::shared_ptr<Parameter> gamma,
                     std::shared_ptr<Parameter> beta, std::int64_t axis, double epsilon)
    : Normalisation(std::move(name), std::move(gamma), std::move(beta), epsilon), axis_(axis) {}

Normalisation::Layout LayerNorm::layout(const Shape& input) const {
  const std::size_t axis = axis_of(input);
  const std::int64_t before = product(input, 0, axis);
  const std::int64_t after = product(input, axis + 1, input.rank());
  Layout seen{.samples = before * after, .channels = input[axis], .span = 1, .groups = 1};
  if (after > 1) {
    seen.outer = before;
    seen.before = seen.channels;
    seen.after = after;
    seen.inner = 1;
  }
  return seen;
}

}  // namespace glueball
