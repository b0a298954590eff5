#include <algorithm>
#include <cmath>
#include <type_traits>

#include "glueball/initializer.h"
#include "glueball/parallel.h"
#include "initializer_support.h"
#include "kernels/table.h"
#include "text.h"

// Eigen, for singular values only: compiled once, for the baseline instruction set, and on one
// thread, because a decomposition adds in an order that depends on the vectors' width and the
// number of threads, and an orthogonal weight has to have the same bits on every machine. It is
// our own, whatever version the program that embeds glueball has.
#define EIGEN_DONT_PARALLELIZE
#define Eigen Eigen_glueball
#include <Eigen/SVD>

namespace glueball {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using kernels::Index;

// Eigen splits products by the sizes of the caches that it finds. Fixed sizes fix the order of
// additions.
void fix_blocking() {
  static const bool done = [] {
    Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 2 * 1024 * 1024);
    return true;
  }();
  static_cast<void>(done);
}

Tensor draw(Index rows, Index columns, Distribution distribution, Generator& rng) {
  Tensor numbers = Tensor::uninitialized({rows, columns}, Dtype::float64);
  if (distribution == Distribution::uniform) {
    rng.uniform(numbers, -1.0, 1.0);
  } else {
    rng.normal(numbers, 0.0, 1.0);
  }
  return numbers;
}

// How many pieces of `size` hold `count` elements.
constexpr Index pieces(Index count, Index size) { return (count + size - 1) / size; }

// Where the elements of a matrix go: those of a column are row_stride apart.
template <class T>
struct Place {
  T* data;
  Index row_stride, column_stride;
};

// Of a random matrix A = U S V, whichever of U and V has A's shape.
template <class T>
void fill_by_svd(Index rows, Index columns, Distribution distribution, Generator& rng, double scale,
                 T* out) {
  fix_blocking();
  const Tensor numbers = draw(rows, columns, distribution, rng);
  const Eigen::Map<const Matrix> matrix(numbers.data<double>(), rows, columns);
  const Eigen::BDCSVD<Matrix, Eigen::ComputeThinU | Eigen::ComputeThinV> svd(matrix);
  const Matrix q = columns <= rows ? Matrix(svd.matrixU()) : Matrix(svd.matrixV().transpose());
  for (Index i = 0; i < q.size(); ++i) out[i] = static_cast<T>(scale * q.data()[i]);
}

// What Q of a random tall matrix is, without the matrix: the product of the Householder reflections
// that the QR decomposition would apply, with the signs that make R's diagonal positive. G.
// Stewart, "The efficient generation of random orthogonal matrices with an application to condition
// estimators", SIAM J. Numer. Anal. 17 (1980). It needs half the work of a decomposition, and all
// of it as products.
template <class T>
void fill_by_reflections(Index rows, Index columns, Distribution distribution, Generator& rng,
                         double scale, const Place<T>& out) {
  // A row for each reflection.
  // NOLINTNEXTLINE(readability-suspicious-call-argument)
  const Tensor vectors = draw(columns, rows, distribution, rng);
  const auto& kernel = kernels::active().orthogonal;
  const auto multiply = [&] {
    if constexpr (std::is_same_v<T, float>) {
      return kernel.multiply_f32;
    } else {
      return kernel.multiply_f64;
    }
  }();
  const Index padded = pieces(rows, kernels::orthogonal_row_step) * kernels::orthogonal_row_step;
  const Index blocks = pieces(columns, kernels::orthogonal_block);
  const Index groups = pieces(columns, kernels::orthogonal_group);
  const Tensor packed = Tensor::uninitialized(
      {blocks, kernels::orthogonal_block * (2 * padded + kernels::orthogonal_block)},
      Dtype::float64);
  const Tensor signs = Tensor::uninitialized({columns}, Dtype::float64);
  const Tensor work =
      Tensor::uninitialized({groups, padded * kernels::orthogonal_group}, Dtype::float64);

  // A block of a small matrix is not worth a thread.
  constexpr Index elements_a_thread = Index{1} << 16;
  const Index grain = std::max<Index>(1, elements_a_thread / (kernels::orthogonal_block * rows));
  parallel_for(blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (Index index = begin; index < end; ++index) {
      kernel.pack(vectors.data<double>(), rows, columns, index, packed.data<double>(),
                  signs.data<double>());
    }
  });
  parallel_for(groups, grain, [&](std::int64_t begin, std::int64_t end) {
    for (Index i = begin; i < end; ++i) {
      // Later columns are products of more reflections: each range gets as many of both ends.
      const Index group = i % 2 == 0 ? i / 2 : groups - 1 - i / 2;
      const Index first = group * kernels::orthogonal_group;
      multiply(packed.data<double>(), signs.data<double>(), rows, first,
               std::min(columns, first + kernels::orthogonal_group),
               // One thread's place to work is that of its first group.
               work.data<double>() + begin * padded * kernels::orthogonal_group, out.data,
               out.row_stride, out.column_stride, scale);
    }
  });
}

// Writes `scale` times a (rows, columns) matrix whose columns, or rows if they are fewer, are
// orthonormal.
template <class T>
void fill_orthogonal(Index rows, Index columns, OrthogonalMethod method, Distribution distribution,
                     Generator& rng, double scale, T* out) {
  if (method == OrthogonalMethod::svd) {
    fill_by_svd(rows, columns, distribution, rng, scale, out);
  } else if (rows >= columns) {
    fill_by_reflections(rows, columns, distribution, rng, scale, Place<T>{out, columns, 1});
  } else {
    // The transpose of one that is higher than wide.
    // NOLINTNEXTLINE(readability-suspicious-call-argument)
    fill_by_reflections(columns, rows, distribution, rng, scale, Place<T>{out, 1, columns});
  }
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
  with_elements(out, [&](auto* data) {
    fill_orthogonal(rows, out.size() / rows, method_, rand_type_, rng, scale_, data);
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
  with_elements(out, [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    fill_by_reflections(shape[0], shape[1], Distribution::normal, rng, scale_,
                        Place<T>{data + centre, shape[1] * kernel, kernel});
  });
}

}  // namespace glueball
