#pragma once

// The singular vectors of a matrix, for Orthogonal's method="svd".

#include "glueball/tensor.h"

namespace glueball {

/// Replaces a float64 matrix A = U S V^T by whichever of U and V^T has its shape, columns (or rows)
/// in the order of falling singular values.
///
/// The bits depend on neither the instruction set nor the number of threads.
void replace_by_singular_vectors(const Tensor& matrix);

}  // namespace glueball
