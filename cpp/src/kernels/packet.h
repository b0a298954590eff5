#pragma once

// Elementwise loops over vectors of the instruction set that a kernel file is compiled for.
//
// For kernel files only. Eigen's packet functions are internal to Eigen, and its release is pinned;
// they are what makes one source serve SSE, AVX, AVX-512 and NEON.

#include <Eigen/Core>

#include "kernels/table.h"

// Vector types as template arguments lose an alignment attribute that templates here do not need.
#pragma GCC diagnostic ignored "-Wignored-attributes"

namespace glueball::kernels::GLUEBALL_TARGET {
// Unnamed, so that no object carries these functions' long names.
namespace {

namespace packet = Eigen::internal;

/// The widest vector of T.
template <class T>
using Packet = typename packet::packet_traits<T>::type;

/// The element type of a vector.
template <class P>
using Element = typename packet::unpacket_traits<P>::type;

/// How many elements a vector has.
template <class P>
constexpr Index lanes = packet::unpacket_traits<P>::size;

/// All lanes `value`.
template <class P>
EIGEN_STRONG_INLINE P splat(double value) {
  return packet::pset1<P>(static_cast<Element<P>>(value));
}

/// A mask of the first `count` lanes, fewer than all.
template <class P>
EIGEN_STRONG_INLINE auto first_lanes(Index count) {
  return static_cast<typename packet::unpacket_traits<P>::mask_t>((1U << count) - 1U);
}

/// Copies a few elements. A function: the compiler would write the loop out, and for vectors too,
/// wherever it is used.
template <class T>
[[gnu::noinline]] void copy_some(const T* from, T* to, Index count) {
#pragma GCC unroll 1
  for (Index i = 0; i < count; ++i) to[i] = from[i];
}

/// The `count` elements at `from`, fewer than a vector, followed by zeros.
template <class T>
EIGEN_STRONG_INLINE Packet<T> load_some(const T* from, Index count) {
  if constexpr (packet::unpacket_traits<Packet<T>>::masked_load_available) {
    return packet::ploadu<Packet<T>>(from, first_lanes<Packet<T>>(count));
  }
  EIGEN_ALIGN_MAX T buffer[lanes<Packet<T>>] = {};
  copy_some(from, buffer, count);
  return packet::pload<Packet<T>>(buffer);
}

/// Writes the first `count` lanes, fewer than a vector.
template <class T>
EIGEN_STRONG_INLINE void store_some(T* to, const Packet<T>& value, Index count) {
  if constexpr (packet::unpacket_traits<Packet<T>>::masked_store_available) {
    return packet::pstoreu(to, value, first_lanes<Packet<T>>(count));
  }
  EIGEN_ALIGN_MAX T buffer[lanes<Packet<T>>];
  packet::pstore(buffer, value);
  copy_some(buffer, to, count);
}

/// z[i] = f(x[i]) or f(x[i], y[i]) for whole vectors, f given by its address.
template <class T>
using VectorLoop = void (*)(const void* f, const T* x, const T* y, T* z, Index count);

/// Runs `loop` on all elements.
///
/// The last ones go through the vector functions too, padded, and not through scalar ones: so an
/// element's result does not depend on where in the array it stands. They go through the same loop,
/// from a copy, so that each `f` is compiled once.
template <class T>
[[gnu::noinline]] void run_loop(VectorLoop<T> loop, const void* f, const T* x, const T* y, T* z,
                                Index count) {
  constexpr Index step = lanes<Packet<T>>;
  const Index whole = count / step * step;
  if (whole > 0) loop(f, x, y, z, whole);
  if (whole == count) return;
  EIGEN_ALIGN_MAX T last[2][step];
  packet::pstore(last[0], load_some(x + whole, count - whole));
  packet::pstore(last[1], load_some(y + whole, count - whole));
  loop(f, last[0], last[1], last[0], step);
  store_some(z + whole, packet::pload<Packet<T>>(last[0]), count - whole);
}

/// y[i] = f(x[i]).
template <class T, class F>
EIGEN_STRONG_INLINE void map(const T* x, T* y, Index count, const F& f) {
  const VectorLoop<T> loop = [](const void* address, const T* from, const T* /*unused*/, T* to,
                                Index all) {
    const F& function = *static_cast<const F*>(address);
    for (Index i = 0; i < all; i += lanes<Packet<T>>) {
      packet::pstoreu(to + i, function(packet::ploadu<Packet<T>>(from + i)));
    }
  };
  run_loop<T>(loop, &f, x, x, y, count);
}

/// z[i] = f(x[i], y[i]).
template <class T, class F>
EIGEN_STRONG_INLINE void map(const T* x, const T* y, T* z, Index count, const F& f) {
  const VectorLoop<T> loop = [](const void* address, const T* from, const T* other, T* to,
                                Index all) {
    const F& function = *static_cast<const F*>(address);
    for (Index i = 0; i < all; i += lanes<Packet<T>>) {
      packet::pstoreu(to + i, function(packet::ploadu<Packet<T>>(from + i),
                                       packet::ploadu<Packet<T>>(other + i)));
    }
  };
  run_loop<T>(loop, &f, x, y, z, count);
}

}  // namespace
}  // namespace glueball::kernels::GLUEBALL_TARGET
