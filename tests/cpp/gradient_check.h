#pragma once

// Gradients against central differences, in float64.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glueball/layer.h"
#include "glueball/random.h"
#include "glueball/tensor.h"

namespace glueball::test {

/// Numbers on [low, high) in float64 (or `dtype`), the same for the same seed.
inline Tensor random_tensor(const Shape& shape, std::uint64_t seed, double low = -1.0,
                            double high = 1.0, Dtype dtype = Dtype::float64) {
  Tensor out(shape, dtype);
  Generator(seed).uniform(out, low, high);
  return out;
}

/// Sum of a[i] * b[i].
inline double dot(const Tensor& a, const Tensor& b) {
  REQUIRE(a.size() == b.size());
  double sum = 0.0;
  for (std::int64_t i = 0; i < a.size(); ++i) sum += a.data<double>()[i] * b.data<double>()[i];
  return sum;
}

/// Largest difference, over the largest number there is.
inline double relative_error(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double difference = 0.0;
  double largest = 1e-12;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const double x = a.data<double>()[i];
    const double y = b.data<double>()[i];
    if (std::isnan(x) || std::isnan(y)) return INFINITY;
    difference = std::max(difference, std::abs(x - y));
    largest = std::max({largest, std::abs(x), std::abs(y)});
  }
  return difference / largest;
}

/// d value() / d x, where value() depends on the numbers in x.
inline Tensor numeric_gradient(const std::function<double()>& value, const Tensor& x) {
  constexpr double step = 1e-5;
  Tensor gradient(x.shape(), Dtype::float64);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    double& element = x.data<double>()[i];
    const double kept = element;
    element = kept + step;
    const double above = value();
    element = kept - step;
    const double below = value();
    element = kept;
    gradient.data<double>()[i] = (above - below) / (2.0 * step);
  }
  return gradient;
}

/// Every parameter of a layer, once, with its path.
inline std::vector<std::pair<std::string, std::shared_ptr<Parameter>>> parameters_of(
    const Layer& layer) {
  std::vector<std::pair<std::string, std::shared_ptr<Parameter>>> all;
  layer.visit_parameters("", [&](const std::string& path, const std::shared_ptr<Parameter>& p) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const auto& entry) { return entry.second == p; });
    if (!known) all.emplace_back(path, p);
  });
  return all;
}

/// Fills every parameter with numbers on [-1, 1), biases too, so that nothing is zero by chance.
inline void initialize_all(const Layer& layer, std::uint64_t seed = 7) {
  for (const auto& [path, parameter] : parameters_of(layer)) {
    parameter->initialize(std::make_shared<Uniform>(1.0), nullptr,
                          Generator(seed, parameter_stream(path, 0)), true);
  }
}

/// Checks the gradients of a layer's input and of all its parameters that have one, for the loss
/// sum(c * output), c random.
inline void check_gradients(Layer& layer, const Tensor& input, double tolerance = 1e-6,
                            const ForwardMode& mode = {}) {
  LayerRecord record;
  const Tensor output = layer.forward(input, mode, &record);
  const Tensor head = random_tensor(output.shape(), 99);
  const auto value = [&] { return dot(head, layer.forward(input, mode, nullptr)); };

  const BackwardPass pass;
  const Tensor input_grad = layer.backward(head, record, true, pass);

  CHECK(relative_error(input_grad, numeric_gradient(value, input)) < tolerance);
  for (const auto& [path, parameter] : parameters_of(layer)) {
    if (parameter->grad_req() == GradReq::null) continue;
    const auto& shown_path = path;  // Clang 14 captures no structured binding.
    CAPTURE(shown_path);
    CHECK(relative_error(parameter->grad(), numeric_gradient(value, parameter->data())) <
          tolerance);
  }
}

}  // namespace glueball::test
