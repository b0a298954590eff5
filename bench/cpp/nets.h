#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

/// The nets of bench/cases.py, and numbers to run them with.
namespace bench {

struct Net {
  std::string name;
  std::vector<std::int64_t> sizes;  ///< of the input and of each layer's output
  std::int64_t batch;

  std::size_t layers() const { return sizes.size() - 1; }
};

inline const std::vector<Net>& nets() {
  static const std::vector<Net> all = {
      {"tiny", {3, 5, 2}, 2},
      {"rl", {4, 64, 64, 2}, 1},
      {"seed", {20, 256, 10}, 2},
      {"mnist", {784, 256, 10}, 256},
      {"mid", {256, 512, 512, 256}, 64},
      {"big", {1024, 4096, 4096, 1000}, 256},
  };
  return all;
}

/// As in bench/cases.py, for its reasons.
constexpr float timed_rate = 1e-6F;
constexpr float checked_rate = 0.1F;
constexpr float momentum = 0.9F;

/// `count` numbers of mean 0 and standard deviation `sigma`, the same for the same seed.
///
/// Uniform, and from the simplest of engines: 'big' needs 25 million, again for each measurement.
inline std::vector<float> numbers(std::int64_t count, float sigma, unsigned seed) {
  std::minstd_rand engine(seed);
  const float bound = sigma * std::sqrt(3.0F);
  const float scale = 2.0F * bound / static_cast<float>(std::minstd_rand::max());
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& each : values) each = static_cast<float>(engine()) * scale - bound;
  return values;
}

/// Inputs (batch, features), row by row.
inline std::vector<float> inputs(const Net& net) {
  return numbers(net.batch * net.sizes.front(), 1.0F, 2);
}

/// A class number for each sample.
inline std::vector<std::int64_t> labels(const Net& net) {
  std::minstd_rand engine(3);
  std::uniform_int_distribution<std::int64_t> draw(0, net.sizes.back() - 1);
  std::vector<std::int64_t> values(static_cast<std::size_t>(net.batch));
  for (std::int64_t& each : values) each = draw(engine);
  return values;
}

/// The weight (units, in_units) of layer `i`, row by row.
inline std::vector<float> weight(const Net& net, std::size_t i) {
  const auto width = static_cast<float>(net.sizes[i]);
  return numbers(net.sizes[i] * net.sizes[i + 1], std::sqrt(2.0F / width),
                 static_cast<unsigned>(10 + i));
}

/// The bias (units,) of layer `i`.
inline std::vector<float> bias(const Net& net, std::size_t i) {
  return numbers(net.sizes[i + 1], 0.1F, static_cast<unsigned>(20 + i));
}

}  // namespace bench
