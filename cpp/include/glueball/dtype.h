#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace glueball {

/// Element types that the core computes with.
enum class Dtype : std::uint8_t {
  float32,  ///< C++'s float
  float64,  ///< C++'s double
};

/// Bytes in one element.
constexpr std::size_t size_of(Dtype dtype) noexcept { return dtype == Dtype::float32 ? 4 : 8; }

/// "float32" or "float64".
inline std::string to_string(Dtype dtype) {
  return dtype == Dtype::float32 ? "float32" : "float64";
}

/// The Dtype of a C++ type, float or double: `dtype_of<float>`.
template <class T>
inline constexpr Dtype dtype_of = Dtype::float32;
/// That of double.
template <>
inline constexpr Dtype dtype_of<double> = Dtype::float64;

}  // namespace glueball
