#include "singular_vectors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "glueball/parallel.h"

namespace glueball {
namespace {

using kernels::Index;
using kernels::Rotation;

// The sum of a[i] b[i] in an order that no compiler changes: eight sums of every eighth product.
double dot(const double* a, const double* b, Index count) {
  constexpr Index ways = 8;
  double sums[ways] = {};
  Index i = 0;
  for (; i + ways <= count; i += ways) {
    for (Index k = 0; k < ways; ++k) sums[k] += a[i + k] * b[i + k];
  }
  for (Index k = 0; i < count; ++i, ++k) sums[k] += a[i] * b[i];
  double sum = 0.0;
  for (const double part : sums) sum += part;
  return sum;
}

void add(const double* x, double factor, double* y, Index count) {
  for (Index i = 0; i < count; ++i) y[i] += factor * x[i];
}

// I - weight v v^T, which takes x to a multiple of the first axis.
struct Reflection {
  double weight = 0.0;  // 0: none is needed
  double image = 0.0;   // that multiple
};

// Turns x into v, whose first element is 1.
Reflection reflect(double* x, Index count) {
  const double norm = std::sqrt(dot(x, x, count));
  if (norm == 0.0) return {};
  const double image = x[0] < 0.0 ? norm : -norm;
  const double pivot = x[0] - image;
  for (Index i = 1; i < count; ++i) x[i] /= pivot;
  x[0] = 1.0;
  return {-pivot / image, image};
}

// A rotation (c, s; -s, c) that takes (a, b) to (r, 0).
struct Plane {
  double c = 1.0;
  double s = 0.0;
  double r;

  Plane(double a, double b) : r(std::hypot(a, b)) {
    if (r == 0.0) return;
    c = a / r;
    s = b / r;
  }
};

// Collects rotations and applies many at a time, so that the columns come into the caches once.
class Rotator {
 public:
  explicit Rotator(const Tensor& columns)
      : columns_(columns), most_(16 * static_cast<std::size_t>(columns.shape()[0])) {}

  // Columns i and j become c i + s j and c j - s i.
  void add(Index i, Index j, const Plane& plane) {
    pending_.push_back({i, j, plane.c, plane.s});
    if (pending_.size() >= most_) apply();
  }

  void apply() {
    constexpr Index block = kernels::rotated_rows;
    const Index rows = columns_.shape()[1];
    const auto kernel = kernels::active().orthogonal.rotate;
    const auto count = static_cast<Index>(pending_.size());
    constexpr Index elements_a_thread = Index{1} << 16;
    const Index grain = std::max<Index>(1, elements_a_thread / (block * (count + 1)));
    parallel_for((rows + block - 1) / block, grain, [&](std::int64_t begin, std::int64_t end) {
      for (Index i = begin * block; i < std::min(rows, end * block); i += block) {
        kernel(columns_.data<double>() + i, rows, std::min(block, rows - i), pending_.data(),
               count);
      }
    });
    pending_.clear();
  }

