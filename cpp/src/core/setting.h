#pragma once

#include <cmath>
#include <limits>

namespace glueball {

/// Whether a setting is a number that float32, which most arrays are, can hold too.
///
/// A setting is given before it is known which arrays it will meet: one of 1e39, which is
/// infinite in their arithmetic, is refused where it is given and not found in NaNs later.
inline bool fits_float32(double value) noexcept {
  return std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max());
}

}  // namespace glueball
