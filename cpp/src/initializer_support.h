#pragma once

// What the initializers' implementations share.

#include <string>

#include "glueball/error.h"
#include "glueball/initializer.h"

namespace glueball {

/// Calls body(data) with the elements of `out` as the type that they have.
template <class Body>
void with_elements(const Tensor& out, const Body& body) {
  if (out.dtype() == Dtype::float32) {
    body(out.data<float>());
  } else {
    body(out.data<double>());
  }
}

/// A ShapeError about the parameter that `desc` names.
inline ShapeError shape_error(const std::string& expected, const InitDesc& desc, const Shape& shape,
                              const std::string& remedy) {
  return ShapeError({.expected = expected,
                     .found = "'" + desc.name + "' of shape " + to_string(shape),
                     .remedy = remedy});
}

}  // namespace glueball
