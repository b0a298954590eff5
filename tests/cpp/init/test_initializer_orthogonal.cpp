#include "glueball/initializer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "filled.h"
#include "glueball/error.h"
#include "glueball/parallel.h"

namespace {

// NOLINTNEXTLINE: a test names much of the namespace.
using namespace glueball;
using testing::filled;
using testing::same_bits;
using testing::values;

// Whether the rows (or, if there are more of them, the columns) of the flattened array are
// orthogonal, each of length `scale`.
double worst_product(const Tensor& tensor, double scale) {
  const std::vector<double> a = values(tensor);
  const std::int64_t rows = tensor.shape()[0];
  const std::int64_t columns = tensor.size() / rows;
  const bool by_row = rows <= columns;
  const std::int64_t lines = by_row ? rows : columns;
  const std::int64_t length = by_row ? columns : rows;
  const auto at = [&](std::int64_t line, std::int64_t i) {
    return a[static_cast<std::size_t>(by_row ? line * columns + i : i * columns + line)];
  };
  double worst = 0.0;
  for (std::int64_t p = 0; p < lines; ++p) {
    for (std::int64_t q = 0; q < lines; ++q) {
      double product = 0.0;
      for (std::int64_t i = 0; i < length; ++i) product += at(p, i) * at(q, i);
      worst = std::max(worst, std::abs(product - (p == q ? scale * scale : 0.0)));
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("Orthogonal has orthonormal rows or columns, times its scale") {
  for (const OrthogonalMethod method : {OrthogonalMethod::svd, OrthogonalMethod::qr}) {
    for (const Distribution rand : {Distribution::uniform, Distribution::normal}) {
      for (const Shape& shape : {Shape{20, 20}, Shape{30, 7}, Shape{7, 30}, Shape{6, 4, 3, 3},
                                 Shape{64, 2, 2}, Shape{1, 9}, Shape{9, 1}, Shape{1, 1}}) {
        CAPTURE(to_string(shape));
        CHECK(worst_product(filled(Orthogonal(1.414, rand, method), shape, Dtype::float64), 1.414) <
              1e-12);
        CHECK(worst_product(filled(Orthogonal(1.0, rand, method), shape), 1.0) < 1e-5);
      }
    }
  }
  CHECK_THROWS_WITH_AS(
      filled(Orthogonal(), {4}),
      "expected a weight of two or more axes for Orthogonal, found 'dense0_weight' of "
      "shape (4,); use Zero or Constant for a bias",
      ShapeError);
}

TEST_CASE("Orthogonal of many blocks and groups is orthonormal to float64's precision") {
  // On both sides of a block of 32 reflections, of a group of 64 columns, and of tiles.
  for (const Shape& shape :
       {Shape{31, 31}, Shape{33, 32}, Shape{65, 64}, Shape{64, 200}, Shape{203, 131}}) {
    CAPTURE(to_string(shape));
    const Tensor q = filled(Orthogonal(1.0, Distribution::normal), shape, Dtype::float64);
    // Each entry of Q^T Q is off by few roundings of each of the reflections' products: N. Higham,
    // "Accuracy and stability of numerical algorithms", section 19.3, with a small constant.
    const auto longer = static_cast<double>(std::max(shape[0], shape[1]));
    CHECK(worst_product(q, 1.0) < longer * std::numeric_limits<double>::epsilon());
  }
}

TEST_CASE("Orthogonal has the same bits on any number of threads") {
  const int before = num_threads();
  for (const Shape& shape : {Shape{300, 300}, Shape{500, 150}, Shape{150, 500}}) {
    set_num_threads(1);
    const Tensor expected = filled(Orthogonal(), shape);
    for (const int threads : {2, 5}) {
      set_num_threads(threads);
      CHECK(same_bits(filled(Orthogonal(), shape), expected));
    }
  }
  set_num_threads(before);
}

TEST_CASE("Orthogonal by QR is unbiased: the sign step is there") {
  // Without it all diagonal entries of a Householder Q have one sign.
  int positive = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Tensor q = filled(Orthogonal(1.0, Distribution::normal, OrthogonalMethod::qr), {3, 3},
                            Dtype::float64, seed);
    if (q.data<double>()[0] > 0.0) ++positive;
  }
  CHECK(std::abs(positive - 200) < 50);  // five standard errors
}

TEST_CASE("DeltaOrthogonal is orthogonal at the kernel's centre and 0 elsewhere") {
  const Tensor out = filled(DeltaOrthogonal(2.0), {6, 4, 3, 5}, Dtype::float64);
  const std::vector<double> all = values(out);
  const Tensor centre({6, 4}, Dtype::float64);
  double elsewhere = 0.0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 15 == 1 * 5 + 2) {
      centre.data<double>()[i / 15] = all[i];
    } else {
      elsewhere += std::abs(all[i]);
    }
  }
  CHECK(elsewhere == 0.0);
  CHECK(worst_product(centre, 2.0) < 1e-12);
  CHECK_THROWS_AS(filled(DeltaOrthogonal(), {4, 6, 3}), ShapeError);
  CHECK_THROWS_AS(filled(DeltaOrthogonal(), {6, 4}), ShapeError);
}
