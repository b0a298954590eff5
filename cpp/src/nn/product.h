#pragma once

#include <cstdint>

#include "kernels/table.h"

namespace glueball {

/// C (rows, columns) = f(S + A (rows, depth) B (depth, columns)), S being the bias of each column,
/// or what C holds, or 0.
template <class T>
struct Multiplication {
  /// Element (i, k) of A is a[i * a_row + k * a_step]; one of the two is 1.
  const T* a = nullptr;
  std::int64_t a_row = 0;
  std::int64_t a_step = 1;
  /// Element (k, n) of B is b[k * b_step + n * b_column]; one of the two is 1. Not read where there
  /// is `packed_b`.
  const T* b = nullptr;
  std::int64_t b_step = 1;
  std::int64_t b_column = 0;
  const T* packed_b = nullptr;  ///< What pack() made of B.
  /// The same, rounded by to_bfloat16(): for float only, and in place of packed_b.
  const kernels::Bfloat16* rounded_b = nullptr;
  T* c = nullptr;  ///< Row after row, without gaps; no part of A, B or the bias.
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t depth = 0;
  const T* bias = nullptr;
  bool accumulate = false;  ///< S is what C holds.
  kernels::ActivationCode code = kernels::code_identity;
  double alpha = 0.0;
  /// What C is multiplied by at last: the derivative of this activation, where it gave slope_y for
  /// slope_x (one of them may be null, as for activate_backward()); both are laid out as C is.
  kernels::ActivationCode slope = kernels::code_identity;
  double slope_alpha = 0.0;
  const T* slope_x = nullptr;
  const T* slope_y = nullptr;
};

/// Computes the product, on several threads if that pays.
///
/// An element of C has the same bits whatever the number of threads and of rows, and whether B is
/// packed or not.
template <class T>
void multiply(const Multiplication<T>& whole);

/// How many elements pack() writes.
template <class T>
std::int64_t packed_size(std::int64_t depth, std::int64_t columns);

/// Puts B, of strides as in Multiplication, in the order in which multiply() reads it.
template <class T>
void pack(const T* b, std::int64_t b_step, std::int64_t b_column, std::int64_t depth,
          std::int64_t columns, T* packed);

/// Rounds what pack() wrote to the nearest numbers of bfloat16, ties to even.
void to_bfloat16(const float* packed, std::int64_t count, kernels::Bfloat16* rounded);

}  // namespace glueball
