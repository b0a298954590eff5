#pragma once

#include <string>

#include "glueball/tensor.h"

namespace glueball {

/// What messages say of an array: "(2, 3), float32".
inline std::string describe(const Tensor& array) {
  return to_string(array.shape()) + ", " + to_string(array.dtype());
}

}  // namespace glueball