 private:
  Tensor columns_;
  std::size_t most_;
  std::vector<Rotation> pending_;
};

// Where the diagonal has a 0 at `zero`, what is beside it can be rotated away along its row.
void clear_row(std::vector<double>& d, std::vector<double>& e, Index zero, Index last,
               Rotator& rotator) {
  double bulge = e[static_cast<std::size_t>(zero)];
  e[static_cast<std::size_t>(zero)] = 0.0;
  for (Index j = zero + 1; j <= last && bulge != 0.0; ++j) {
    const auto at = static_cast<std::size_t>(j);
    const Plane plane(d[at], bulge);
    d[at] = plane.r;
    bulge = -plane.s * e[at];
    e[at] *= plane.c;
    rotator.add(j, zero, plane);
  }
}

// One implicit step with Wilkinson's shift on rows [first, last].
void step(std::vector<double>& d, std::vector<double>& e, std::size_t first, std::size_t last,
          Rotator& rotator) {
  // The eigenvalue of the last two rows and columns of B^T B that is nearer to the last element.
  const double above = last - 1 > first ? e[last - 2] : 0.0;
  const double a = d[last - 1] * d[last - 1] + above * above;
  const double b = d[last - 1] * e[last - 1];
  const double c = d[last] * d[last] + e[last - 1] * e[last - 1];
  const double half = (a - c) / 2.0;
  const double root = std::hypot(half, b);
  const double sum = half < 0.0 ? half - root : half + root;
  const double shift = sum == 0.0 ? c : c - b * (b / sum);

  double y = d[first] * d[first] - shift;
  double z = d[first] * e[first];
  for (std::size_t k = first; k < last; ++k) {
    const Plane right(y, z);
    if (k > first) e[k - 1] = right.r;
    y = right.c * d[k] + right.s * e[k];
    e[k] = right.c * e[k] - right.s * d[k];
    z = right.s * d[k + 1];
    d[k + 1] *= right.c;

    const Plane left(y, z);
    d[k] = left.r;
    y = left.c * e[k] + left.s * d[k + 1];
    d[k + 1] = left.c * d[k + 1] - left.s * e[k];
    e[k] = y;
    if (k + 1 < last) {
      z = left.s * e[k + 1];
      e[k + 1] *= left.c;
    }
    rotator.add(static_cast<Index>(k), static_cast<Index>(k + 1), left);
  }
}

}  // namespace

Bidiagonal bidiagonalise(const Tensor& columns) {
  const Index count = columns.shape()[0];
  const Index rows = columns.shape()[1];
  auto* const a = columns.data<double>();
  const auto size = static_cast<std::size_t>(count);
  Bidiagonal result{Tensor::uninitialized({count, rows}, Dtype::float64), std::vector<double>(size),
                    std::vector<double>(size)};
  std::vector<double> row(size);
  std::vector<double> products(static_cast<std::size_t>(rows));
  for (Index k = 0; k < count; ++k) {
    const auto at = static_cast<std::size_t>(k);
    double* const v = a + k * rows + k;
    std::copy_n(v - k, rows, result.vectors.data<double>() + k * rows);
    const Reflection left = reflect(v, rows - k);
    // The kernel's signs make the diagonal positive.
    result.diagonal[at] = std::abs(left.image);
    const double sign = left.image < 0.0 ? -1.0 : 1.0;
    for (Index j = k + 1; j < count; ++j) {
      double* const other = a + j * rows + k;
      add(v, -left.weight * dot(v, other, rows - k), other, rows - k);
      row[static_cast<std::size_t>(j)] = sign * other[0];
    }
    if (k + 1 == count) break;

    double* const w = row.data() + k + 1;
    const Reflection right = reflect(w, count - k - 1);
    result.beside[at] = right.image;
    if (right.weight == 0.0) continue;
    const Index below = rows - k - 1;
    std::ranges::fill(products, 0.0);
    for (Index j = 0; j < count - k - 1; ++j) {
      add(a + (k + 1 + j) * rows + k + 1, w[j], products.data(), below);
    }
    for (Index j = 0; j < count - k - 1; ++j) {
      add(products.data(), -right.weight * w[j], a + (k + 1 + j) * rows + k + 1, below);
    }
  }
  return result;
}

void diagonalise(Bidiagonal& matrix, const Tensor& columns) {
  std::vector<double>& d = matrix.diagonal;
  std::vector<double>& e = matrix.beside;
  Rotator rotator(columns);
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  double largest = 0.0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    largest = std::max(largest, std::abs(d[i]) + std::abs(e[i]));
  }

  std::size_t last = d.empty() ? 0 : d.size() - 1;
  while (last > 0) {
    if (std::abs(e[last - 1]) <= epsilon * (std::abs(d[last - 1]) + std::abs(d[last]))) {
      e[last - 1] = 0.0;
      --last;
      continue;
    }
    std::size_t first = last - 1;
    while (first > 0 &&
           std::abs(e[first - 1]) > epsilon * (std::abs(d[first - 1]) + std::abs(d[first]))) {
      --first;
    }
    if (first > 0) e[first - 1] = 0.0;
    bool is_cleared = false;
    for (std::size_t i = first; i < last; ++i) {
      if (std::abs(d[i]) > epsilon * largest) continue;
      d[i] = 0.0;
      clear_row(d, e, static_cast<Index>(i), static_cast<Index>(last), rotator);
      is_cleared = true;
    }
    if (!is_cleared) step(d, e, first, last, rotator);
  }
  rotator.apply();
}

}  // namespace glueball
