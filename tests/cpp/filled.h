#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "glueball/initializer.h"

namespace glueball::testing {

/// What an initializer makes of a new weight.
inline Tensor filled(const Initializer& initializer, const Shape& shape,
                     Dtype dtype = Dtype::float32, std::uint64_t seed = 1) {
  const Tensor out(shape, dtype);
  Generator rng(seed);
  initializer.init_weight("dense0_weight", out, rng);
  return out;
}

/// The elements, in float64.
inline std::vector<double> values(const Tensor& tensor) {
  const Tensor wide = tensor.cast(Dtype::float64);
  return {wide.data<double>(), wide.data<double>() + wide.size()};
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

}  // namespace glueball::testing
