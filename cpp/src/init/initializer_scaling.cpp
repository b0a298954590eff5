#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "core/refuse.h"
#include "core/setting.h"
#include "glueball/initializer.h"
#include "init/initializer_support.h"

namespace glueball {
namespace {

ShapeError no_fans(const std::string& label, std::string_view name, const Shape& shape) {
  // Gluon's users search for the sentence in the remedy.
  return ShapeError(
      {.expected =
           "a weight (out, in, *kernel) of two or more axes, which has a fan-in and a fan-out",
       .found = "'" + std::string(name) + "' of shape " + to_string(shape),
       .remedy = label + " initializer cannot be applied to vector " + std::string(name) +
                 ". It requires at least 2D. Zero, One, Constant, Uniform, Normal and "
                 "TruncatedNormal accept it, or give fan_in= and fan_out="});
}

std::pair<double, double> fans_of(const std::string& label, std::string_view name,
                                  const Shape& shape) {
  if (shape.rank() < 2) throw no_fans(label, name, shape);
  // Each element of a kernel is one more connection, in both directions.
  double kernel = 1.0;
  for (std::size_t axis = 2; axis < shape.rank(); ++axis) {
    kernel *= static_cast<double>(shape[axis]);
  }
  return {static_cast<double>(shape[1]) * kernel, static_cast<double>(shape[0]) * kernel};
}

// The product of the lengths of `axes`, which may be negative as in Python.
double product_over(const std::vector<std::int64_t>& axes, const char* setting,
                    std::string_view name, const Shape& shape) {
  const auto rank = static_cast<std::int64_t>(shape.rank());
  double product = 1.0;
  for (const std::int64_t axis : axes) {
    if (axis < -rank || axis >= rank) {
      refuse<ShapeError>({"a weight that has axis ", axis, ", which is in ", setting},
                         {"'", name, "' of shape ", shape}, {"correct ", setting});
    }
    product *= static_cast<double>(shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)]);
  }
  return product;
}

void check_fan(const std::optional<double>& fan, const char* setting) {
  if (fan && !(*fan > 0.0 && fits_float32(*fan))) {
    refuse<ArgumentError>({setting, " to be a positive number"}, {*fan},
                          {"leave it out to have it taken from the shape"});
  }
}

// 1 / sqrt(E[f(z)^2]) for z from N(0, 1), by Simpson's rule. The kinks of these functions are
// at 0, which is a node between two of the rule's pairs of steps.
template <class Function>
double gain_by_quadrature(const Function& f) {
  constexpr int steps = 4800;
  constexpr double end = 12.0;  // the density beyond is below 1e-31
  constexpr double step = 2.0 * end / steps;
  double mass = 0.0;
  double sum = 0.0;
  for (int i = 0; i <= steps; ++i) {
    const double z = step * (i - steps / 2);
    const double weight = (i == 0 || i == steps ? 1.0
                           : i % 2 == 1         ? 4.0
                                                : 2.0) *
                          std::exp(-0.5 * z * z);
    const double value = f(z);
    mass += weight;
    sum += weight * value * value;
  }
  return std::sqrt(mass / sum);
}

