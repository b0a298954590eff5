#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/refuse.h"
#include "core/setting.h"
#include "core/text.h"
#include "glueball/initializer.h"
#include "glueball/parallel.h"
#include "init/initializer_support.h"
#include "init/singular_vectors.h"
#include "kernels/table.h"

namespace glueball {
namespace {

using kernels::Index;

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

// Writes `scale` times the product of the reflections that turn `vectors`, a row for each, to the
// axes, with the signs that the kernel gives. `vectors` change.
template <class T>
void multiply_reflections(const Tensor& vectors, double scale, const Place<T>& out) {
  const Index columns = vectors.shape()[0];
  const Index rows = vectors.shape()[1];
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
  multiply_reflections(draw(columns, rows, distribution, rng), scale, out);
}

// Of a random matrix A = U S V^T, whichever of U and V^T has A's shape.
template <class T>
void fill_by_svd(Index rows, Index columns, Distribution distribution, Generator& rng, double scale,
                 T* out) {
  const Tensor numbers = draw(rows, columns, distribution, rng);
  replace_by_singular_vectors(numbers);
  const double* const from = numbers.data<double>();
  std::transform(from, from + numbers.size(), out,
                 [scale](double value) { return static_cast<T>(scale * value); });
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
  if (!fits_float32(scale)) {
    refuse<ArgumentError>({"a finite scale for ", label}, {"scale=", scale}, {"pass a number"});
  }
}

}  // namespace

Orthogonal::Orthogonal(double scale, Distribution rand_type, OrthogonalMethod method)
    : scale_(scale), rand_type_(rand_type), method_(method) {
  check_scale(scale, "Orthogonal");
  if (rand_type == Distribution::truncated_normal) {
    refuse<ArgumentError>({"rand_type 'uniform' or 'normal' for Orthogonal"},
                          {"'truncated_normal'"},
                          {"use 'normal': its Q is uniform over the orthogonal group"});
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
