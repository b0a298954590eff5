#include "glueball/initializer.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "filled.h"
#include "glueball/error.h"

namespace {

// NOLINTNEXTLINE: a test names much of the namespace.
using namespace glueball;
using testing::filled;
using testing::values;

}  // namespace

TEST_CASE("Zero, One and Constant") {
  CHECK(values(filled(Zero(), {2, 2})) == std::vector<double>(4, 0.0));
  CHECK(values(filled(One(), {2, 2}, Dtype::float64)) == std::vector<double>(4, 1.0));
  CHECK(values(filled(Constant(0.1), {3}, Dtype::float64)) == std::vector<double>(3, 0.1));
  CHECK(filled(Constant(0.1), {3}).data<float>()[1] == 0.1f);
}

TEST_CASE("Constant broadcasts an array by NumPy's rule") {
  const Tensor row({3}, Dtype::float64);
  const Tensor column({2, 1});
  for (int i = 0; i < 3; ++i) row.data<double>()[i] = i;
  for (int i = 0; i < 2; ++i) column.data<float>()[i] = static_cast<float>(10 * i);

  CHECK(values(filled(Constant(row), {2, 3})) == std::vector<double>{0, 1, 2, 0, 1, 2});
  CHECK(values(filled(Constant(column), {2, 3})) == std::vector<double>{0, 0, 0, 10, 10, 10});
  CHECK(values(filled(Constant(column), {2, 2, 2}, Dtype::float64)) ==
        std::vector<double>{0, 0, 10, 10, 0, 0, 10, 10});
  CHECK(values(filled(Constant(row), {3})) == std::vector<double>{0, 1, 2});

  const Tensor scalar(Shape{}, Dtype::float64);
  scalar.fill(4.0);
  CHECK(values(filled(Constant(scalar), {2, 2})) == std::vector<double>(4, 4.0));
}

TEST_CASE("Constant refuses an array that does not broadcast, and names both shapes") {
  const Tensor row({3});
  CHECK_THROWS_WITH_AS(
      filled(Constant(row), {2, 4}),
      "expected a parameter to which Constant's array of shape (3,) can be broadcast, found "
      "'dense0_weight' of shape (2, 4); give an array whose axes, from the last on, are equal or 1",
      ShapeError);
  CHECK_THROWS_AS(filled(Constant(Tensor({2, 3})), {3}), ShapeError);
  CHECK_THROWS_AS(filled(Constant(Tensor({1, 3})), {3}), ShapeError);
}

TEST_CASE("Identity puts its gain on the diagonal of any matrix") {
  CHECK(values(filled(Identity(), {2, 3})) == std::vector<double>{1, 0, 0, 0, 1, 0});
  CHECK(values(filled(Identity(2.5), {3, 2})) == std::vector<double>{2.5, 0, 0, 2.5, 0, 0});
  CHECK_THROWS_WITH_AS(
      filled(Identity(), {4}),
      "expected a weight of two axes for Identity, found 'dense0_weight' of shape "
      "(4,); use Dirac for the weight of a convolution, Zero or Constant for a bias",
      ShapeError);
}

TEST_CASE("Dirac passes each channel through the middle of its kernel") {
  CHECK(values(filled(Dirac(), {2, 2})) == values(filled(Identity(), {2, 2})));

  // Two groups of two outputs over two inputs: w[2 g + d, d, centre] = 1.
  const std::vector<double> grouped = values(filled(Dirac(2), {4, 2, 3}));
  for (std::size_t o = 0; o < 4; ++o) {
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t k = 0; k < 3; ++k) {
        CHECK(grouped[(o * 2 + i) * 3 + k] == (o % 2 == i && k == 1 ? 1.0 : 0.0));
      }
    }
  }
  // The middle of an even axis is the later one: size // 2.
  const std::vector<double> even = values(filled(Dirac(), {1, 1, 4, 2}));
  CHECK(std::accumulate(even.begin(), even.end(), 0.0) == 1.0);
  CHECK(even[2 * 2 + 1] == 1.0);

  CHECK_THROWS_AS(filled(Dirac(), {4}), ShapeError);
  CHECK_THROWS_AS(filled(Dirac(3), {4, 4, 3}), ShapeError);
  CHECK_THROWS_AS(Dirac(0), ArgumentError);
}

TEST_CASE("Bilinear is the upsampling kernel in its last two axes") {
  const double side[] = {0.25, 0.75, 0.75, 0.25};
  const std::vector<double> kernel = values(filled(Bilinear(), {2, 3, 4, 4}));
  for (std::size_t pair = 0; pair < 6; ++pair) {
    for (std::size_t y = 0; y < 4; ++y) {
      for (std::size_t x = 0; x < 4; ++x) {
        CHECK(kernel[pair * 16 + y * 4 + x] == doctest::Approx(side[y] * side[x]).epsilon(1e-6));
      }
    }
  }
  CHECK_THROWS_AS(filled(Bilinear(), {4, 4}), ShapeError);
}

TEST_CASE("LSTMBias opens the forget gate") {
  CHECK(values(filled(LSTMBias(), {8})) == std::vector<double>{0, 0, 1, 1, 0, 0, 0, 0});
  CHECK(values(filled(LSTMBias(2.0), {4}, Dtype::float64)) == std::vector<double>{0, 2, 0, 0});
  CHECK_THROWS_AS(filled(LSTMBias(), {6}), ShapeError);
  CHECK_THROWS_AS(filled(LSTMBias(), Shape{}), ShapeError);
}
