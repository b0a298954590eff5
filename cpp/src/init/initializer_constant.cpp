#include <algorithm>
#include <array>
#include <cmath>

#include "core/refuse.h"
#include "glueball/initializer.h"
#include "init/initializer_support.h"

namespace glueball {
namespace {

// Writes `source` (its elements as double, by NumPy's rule of broadcasting) to the elements of
// `out`. False if the shapes do not allow it.
template <class From, class To>
bool broadcast(const From* source, const Shape& from, To* out, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  const std::size_t rank = to.rank();
  const std::size_t added = rank - from.rank();

  // How far a step along each axis goes in the source: 0 where it repeats.
  std::array<std::int64_t, Shape::max_rank> stride{};
  std::int64_t elements = 1;
  for (std::size_t axis = rank; axis-- > added;) {
    const std::int64_t length = from[axis - added];
    if (length != 1 && length != to[axis]) return false;
    stride[axis] = length == 1 ? 0 : elements;
    elements *= length;
  }

  std::array<std::int64_t, Shape::max_rank> index{};
  std::int64_t position = 0;
  const std::int64_t count = to.elements();
  for (std::int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<To>(source[position]);
    for (std::size_t axis = rank; axis-- > 0;) {
      position += stride[axis];
      if (++index[axis] < to[axis]) break;
      position -= stride[axis] * to[axis];
      index[axis] = 0;
    }
  }
  return true;
}

}  // namespace

void Constant::init_weight(const InitDesc& desc, const Tensor& out, Generator& /*rng*/) const {
  if (!values_.defined()) {
    out.fill(value_);
    return;
  }
  if (values_.shape() == out.shape()) {
    out.copy_from(values_);
    return;
  }
  bool fits = false;
  with_elements(out, [&](auto* to) {
    with_elements(values_, [&](const auto* from) {
      fits = broadcast(from, values_.shape(), to, out.shape());
    });
  });
  if (!fits) {
    throw shape_error("a parameter to which Constant's array of shape " +
                          to_string(values_.shape()) + " can be broadcast",
                      desc, out.shape(),
                      "give an array whose axes, from the last on, are equal or 1");
  }
}

void Identity::init_weight(const InitDesc& desc, const Tensor& out, Generator& /*rng*/) const {
  const Shape& shape = out.shape();
  if (shape.rank() != 2) {
    throw shape_error("a weight of two axes for Identity", desc, shape,
                      "use Dirac for the weight of a convolution, Zero or Constant for a bias");
  }
  out.fill(0.0);
  with_elements(out, [&]<class T>(T* data) {
    for (std::int64_t i = 0; i < std::min(shape[0], shape[1]); ++i) {
      data[i * shape[1] + i] = static_cast<T>(gain_);
    }
  });
}

Dirac::Dirac(std::int64_t groups) : groups_(groups) {
  if (groups < 1) {
    refuse<ArgumentError>({"groups of at least 1 for Dirac"}, {groups},
                          {"use the number of groups of the convolution"});
  }
}

void Dirac::init_weight(const InitDesc& desc, const Tensor& out, Generator& /*rng*/) const {
  const Shape& shape = out.shape();
  if (shape.rank() < 2 || shape.rank() > 5) {
    throw shape_error("a weight (out, in, *kernel) of 2 to 5 axes for Dirac", desc, shape,
                      "use Zero or Constant for a bias");
  }
  if (shape[0] % groups_ != 0) {
    throw shape_error("a first axis that Dirac's groups=" + std::to_string(groups_) + " divide",
                      desc, shape, "change groups to that of the convolution");
  }
  out.fill(0.0);
  if (out.size() == 0) return;

  std::int64_t kernel = 1;  // elements of one kernel
  std::int64_t centre = 0;  // and the position of its middle one
  for (std::size_t axis = 2; axis < shape.rank(); ++axis) {
    kernel *= shape[axis];
    centre = centre * shape[axis] + shape[axis] / 2;
  }
  const std::int64_t per_group = shape[0] / groups_;
  with_elements(out, [&](auto* data) {
    for (std::int64_t group = 0; group < groups_; ++group) {
      for (std::int64_t d = 0; d < std::min(per_group, shape[1]); ++d) {
        data[((group * per_group + d) * shape[1] + d) * kernel + centre] = 1;
      }
    }
  });
}

void Bilinear::init_weight(const InitDesc& desc, const Tensor& out, Generator& /*rng*/) const {
  const Shape& shape = out.shape();
  if (shape.rank() != 4) {
    throw shape_error("a weight (out, in, height, width) of four axes for Bilinear", desc, shape,
                      "use it for transposed convolutions only");
  }
  if (out.size() == 0) return;

  const std::int64_t height = shape[2];
  const std::int64_t width = shape[3];
  const double f = std::ceil(static_cast<double>(width) / 2.0);
  const double c = (2.0 * f - 1.0 - std::fmod(f, 2.0)) / (2.0 * f);
  const auto side = [&](std::int64_t i) { return 1.0 - std::abs(static_cast<double>(i) / f - c); };
  with_elements(out, [&]<class T>(T* data) {
    for (std::int64_t pair = 0; pair < shape[0] * shape[1]; ++pair) {
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          *data++ = static_cast<T>(side(y) * side(x));
        }
      }
    }
  });
}

void LSTMBias::init_weight(const InitDesc& desc, const Tensor& out, Generator& /*rng*/) const {
  const Shape& shape = out.shape();
  if (shape.rank() == 0 || shape[0] % 4 != 0) {
    throw shape_error("a bias of four gates for LSTMBias, its first axis a multiple of 4", desc,
                      shape, "give it to an LSTM's bias only");
  }
  out.fill(0.0);
  const std::int64_t quarter = out.size() / 4;
  with_elements(out, [&]<class T>(T* data) {
    std::fill_n(data + quarter, quarter, static_cast<T>(forget_bias_));
  });
}

}  // namespace glueball
