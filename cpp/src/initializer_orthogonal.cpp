// Compiled once, for the baseline instruction set: a matrix decomposition adds in an order that
// depends on the width of the vectors, and an orthogonal weight has to have the same bits on every
// machine.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "glueball/initializer.h"
#include "initializer_support.h"
#include "text.h"

// Eigen of our own, whatever version the program that embeds glueball has, and on one thread: the
// number of threads would change the bits.
#define EIGEN_DONT_PARALLELIZE
#define Eigen Eigen_glueball
#include <Eigen/QR>
#include <Eigen/SVD>

namespace glueball {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Index = Eigen::Index;

// Eigen splits products by the sizes of the caches that it finds. Fixed sizes fix the order of
// additions.
void fix_blocking() {
  static const bool done = [] {
    Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 2 * 1024 * 1024);
    return true;
  }();
  static_cast<void>(done);
}

Matrix draw(Index rows, Index columns, Distribution distribution, Generator& rng) {
  Matrix matrix(rows, columns);
  const Tensor view = Tensor::borrow(matrix.data(), {rows, columns}, Dtype::float64);
  if (distribution == Distribution::uniform) {
    rng.uniform(view, -1.0, 1.0);
  } else {
    rng.normal(view, 0.0, 1.0);
  }
  return matrix;
}

// Of a matrix A = U S V, whichever of U and V has A's shape.
Matrix orthogonal_by_svd(const Matrix& matrix) {
  const Eigen::BDCSVD<Matrix, Eigen::ComputeThinU | Eigen::ComputeThinV> svd(matrix);
  if (matrix.cols() <= matrix.rows()) return svd.matrixU();
  return svd.matrixV().transpose();
}

// Q of a matrix, which is tall or square, with the signs of R's diagonal: without them Q depends on
// the algorithm's choice of signs, and is not uniform over the orthogonal group.
Matrix orthogonal_by_qr(const Matrix& tall) {
  const Eigen::HouseholderQR<Matrix> qr(tall);
  Matrix q = qr.householderQ() * Matrix::Identity(tall.rows(), tall.cols());
  for (Index column = 0; column < q.cols(); ++column) {
    if (qr.matrixQR()(column, column) < 0.0) q.col(column) *= -1.0;
  }
  return q;
}

Matrix orthogonal_like(const Matrix& matrix, OrthogonalMethod method) {
  fix_blocking();
  if (method == OrthogonalMethod::svd) return orthogonal_by_svd(matrix);
  if (matrix.rows() >= matrix.cols()) return orthogonal_by_qr(matrix);
  return orthogonal_by_qr(matrix.transpose()).transpose();
}

void check_scale(double scale, const char* label) {
  if (!std::isfinite(scale)) {
    throw ArgumentError({.expected = "a finite scale for " + std::string(label),
                         .found = "scale=" + to_text(scale),
                         .remedy = "pass a number"});
  }
}

}  // namespace

Orthogonal::Orthogonal(double scale, Distribution rand_type, OrthogonalMethod method)
    : scale_(scale), rand_type_(rand_type), method_(method) {
  check_scale(scale, "Orthogonal");
  if (rand_type == Distribution::truncated_normal) {
    throw ArgumentError({.expected = "rand_type 'uniform' or 'normal' for Orthogonal",
                         .found = "'truncated_normal'",
                         .remedy = "use 'normal': its Q is uniform over the orthogonal group"});
  }
}

void Orthogonal::init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  const Shape& shape = out.shape();
  if (shape.rank() < 2) {
    throw shape_error("a weight of two or more axes for Orthogonal", desc, shape,
                      "use Zero or Constant for a bias");
  }
  if (out.size() == 0) return;

  const Index rows = shape[0];
  const Index columns = out.size() / rows;
  const Matrix q = orthogonal_like(draw(rows, columns, rand_type_, rng), method_);
  with_elements(out, [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    for (Index i = 0; i < q.size(); ++i) data[i] = static_cast<T>(scale_ * q.data()[i]);
  });
}

DeltaOrthogonal::DeltaOrthogonal(double scale) : scale_(scale) {
  check_scale(scale, "DeltaOrthogonal");
}

void DeltaOrthogonal::init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  const Shape& shape = out.shape();
  if (shape.rank() < 3 || shape.rank() > 5) {
    throw shape_error("a weight (out, in, *kernel) of 3 to 5 axes for DeltaOrthogonal", desc, shape,
                      "use Orthogonal for a dense weight");
  }
  if (shape[1] > shape[0]) {
    throw shape_error("a weight (out, in, *kernel) with in <= out for DeltaOrthogonal", desc, shape,
                      "use Orthogonal: a convolution that narrows cannot keep all norms");
  }
  out.fill(0.0);
  if (out.size() == 0) return;

  std::int64_t kernel = 1;
  std::int64_t centre = 0;
  for (std::size_t axis = 2; axis < shape.rank(); ++axis) {
    kernel *= shape[axis];
    centre = centre * shape[axis] + (shape[axis] - 1) / 2;
  }
  const Matrix q =
      orthogonal_like(draw(shape[0], shape[1], Distribution::normal, rng), OrthogonalMethod::qr);
  with_elements(out, [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    for (Index i = 0; i < q.size(); ++i) {
      data[i * kernel + centre] = static_cast<T>(scale_ * q.data()[i]);
    }
  });
}

}  // namespace glueball
