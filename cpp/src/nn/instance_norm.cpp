#include "glueball/instance_norm.h"

#include <utility>

#include "core/refuse.h"
#include "nn/layer_support.h"

namespace glueball {

InstanceNorm::InstanceNorm(std::string name, std::int64_t axis, const Settings& settings)
    : Normalisation(std::move(name), settings), axis_(axis) {}

InstanceNorm::InstanceNorm(std::string name, std::shared_ptr<Parameter> gamma,
                           std::shared_ptr<Parameter> beta, std::int64_t axis, double epsilon)
    : Normalisation(std::move(name), std::move(gamma), std::move(beta), epsilon), axis_(axis) {}

Shape InstanceNorm::infer_shape(const Shape& input) {
  check_axes(input);
  return Normalisation::infer_shape(input);
}

void InstanceNorm::check_axes(const Shape& input) const {
  if (axis_of(input) == 0 || input.rank() < 3) {
    refuse<ShapeError>(
        {"an input with an axis besides batch and channels (axis ", axis_, ") for '", name(), "'"},
        {"the shape ", input}, {"use LayerNorm over features"});
  }
}

Normalisation::Layout InstanceNorm::layout(const Shape& input) const {
  check_axes(input);
  const std::size_t axis = axis_of(input);
  const std::int64_t before = product(input, 1, axis);
  const std::int64_t after = product(input, axis + 1, input.rank());
  Layout seen{
      .samples = input[0], .channels = input[axis], .span = before * after, .groups = input[axis]};
  if (before > 1) {
    seen.outer = input[0];
    seen.before = before;
    seen.after = seen.channels;
    seen.inner = after;
  }
  return seen;
}

}  // namespace glueball
