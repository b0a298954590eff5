#include "glueball/initializer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "filled.h"
#include "glueball/error.h"

namespace {

// NOLINTNEXTLINE: a test names much of the namespace.
using namespace glueball;
using testing::filled;
using testing::values;

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Moments {
  double mean, deviation, largest;  // largest absolute value
};

Moments moments(const Tensor& tensor) {
  const std::vector<double> x = values(tensor);
  const auto n = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double squares = 0.0;
  double largest = 0.0;
  for (const double v : x) {
    squares += (v - mean) * (v - mean);
    largest = std::max(largest, std::abs(v));
  }
  return {mean, std::sqrt(squares / n), largest};
}

}  // namespace

TEST_CASE("standard deviations and bounds of a (256, 20) weight") {
  struct Case {
    const char* name;
    std::shared_ptr<const Initializer> initializer;
    double bound;  // infinity: none
    double deviation;
  };
  using Distribution::normal;
  using Distribution::truncated_normal;
  using Distribution::uniform;
  const std::vector<Case> cases = {
      {"Uniform", std::make_shared<Uniform>(), 0.07, 0.07 / std::sqrt(3.0)},
      {"Uniform low high", std::make_shared<Uniform>(-0.5, 0.5), 0.5, std::sqrt(1.0 / 12.0)},
      {"Normal", std::make_shared<Normal>(), infinity, 0.01},
      {"Xavier", std::make_shared<Xavier>(), std::sqrt(3.0 / 138), std::sqrt(1.0 / 138)},
      {"Xavier gaussian", std::make_shared<Xavier>(normal), infinity, std::sqrt(3.0 / 138)},
      {"Xavier in", std::make_shared<Xavier>(uniform, Fan::in, 2.34), std::sqrt(2.34 / 20),
       std::sqrt(0.78 / 20)},
      {"Xavier out", std::make_shared<Xavier>(uniform, Fan::out), std::sqrt(3.0 / 256),
       std::sqrt(1.0 / 256)},
      {"MSRAPrelu", std::make_shared<MSRAPrelu>(), infinity, std::sqrt(2.0 / 1.0625 / 138)},
      {"He normal, cut", std::make_shared<VarianceScaling>(2.0, Fan::in, truncated_normal),
       0.719005, 0.316228},
      {"LeCun, cut", std::make_shared<VarianceScaling>(),
       2.0 * std::sqrt(0.05) / 0.8796256610342398, std::sqrt(0.05)},
      {"geo", std::make_shared<VarianceScaling>(1.0, Fan::geo, normal), infinity, 0.118218},
      {"TruncatedNormal", std::make_shared<TruncatedNormal>(0.05), 0.1, 0.05 * 0.8796256610342398},
      {"corrected", std::make_shared<TruncatedNormal>(0.05, 0.0, -1.0, 1.0, Cut::sigma, true),
       0.05 / 0.539560, 0.05},
      {"corrected by value",
       std::make_shared<TruncatedNormal>(0.4, 0.0, -1.0, 1.0, Cut::value, true), 1.0, 0.4},
      {"cuts that cut nothing", std::make_shared<TruncatedNormal>(0.02, 0.0, -2.0, 2.0, Cut::value),
       2.0, 0.02},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Tensor out({256, 20}, Dtype::float64);
    Generator rng(42);
    c.initializer->init_weight("dense0_weight", out, rng);
    const Moments m = moments(out);
    const auto n = static_cast<double>(out.size());
    CHECK(m.largest <= c.bound * 1.000001);
    // Five standard errors; the variance of z^2 is at most 2 sigma^4 for all of these.
    CHECK(std::abs(m.mean) < 5.0 * c.deviation / std::sqrt(n));
    CHECK(std::abs(m.deviation / c.deviation - 1.0) < 5.0 * std::sqrt(2.0 / n) / 2.0);
  }
}

