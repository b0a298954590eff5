#include "glueball/initializer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>

#include "filled.h"
#include "glueball/error.h"

namespace {

// NOLINTNEXTLINE: a test names much of the namespace.
using namespace glueball;
using testing::filled;

}  // namespace

TEST_CASE("fans count the kernel's elements too") {
  CHECK(fans("w", {256, 20}) == std::pair{20.0, 256.0});
  CHECK(fans("w", {8, 4, 3}) == std::pair{12.0, 24.0});
  CHECK(fans("w", {8, 4, 3, 5}) == std::pair{60.0, 120.0});
  CHECK(fans("w", {8, 4, 3, 5, 2}) == std::pair{120.0, 240.0});
}

TEST_CASE("a vector has no fans, and the message says what to use") {
  Generator rng;
  CHECK_THROWS_WITH_AS(
      Xavier().init_weight("dense0_bias", Tensor({256}), rng),
      "expected a weight (out, in, *kernel) of two or more axes, which has a fan-in and a fan-out, "
      "found 'dense0_bias' of shape (256,); Xavier initializer cannot be applied to vector "
      "dense0_bias. It requires at least 2D. Zero, One, Constant, Uniform, Normal and "
      "TruncatedNormal accept it, or give fan_in= and fan_out=",
      ShapeError);
  CHECK_THROWS_AS(fans("b", {256}), ShapeError);
  CHECK_THROWS_AS(fans("b", Shape{}), ShapeError);
}

TEST_CASE("gains that have a formula") {
  CHECK(gain("linear") == 1.0);
  CHECK(gain("identity") == 1.0);
  CHECK(gain("sigmoid") == 1.0);
  CHECK(gain("snn") == 1.0);
  CHECK(gain("selu") == 0.75);
  CHECK(gain("tanh") == doctest::Approx(5.0 / 3.0).epsilon(1e-15));
  CHECK(gain("relu") == doctest::Approx(std::sqrt(2.0)).epsilon(1e-15));
  CHECK(gain("leaky_relu") == doctest::Approx(std::sqrt(2.0 / 1.0001)).epsilon(1e-15));
  CHECK(gain("leaky_relu", 0.0) == gain("relu"));
  CHECK(gain("leaky_relu", std::sqrt(5.0)) == doctest::Approx(std::sqrt(1.0 / 3.0)).epsilon(1e-15));
}

TEST_CASE("gains by quadrature agree with closed forms") {
  const double pi = 3.14159265358979323846;
  // E[(z Phi(z))^2] = 1/3 + 1/(2 pi sqrt(3)), by Stein's lemma.
  CHECK(gain("gelu") ==
        doctest::Approx(1.0 / std::sqrt(1.0 / 3.0 + 1.0 / (2.0 * pi * std::sqrt(3.0))))
            .epsilon(1e-12));
  // E[elu(z)^2] = 1/2 + a^2 (E[(e^z - 1)^2; z < 0]), with E[e^(t z); z < 0] = e^(t^2/2) Phi(-t).
  const auto phi = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  for (const double alpha : {1.0, 0.3}) {
    const double below = std::exp(2.0) * phi(-2.0) - 2.0 * std::exp(0.5) * phi(-1.0) + 0.5;
    CHECK(gain("elu", alpha) ==
          doctest::Approx(1.0 / std::sqrt(0.5 + alpha * alpha * below)).epsilon(1e-10));
  }
  CHECK(gain("elu") == gain("elu", 1.0));
  CHECK(gain("swish") == gain("silu"));
  CHECK(gain("softrelu") == gain("softplus"));
}

TEST_CASE("an unknown nonlinearity is refused with the list of known ones") {
  try {
    gain("rellu");
    FAIL("gain() accepted it");
  } catch (const ArgumentError& error) {
    const std::string text = error.what();
    CHECK(text.find("found 'rellu'") != std::string::npos);
    CHECK(text.find("leaky_relu, linear") != std::string::npos);
  }
  CHECK_THROWS_AS(gain("leaky_relu", std::nan("")), ArgumentError);
}

TEST_CASE("fans can be given, as numbers or as axes") {
  const Shape shape{256, 20};
  CHECK(VarianceScaling(1.0, Fan::avg, Distribution::normal, {.fan_in = 4.0, .fan_out = 6.0})
            .variance("w", shape) == 1.0 / 5.0);
  CHECK(VarianceScaling(1.0, Fan::in, Distribution::normal, {.in_axes = {0}, .out_axes = {1}})
            .variance("w", shape) == 1.0 / 256.0);
  CHECK(VarianceScaling(1.0, Fan::in, Distribution::normal, {.in_axes = {-3, -1}})
            .variance("w", {2, 3, 5}) == 1.0 / 10.0);
  // A vector has what is needed, once the fan is given.
  CHECK(VarianceScaling(1.0, Fan::in, Distribution::normal, {.fan_in = 4.0}).variance("b", {7}) ==
        0.25);
  CHECK_THROWS_AS(
      VarianceScaling(1.0, Fan::avg, Distribution::normal, {.fan_in = 4.0}).variance("b", {7}),
      ShapeError);
  CHECK_THROWS_WITH_AS(
      VarianceScaling(1.0, Fan::in, Distribution::normal, {.in_axes = {2}}).variance("w", shape),
      "expected a weight that has axis 2, which is in in_axes, found 'w' of shape (256, 20); "
      "correct "
      "in_axes",
      ShapeError);
  CHECK(VarianceScaling().variance("w", {4, 0}) == 0.0);
}

TEST_CASE("convolution weights go by fans with the kernel in them") {
  CHECK(Xavier().variance("w", {8, 4, 3, 3}) == doctest::Approx(1.0 / 54.0));
  CHECK(MSRAPrelu(Fan::in, 0.0).variance("w", {8, 4, 3, 3}) == doctest::Approx(2.0 / 36.0));
}
