#pragma once

// What the initializers' implementations share.

#include <string>

#include "core/with_type.h"
#include "glueball/error.h"
#include "glueball/initializer.h"

namespace glueball {

/// Standard deviation of the unit normal cut off at `low` and `high`, which may be infinite.
double cut_normal_deviation(double low, double high);

/// Calls body(data) with the elements of `out` as the type that they have.
template <class Body>
void with_elements(const Tensor& out, const Body& body) {
  with_type(out.dtype(), [&]<class T>(T) { body(out.data<T>()); });
}

/// A ShapeError about the parameter that `desc` names.
inline ShapeError shape_error(const std::string& expected, const InitDesc& desc, const Shape& shape,
                              const std::string& remedy) {
  return ShapeError({.expected = expected,
                     .found = "'" + desc.name + "' of shape " + to_string(shape),
                     .remedy = remedy});
}

}  // namespace glueball