TEST_CASE("low, high and mean are where they were asked to be") {
  CHECK(moments(filled(Normal(0.1, 3.0), {100, 100})).mean == doctest::Approx(3.0).epsilon(0.002));
  const std::vector<double> x = values(filled(Uniform(2.0, 3.0), {100, 100}));
  CHECK(*std::min_element(x.begin(), x.end()) >= 2.0);
  CHECK(*std::max_element(x.begin(), x.end()) < 3.0);
  // Cuts in sigmas are around the mean.
  const std::vector<double> y = values(filled(TruncatedNormal(0.5, 10.0, -1.0, 3.0), {100, 100}));
  CHECK(*std::min_element(y.begin(), y.end()) >= 9.5);
  CHECK(*std::max_element(y.begin(), y.end()) <= 11.5);
  CHECK(*std::max_element(y.begin(), y.end()) > 11.0);
}

TEST_CASE("sigma 0 is the mean") {
  CHECK(values(filled(Normal(0.0, 2.0), {2})) == std::vector<double>{2, 2});
  CHECK(values(filled(TruncatedNormal(0.0, 2.0), {2})) == std::vector<double>{2, 2});
  CHECK(values(filled(Uniform(0.0), {2})) == std::vector<double>{0, 0});
  CHECK(values(filled(VarianceScaling(0.0), {2, 2})) == std::vector<double>(4, 0.0));
}

TEST_CASE("settings that make no sense are refused when the initializer is made") {
  CHECK_THROWS_WITH_AS(Uniform(-0.1),
                       "expected a scale that is finite and not negative for Uniform, found "
                       "scale=-0.1; draws are from [-scale, scale); or give low= and high=",
                       ArgumentError);
  CHECK_THROWS_WITH_AS(Normal(-1.0),
                       "expected a sigma that is finite and not negative for Normal, found "
                       "sigma=-1; sigma is the standard deviation, not the variance",
                       ArgumentError);
  CHECK_THROWS_AS(Uniform(1.0, 0.0), ArgumentError);
  CHECK_THROWS_AS(Uniform(std::nan("")), ArgumentError);
  CHECK_THROWS_AS(Normal(1.0, infinity), ArgumentError);
  CHECK_THROWS_AS(TruncatedNormal(1.0, 0.0, 2.0, -2.0), ArgumentError);
  CHECK_THROWS_AS(TruncatedNormal(1.0, 0.0, -1.0, 1.0, Cut::value, true), ArgumentError);
  CHECK_THROWS_AS(Sparse(1.5), ArgumentError);
  CHECK_THROWS_AS(Sparse(0.5, -1.0), ArgumentError);
  CHECK_THROWS_AS(VarianceScaling(-1.0), ArgumentError);
  CHECK_THROWS_AS(Xavier(Distribution::uniform, Fan::avg, std::nan("")), ArgumentError);
  CHECK_THROWS_AS(VarianceScaling(1.0, Fan::in, Distribution::normal, {.fan_in = 0.0}),
                  ArgumentError);
  CHECK_THROWS_AS(Orthogonal(1.0, Distribution::truncated_normal), ArgumentError);
  CHECK_THROWS_AS(Orthogonal{infinity}, ArgumentError);
}

TEST_CASE("Sparse has ceil(sparsity * length) zeros in each line, in other places") {
  for (const SparseAxis per : {SparseAxis::column, SparseAxis::row}) {
    const Tensor out = filled(Sparse(0.3, 1.0, per), {50, 40});
    const std::int64_t lines = per == SparseAxis::column ? 40 : 50;
    const std::int64_t length = 2000 / lines;
    const auto expected = static_cast<int>(std::ceil(0.3 * static_cast<double>(length)));
    std::vector<int> zeros_at(static_cast<std::size_t>(length));
    for (std::int64_t line = 0; line < lines; ++line) {
      int zeros = 0;
      for (std::int64_t i = 0; i < length; ++i) {
        const std::int64_t at = per == SparseAxis::column ? i * 40 + line : line * 40 + i;
        if (out.data<float>()[at] == 0.0f) {
          ++zeros;
          ++zeros_at[static_cast<std::size_t>(i)];
        }
      }
      CHECK(zeros == expected);
    }
    // Each place gets its share: none is left out, none is always chosen.
    CHECK(*std::min_element(zeros_at.begin(), zeros_at.end()) > 0);
    CHECK(*std::max_element(zeros_at.begin(), zeros_at.end()) < lines);
  }
  CHECK(values(filled(Sparse(1.0), {3, 3})) == std::vector<double>(9, 0.0));
  CHECK_THROWS_AS(filled(Sparse(0.1), {9}), ShapeError);
}
