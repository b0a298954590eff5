#pragma once

// What the files of the four normalisations share.

#include <cstdint>
#include <limits>
#include <memory>

#include "files/layer_kinds.h"
#include "glueball/norm.h"

namespace glueball {

/// The settings that the four normalisations share; `channels` becomes their parameters' shape.
template <class Settings>
Settings read_norm(LayerReader& in, Shape& channels) {
  Settings settings;
  settings.epsilon = in.number("epsilon", 0.0, std::numeric_limits<double>::max());
  settings.center = in.flag("center");
  settings.scale = in.flag("scale");
  channels = {in.integer("in_channels", 1)};
  return settings;
}

inline void write_norm(const Normalisation& layer, LayerWriter& out) {
  out.number("epsilon", layer.epsilon());
  out.flag("center", layer.beta()->differentiable());
  out.flag("scale", layer.gamma()->differentiable());
  out.integer("in_channels", layer.gamma()->data().size());
}

inline constexpr auto least_axis = -static_cast<std::int64_t>(Shape::max_rank);

/// LayerNorm and InstanceNorm.
template <class L>
void declare_axis_norm(LayerKinds& kinds, const char* name) {
  const auto read = [](LayerReader& in) {
    Shape channels;
    const auto settings = read_norm<Normalisation::Settings>(in, channels);
    const std::int64_t axis = in.integer("axis", least_axis);
    return std::make_shared<L>(in.name(), in.parameter("gamma", channels, settings.scale),
                               in.parameter("beta", channels, settings.center), axis,
                               settings.epsilon);
  };
  const auto write = [](const L& layer, LayerWriter& out) {
    write_norm(layer, out);
    out.integer("axis", layer.axis());
  };
  kinds.add<L>(name, read, write);
}

}  // namespace glueball
