#pragma once

#include "glueball/dtype.h"

namespace glueball {

/// What body(T()) returns for the T, float or double, that `dtype` names:
/// `with_type(x.dtype(), [&]<class T>(T) { ... })`.
template <class Body>
decltype(auto) with_type(Dtype dtype, Body&& body) {
  if (dtype == Dtype::float32) return body(float());  // NOLINT(bugprone-branch-clone): the types
  return body(double());
}

}  // namespace glueball
