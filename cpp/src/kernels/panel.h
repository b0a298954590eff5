#pragma once

// What all products share: the width of panels, the order of additions, and the last step.
//
// An element of C does not depend on the other rows and columns, the number of threads or the way
// the product was cut: its terms are added in the order of depth, in `splits` interleaved
// sums where the product has few columns (one sum would wait for each addition to end).

#include <type_traits>

#include "kernels/packet.h"

// The lengths of arrays of vectors are template arguments of type int.
#pragma GCC diagnostic ignored "-Wsign-conversion"

namespace glueball::kernels::GLUEBALL_TARGET {

// Defined in activation.cpp.
template <class T>
void activation_forward(ActivationCode code, double alpha, const T* x, T* y, Index count);
template <class T>
void activation_backward(ActivationCode code, double alpha, const T* x, const T* y, const T* dy,
                         T* dx, Index count);

namespace {

using packet::padd;
using packet::ploadu;
using packet::pmadd;
using packet::pset1;
using packet::pstoreu;

constexpr bool many_registers = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32;
constexpr int panel_vectors = many_registers ? 4 : 2;

template <class T>
constexpr Index panel_columns = panel_vectors * lanes<Packet<T>>;

/// Vectors of 32 bytes at most, for what wider ones take more than their share of time for.
template <class T>
using ShortPacket =
    std::conditional_t<(sizeof(Packet<T>) > 32), typename packet::unpacket_traits<Packet<T>>::half,
                       Packet<T>>;

/// Vectors that hold so many columns.
template <class T>
constexpr int vectors_for(Index columns) {
  return static_cast<int>((columns + lanes<Packet<T>> - 1) / lanes<Packet<T>>);
}

/// Interleaved sums of a product that has `vectors` vectors of columns in all: as many as fit where
/// a whole panel's would be.
constexpr int splits_of(int vectors) {
  return vectors * 2 > panel_vectors ? 1 : panel_vectors / vectors;
}

/// Interleaved sums of a product.
template <class T>
int splits_of(const Product<T>& p) {
  return p.all_columns > panel_columns<T> ? 1 : splits_of(vectors_for<T>(p.all_columns));
}

/// max(0, x); NaN stays NaN.
template <class P>
EIGEN_STRONG_INLINE P rectified(const P& x) {
  return packet::pselect(packet::pcmp_lt(x, splat<P>(0.0)), splat<P>(0.0), x);
}

/// The sums that S interleaved ones amount to.
template <class P, int S>
EIGEN_STRONG_INLINE P joined(const P (&sums)[S]) {
  if constexpr (S == 2) {
    return padd(sums[0], sums[1]);
  } else if constexpr (S == 4) {
    return padd(padd(sums[0], sums[1]), padd(sums[2], sums[3]));
  } else {
    return sums[0];
  }
}

/// The last step of a product: all but max(0, .), which is done on the way.
template <class T>
void finish(const Product<T>& p) {
  const bool activate = p.code != code_identity && p.code != code_relu;
  if (!activate && p.slope == code_identity) return;
  for (Index row = 0; row < p.rows; ++row) {
    const Index at = row * p.c_row;
    T* c = p.c + at;
    if (activate) activation_forward(p.code, p.alpha, c, c, p.columns);
    if (p.slope == code_identity) continue;
    activation_backward(p.slope, p.slope_alpha, p.slope_x == nullptr ? nullptr : p.slope_x + at,
                        p.slope_y == nullptr ? nullptr : p.slope_y + at, c, c, p.columns);
  }
}

}  // namespace
}  // namespace glueball::kernels::GLUEBALL_TARGET
