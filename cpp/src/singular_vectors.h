#pragma once

// The left singular vectors of a matrix, for Orthogonal's method="svd".

#include <vector>

#include "glueball/tensor.h"
#include "kernels/table.h"

namespace glueball {

/// A matrix made bidiagonal: A = Q B P^T, B with `diagonal` and, above it, `beside`.
///
/// Q is the product of the reflections that the kernel `orthogonal` makes of `vectors` (columns,
/// rows), with its signs. P is not kept: no left singular vector needs it.
struct Bidiagonal {
  Tensor vectors;
  std::vector<double> diagonal;
  std::vector<double> beside;  ///< as long as `diagonal`; the last one is 0
};

/// G. Golub, W. Kahan, "Calculating the singular values and pseudo-inverse of a matrix", SIAM J.
/// Numer. Anal. 2 (1965). Changes `columns`, A's (columns, rows), rows >= columns.
Bidiagonal bidiagonalise(const Tensor& columns);

/// Makes B diagonal, and applies to the columns of Q, `columns` (columns, rows), what it is
/// multiplied by from the left: they become A's left singular vectors, in no order. The diagonal
/// becomes A's singular values, with signs.
///
/// G. Golub, C. Reinsch, "Singular value decomposition and least squares solutions", Numer. Math.
/// 14 (1970). The bits depend on neither the instruction set nor the number of threads.
void diagonalise(Bidiagonal& matrix, const Tensor& columns);

}  // namespace glueball
