#include "kernels/packet.h"

namespace glueball::kernels::GLUEBALL_TARGET {

// Defined in activation.cpp.
template <class T>
void activation_forward(ActivationCode code, double alpha, const T* x, T* y, Index count);

namespace {

using packet::padd;
using packet::ploadu;
using packet::pmadd;
using packet::pstoreu;

// Up to here the batch is small: our own loops pack nothing, where Eigen's product copies both
// operands into panels first. A 256-512-512-256 net on AVX-512, one thread: 10.5 us a row with them
// at batch 8, 13.8 with Eigen at batch 16.
constexpr Index small_batch = 12;

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using Vector = Eigen::Matrix<T, 1, Eigen::Dynamic>;
template <class T>
using Columns = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using ConstColumns = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;

/// Sums halves onto each other until four lanes (or the narrowest vector of T) are left.
template <class P>
EIGEN_STRONG_INLINE auto narrow(const P& value) {
  if constexpr (packet::unpacket_traits<P>::size > 4) {
    return narrow(packet::predux_half_dowto4(value));
  } else {
    return value;
  }
}

/// The vector that narrow() ends with.
template <class T>
using Narrow = decltype(narrow(Packet<T>()));

/// How many batch rows share a load of the weights: accumulators and operands must fit in the
/// registers.
constexpr int most_rows = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 4 : 2;

/// result[b] lane r = dot(row b of x, w[r]), for `B` rows of x and as many rows of w as Narrow has
/// lanes.
///
/// One load of x serves all rows of w and the other way round; the lanes are summed across for all
/// dot products together, by a transpose.
template <class T, int B>
EIGEN_STRONG_INLINE void dot_block(const T* x, const T* const* w, Index in, Narrow<T>* result) {
  using P = Packet<T>;
  using Q = Narrow<T>;
  constexpr Index step = lanes<P>;
  constexpr Index narrow_step = lanes<Q>;
  constexpr int R = static_cast<int>(narrow_step);
  // One row of x has too few independent sums to hide the latency of an addition: it takes two
  // sets.
  constexpr int sets = B == 1 ? 2 : 1;

  P wide[sets][B][R];
  for (int s = 0; s < sets; ++s) {
    for (int b = 0; b < B; ++b) {
      for (int r = 0; r < R; ++r) wide[s][b][r] = splat<P>(0.0);
    }
  }
  Index k = 0;
  for (; k + sets * step <= in; k += sets * step) {
    for (int s = 0; s < sets; ++s) {
      P values[B];
      for (int b = 0; b < B; ++b) values[b] = ploadu<P>(x + b * in + k + s * step);
      for (int r = 0; r < R; ++r) {
        const P weights = ploadu<P>(w[r] + k + s * step);
        for (int b = 0; b < B; ++b) wide[s][b][r] = pmadd(values[b], weights, wide[s][b][r]);
      }
    }
  }
  if constexpr (sets == 2) {
    for (int r = 0; r < R; ++r) wide[0][0][r] = padd(wide[0][0][r], wide[1][0][r]);
    if (k + step <= in) {
      const P values = ploadu<P>(x + k);
      for (int r = 0; r < R; ++r) {
        wide[0][0][r] = pmadd(values, ploadu<P>(w[r] + k), wide[0][0][r]);
      }
      k += step;
    }
  }

  Q sums[B][R];
  for (int b = 0; b < B; ++b) {
    for (int r = 0; r < R; ++r) sums[b][r] = narrow(wide[0][b][r]);
  }
  if constexpr (step > narrow_step) {
    for (; k + narrow_step <= in; k += narrow_step) {
      for (int b = 0; b < B; ++b) {
        const Q values = ploadu<Q>(x + b * in + k);
        for (int r = 0; r < R; ++r) sums[b][r] = pmadd(values, ploadu<Q>(w[r] + k), sums[b][r]);
      }
    }
  }
  for (int b = 0; b < B; ++b) {
    packet::PacketBlock<Q, R> block;
    for (int r = 0; r < R; ++r) block.packet[r] = sums[b][r];
    packet::ptranspose(block);
    Q total = block.packet[0];
    for (int r = 1; r < R; ++r) total = padd(total, block.packet[r]);
    result[b] = total;
  }
  for (; k < in; ++k) {
    EIGEN_ALIGN_MAX T column[R];
    for (int r = 0; r < R; ++r) column[r] = w[r][k];
    const Q weights = packet::pload<Q>(column);
    for (int b = 0; b < B; ++b) {
      result[b] = pmadd(packet::pset1<Q>(x[b * in + k]), weights, result[b]);
    }
  }
}

/// Columns [col, col + used) of `B` rows of y, used <= lanes of Narrow.
template <class T, int B>
EIGEN_STRONG_INLINE void forward_block(const T* x, const T* const* w, const Narrow<T>& bias, T* y,
                                       Index in, Index out, Index col, Index used) {
  using Q = Narrow<T>;
  Q result[B];
  dot_block<T, B>(x, w, in, result);
  for (int b = 0; b < B; ++b) {
    const Q value = padd(result[b], bias);
    T* to = y + b * out + col;
    if (used == lanes<Q>) {
      pstoreu(to, value);
    } else {
      EIGEN_ALIGN_MAX T buffer[lanes<Q>];
      packet::pstore(buffer, value);
      for (Index r = 0; r < used; ++r) to[r] = buffer[r];
    }
  }
}

template <class T>
void forward_small(const T* x, const T* w, const T* b, T* y, Index batch, Index in, Index out,
                   Index col_begin, Index col_end) {
  using Q = Narrow<T>;
  constexpr Index R = lanes<Q>;
  for (Index col = col_begin; col < col_end; col += R) {
    const Index used = col_end - col < R ? col_end - col : R;
    const T* rows[R];
    EIGEN_ALIGN_MAX T bias[R] = {};
    for (Index r = 0; r < R; ++r) {
      // The last block computes its last row more than once rather than by other code.
      const Index row = col + (r < used ? r : used - 1);
      rows[r] = w + row * in;
      if (b != nullptr) bias[r] = b[row];
    }
    const Q biases = packet::pload<Q>(bias);
    Index i = 0;
    if constexpr (most_rows == 4) {
      for (; i + 4 <= batch; i += 4) {
        forward_block<T, 4>(x + i * in, rows, biases, y + i * out, in, out, col, used);
      }
    }
    for (; i + 2 <= batch; i += 2) {
      forward_block<T, 2>(x + i * in, rows, biases, y + i * out, in, out, col, used);
    }
    if (i < batch) {
      forward_block<T, 1>(x + i * in, rows, biases, y + i * out, in, out, col, used);
    }
  }
}

/// Columns [col, col + N vectors) of `B` rows of dx, summed over the rows of w.
template <class P, int B, int N>
EIGEN_STRONG_INLINE void input_block(const Element<P>* dy, const Element<P>* w, Element<P>* dx,
                                     Index in, Index out, Index col) {
  constexpr Index step = packet::unpacket_traits<P>::size;
  P sums[B][N];
  for (int b = 0; b < B; ++b) {
    for (int n = 0; n < N; ++n) sums[b][n] = splat<P>(0.0);
  }
  for (Index o = 0; o < out; ++o) {
    P weights[N];
    for (int n = 0; n < N; ++n) weights[n] = ploadu<P>(w + o * in + col + n * step);
    for (int b = 0; b < B; ++b) {
      const P gradient = packet::pset1<P>(dy[b * out + o]);
      for (int n = 0; n < N; ++n) sums[b][n] = pmadd(gradient, weights[n], sums[b][n]);
    }
  }
  for (int b = 0; b < B; ++b) {
    for (int n = 0; n < N; ++n) pstoreu(dx + b * in + col + n * step, sums[b][n]);
  }
}

template <class T, int B>
void input_rows(const T* dy, const T* w, T* dx, Index in, Index out, Index col_begin,
                Index col_end) {
  using P = Packet<T>;
  using Q = Narrow<T>;
  Index col = col_begin;
  for (; col + 4 * lanes<P> <= col_end; col += 4 * lanes<P>) {
    input_block<P, B, 4>(dy, w, dx, in, out, col);
  }
  for (; col + lanes<P> <= col_end; col += lanes<P>) {
    input_block<P, B, 1>(dy, w, dx, in, out, col);
  }
  for (; col + lanes<Q> <= col_end; col += lanes<Q>) {
    input_block<Q, B, 1>(dy, w, dx, in, out, col);
  }
  for (; col < col_end; ++col) {
    for (int b = 0; b < B; ++b) {
      T sum = T(0);
      for (Index o = 0; o < out; ++o) sum += dy[b * out + o] * w[o * in + col];
      dx[b * in + col] = sum;
    }
  }
}

}  // namespace

template <class T>
void dense_forward(const T* x, const T* w, const T* b, T* y, Index batch, Index in, Index out,
                   Index col_begin, Index col_end, ActivationCode code, double alpha) {
  const Index columns = col_end - col_begin;
  if (batch <= 0 || columns <= 0) return;
  if (batch <= small_batch || in == 0) {
    forward_small(x, w, b, y, batch, in, out, col_begin, col_end);
  } else {
    const Eigen::Map<const Matrix<T>> X(x, batch, in);
    const Eigen::Map<const Matrix<T>> W(w + col_begin * in, columns, in);
    Columns<T> Y(y + col_begin, batch, columns, Eigen::OuterStride<>(out));
    // Bias first: the product accumulates onto it, which saves a pass over Y.
    if (b != nullptr) {
      Y.rowwise() = Eigen::Map<const Vector<T>>(b + col_begin, columns);
    } else {
      Y.setZero();
    }
    Y.noalias() += X * W.transpose();
  }
  if (code == code_identity) return;
  if (columns == out) return activation_forward(code, alpha, y, y, batch * out);
  for (Index i = 0; i < batch; ++i) {
    T* row = y + i * out + col_begin;
    activation_forward(code, alpha, row, row, columns);
  }
}

template <class T>
void dense_backward_input(const T* dy, const T* w, T* dx, Index batch, Index in, Index out,
                          Index col_begin, Index col_end) {
  const Index columns = col_end - col_begin;
  if (batch <= 0 || columns <= 0) return;
  if (batch > small_batch) {
    const Eigen::Map<const Matrix<T>> DY(dy, batch, out);
    const ConstColumns<T> W(w + col_begin, out, columns, Eigen::OuterStride<>(in));
    Columns<T> DX(dx + col_begin, batch, columns, Eigen::OuterStride<>(in));
    // What "=" would do as well; one kind of product in all three functions halves what is
    // compiled.
    DX.setZero();
    DX.noalias() += DY * W;
    return;
  }
  Index i = 0;
  if constexpr (most_rows == 4) {
    for (; i + 4 <= batch; i += 4) {
      input_rows<T, 4>(dy + i * out, w, dx + i * in, in, out, col_begin, col_end);
    }
  }
  for (; i + 2 <= batch; i += 2) {
    input_rows<T, 2>(dy + i * out, w, dx + i * in, in, out, col_begin, col_end);
  }
  if (i < batch) input_rows<T, 1>(dy + i * out, w, dx + i * in, in, out, col_begin, col_end);
}

template <class T>
void dense_backward_weight(const T* dy, const T* x, T* dw, Index batch, Index in, Index out,
                           Index row_begin, Index row_end, bool accumulate) {
  using P = Packet<T>;
  const Index rows = row_end - row_begin;
  if (rows <= 0 || in <= 0) return;
  if (batch > small_batch) {
    const ConstColumns<T> DY(dy + row_begin, batch, rows, Eigen::OuterStride<>(out));
    const Eigen::Map<const Matrix<T>> X(x, batch, in);
    Eigen::Map<Matrix<T>> DW(dw + row_begin * in, rows, in);
    if (!accumulate) DW.setZero();
    DW.noalias() += DY.transpose() * X;
    return;
  }
  for (Index o = row_begin; o < row_end; ++o) {
    T* row = dw + o * in;
    Index k = 0;
    for (; k + lanes<P> <= in; k += lanes<P>) {
      P sum = accumulate ? ploadu<P>(row + k) : splat<P>(0.0);
      for (Index i = 0; i < batch; ++i) {
        sum = pmadd(packet::pset1<P>(dy[i * out + o]), ploadu<P>(x + i * in + k), sum);
      }
      pstoreu(row + k, sum);
    }
    for (; k < in; ++k) {
      T sum = accumulate ? row[k] : T(0);
      for (Index i = 0; i < batch; ++i) sum += dy[i * out + o] * x[i * in + k];
      row[k] = sum;
    }
  }
}

template <class T>
void dense_backward_bias(const T* dy, T* db, Index batch, Index out, bool accumulate) {
  if (!accumulate) {
    for (Index o = 0; o < out; ++o) db[o] = T(0);
  }
  for (Index i = 0; i < batch; ++i) {
    const T* row = dy + i * out;
    for (Index o = 0; o < out; ++o) db[o] += row[o];
  }
}

template void dense_forward(const float*, const float*, const float*, float*, Index, Index, Index,
                            Index, Index, ActivationCode, double);
template void dense_forward(const double*, const double*, const double*, double*, Index, Index,
                            Index, Index, Index, ActivationCode, double);
template void dense_backward_input(const float*, const float*, float*, Index, Index, Index, Index,
                                   Index);
template void dense_backward_input(const double*, const double*, double*, Index, Index, Index,
                                   Index, Index);
template void dense_backward_weight(const float*, const float*, float*, Index, Index, Index, Index,
                                    Index, bool);
template void dense_backward_weight(const double*, const double*, double*, Index, Index, Index,
                                    Index, Index, bool);
template void dense_backward_bias(const float*, float*, Index, Index, bool);
template void dense_backward_bias(const double*, double*, Index, Index, bool);

}  // namespace glueball::kernels::GLUEBALL_TARGET