double softplus(double z) { return std::fmax(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

double elu_gain(double alpha) {
  return gain_by_quadrature([=](double z) { return z > 0.0 ? z : alpha * std::expm1(z); });
}

}  // namespace

std::pair<double, double> fans(std::string_view name, const Shape& shape) {
  return fans_of("A fan-based", name, shape);
}

double gain(std::string_view nonlinearity, std::optional<double> param) {
  if (param && !fits_float32(*param)) {
    refuse<ArgumentError>({"a finite param for gain('", nonlinearity, "')"}, {*param},
                          {"for leaky_relu it is the slope below 0"});
  }
  struct Known {
    std::string_view name;
    double gain;
  };
  static const double of_gelu =
      gain_by_quadrature([](double z) { return 0.5 * z * std::erfc(-z / std::sqrt(2.0)); });
  static const double of_silu =
      gain_by_quadrature([](double z) { return z / (1.0 + std::exp(-z)); });
  static const double of_softplus = gain_by_quadrature(softplus);
  static const std::array known{
      Known{"linear", 1.0},
      Known{"identity", 1.0},
      Known{"conv1d", 1.0},
      Known{"conv2d", 1.0},
      Known{"conv3d", 1.0},
      Known{"conv_transpose1d", 1.0},
      Known{"conv_transpose2d", 1.0},
      Known{"conv_transpose3d", 1.0},
      Known{"sigmoid", 1.0},
      Known{"snn", 1.0},
      Known{"tanh", 5.0 / 3.0},
      Known{"relu", std::sqrt(2.0)},
      Known{"selu", 0.75},
      Known{"gelu", of_gelu},
      Known{"silu", of_silu},
      Known{"swish", of_silu},
      Known{"elu", elu_gain(1.0)},
      Known{"softplus", of_softplus},
      Known{"softrelu", of_softplus},
      Known{"softsign", gain_by_quadrature([](double z) { return z / (1.0 + std::abs(z)); })},
      Known{"mish", gain_by_quadrature([](double z) { return z * std::tanh(softplus(z)); })},
  };

  if (nonlinearity == "leaky_relu") {
    const double slope = param.value_or(0.01);
    return std::sqrt(2.0 / (1.0 + slope * slope));
  }
  if (nonlinearity == "elu" && param) return elu_gain(*param);
  for (const Known& entry : known) {
    if (entry.name == nonlinearity) return entry.gain;
  }
  std::string names = "leaky_relu";
  for (const Known& entry : known) names += ", " + std::string(entry.name);
  refuse<ArgumentError>({"a nonlinearity whose gain is known: ", names}, {"'", nonlinearity, "'"},
                        {"give the number itself, as scale= or gain="});
}

VarianceScaling::VarianceScaling(double scale, Fan mode, Distribution distribution,
                                 FanSettings fan_settings)
    : scale_(scale),
      mode_(mode),
      distribution_(distribution),
      fan_settings_(std::move(fan_settings)) {
  if (!(scale >= 0.0) || !fits_float32(scale)) {
    refuse<ArgumentError>({"a scale of the variance that is finite and not negative"}, {scale},
                          {"the variance of the weight is scale / fan"});
  }
  check_fan(fan_settings_.fan_in, "fan_in");
  check_fan(fan_settings_.fan_out, "fan_out");
}

double VarianceScaling::variance(std::string_view name, const Shape& shape) const {
  const FanSettings& given = fan_settings_;
  const bool by_axes = !given.in_axes.empty() || !given.out_axes.empty();
  // Only the fans that the mode needs are looked for: a vector with fan_in= has all that Fan::in
  // asks.
  const auto fan_in = [&] {
    if (given.fan_in) return *given.fan_in;
    if (by_axes) return product_over(given.in_axes, "in_axes", name, shape);
    return fans_of(label_, name, shape).first;
  };
  const auto fan_out = [&] {
    if (given.fan_out) return *given.fan_out;
    if (by_axes) return product_over(given.out_axes, "out_axes", name, shape);
    return fans_of(label_, name, shape).second;
  };
  double fan = 0.0;
  switch (mode_) {
    case Fan::in:
      fan = fan_in();
      break;
    case Fan::out:
      fan = fan_out();
      break;
    case Fan::avg:
      fan = 0.5 * (fan_in() + fan_out());
      break;
    case Fan::geo:
      fan = std::sqrt(fan_in() * fan_out());
      break;
  }
  return fan > 0.0 ? scale_ / fan : 0.0;
}

void VarianceScaling::init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  const double deviation = std::sqrt(variance(desc.name, desc.whole.value_or(out.shape())));
  switch (distribution_) {
    case Distribution::uniform: {
      const double limit = std::sqrt(3.0) * deviation;
      rng.uniform(out, -limit, limit);
      break;
    }
    case Distribution::normal:
      rng.normal(out, 0.0, deviation);
      break;
    case Distribution::truncated_normal: {
      static const double cut = cut_normal_deviation(-2.0, 2.0);
      const double sigma = deviation / cut;
      if (sigma == 0.0) {
        out.fill(0.0);
      } else {
        rng.truncated_normal(out, 0.0, sigma, -2.0 * sigma, 2.0 * sigma);
      }
      break;
    }
  }
}

// Gluon's s is the uniform's limit, of variance s^2 / 3, but the normal's standard deviation.
Xavier::Xavier(Distribution rnd_type, Fan factor_type, double magnitude, FanSettings fan_settings)
    : VarianceScaling(rnd_type == Distribution::uniform ? magnitude / 3.0 : magnitude, factor_type,
                      rnd_type, std::move(fan_settings)) {
  label_ = "Xavier";
}

MSRAPrelu::MSRAPrelu(Fan factor_type, double slope, FanSettings fan_settings)
    : VarianceScaling(2.0 / (1.0 + slope * slope), factor_type, Distribution::normal,
                      std::move(fan_settings)) {
  label_ = "MSRAPrelu";
}

}  // namespace glueball
