#include "glueball/group_norm.h"

#include <utility>

#include "core/refuse.h"
#include "nn/layer_support.h"

namespace glueball {

GroupNorm::GroupNorm(std::string name, std::int64_t groups, const Settings& settings)
    : Normalisation(std::move(name), settings), groups_(groups) {
  check_groups();
}

GroupNorm::GroupNorm(std::string name, std::shared_ptr<Parameter> gamma,
                     std::shared_ptr<Parameter> beta, std::int64_t groups, double epsilon)
    : Normalisation(std::move(name), std::move(gamma), std::move(beta), epsilon), groups_(groups) {
  check_groups();
}

void GroupNorm::check_groups() const {
  if (groups_ < 1) {
    refuse<ArgumentError>({"one group of channels or more for '", name(), "'"}, {groups_},
                          {"give the number of groups"});
  }
  if (const std::int64_t channels = (*gamma()->shape())[0]; channels != Shape::unknown) {
    GroupNorm::check_channels(channels);  // the constructor comes here too
  }
}

void GroupNorm::check_channels(std::int64_t channels) const {
  if (channels % groups_ == 0) return;
  refuse<ArgumentError>(
      {"a number of channels that ", groups_, " groups can share equally in '", name(), "'"},
      {channels}, {"choose a number of groups that divides it"});
}

Normalisation::Layout GroupNorm::layout(const Shape& input) const {
  const std::size_t axis = axis_of(input);
  return {.samples = input[0],
          .channels = input[axis],
          .span = product(input, axis + 1, input.rank()),
          .groups = groups_};
}

}  // namespace glueball
