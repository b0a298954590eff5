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

/// Copies a few elements. A function of its own: the compiler would unroll the loop, with vectors
/// too, at each use.
template <class T>
void copy_some(const T* from, T* to, Index count) {
#pragma GCC unroll 1
  for (Index i = 0; i < count; ++i) to[i] = from[i];
}

/// load_some() and store_some() for vectors without masks.
template <class P>
[[gnu::noinline]] P load_through_memory(const Element<P>* from, Index count) {
  EIGEN_ALIGN_MAX Element<P> buffer[lanes<P>] = {};
  copy_some(from, buffer, count);
  return packet::pload<P>(buffer);
}
template <class P>
[[gnu::noinline]] void store_through_memory(Element<P>* to, const P& value, Index count) {
  EIGEN_ALIGN_MAX Element<P> buffer[lanes<P>];
  packet::pstore(buffer, value);
  copy_some(buffer, to, count);
}

/// The `count` elements at `from`, fewer than a vector, followed by zeros.
template <class P>
EIGEN_STRONG_INLINE P load_some(const Element<P>* from, Index count) {
  if constexpr (packet::unpacket_traits<P>::masked_load_available) {
    return packet::ploadu<P>(from, first_lanes<P>(count));
  }
  return load_through_memory<P>(from, count);
}

/// Writes the first `count` lanes, fewer than a vector.
template <class P>
EIGEN_STRONG_INLINE void store_some(Element<P>* to, const P& value, Index count) {
  if constexpr (packet::unpacket_traits<P>::masked_store_available) {
    return packet::pstoreu(to, value, first_lanes<P>(count));
  }
  store_through_memory<P>(to, value, count);
}

/// y[i] = f(x[i]).
///
/// The last elements go through the vector functions too, padded, and not through scalar ones: so
/// an element's result does not depend on where in the array it stands.
template <class T, class F>
EIGEN_STRONG_INLINE void map(const T* x, T* y, Index count, F f) {
  constexpr Index step = lanes<Packet<T>>;
  Index i = 0;
  for (; i + step <= count; i += step) {
    packet::pstoreu(y + i, f(packet::ploadu<Packet<T>>(x + i)));
  }
  if (i < count) store_some(y + i, f(load_some<Packet<T>>(x + i, count - i)), count - i);
}

/// z[i] = f(x[i], y[i]).
template <class T, class F>
EIGEN_STRONG_INLINE void map(const T* x, const T* y, T* z, Index count, F f) {
  constexpr Index step = lanes<Packet<T>>;
  Index i = 0;
  for (; i + step <= count; i += step) {
    packet::pstoreu(z + i, f(packet::ploadu<Packet<T>>(x + i), packet::ploadu<Packet<T>>(y + i)));
  }
  if (i < count) {
    store_some(z + i,
               f(load_some<Packet<T>>(x + i, count - i), load_some<Packet<T>>(y + i, count - i)),
               count - i);
  }
}

/// As load_some() and store_some(), for a vector that may be whole.
template <class P>
EIGEN_STRONG_INLINE P load_up_to(const Element<P>* from, Index count) {
  return count >= lanes<P> ? packet::ploadu<P>(from) : load_some<P>(from, count);
}
template <class P>
EIGEN_STRONG_INLINE void store_up_to(Element<P>* to, const P& value, Index count) {
  if (count >= lanes<P>) return packet::pstoreu(to, value);
  store_some(to, value, count);
}

/// As map(), for an `f` of so many steps that it should be compiled once: beside it, asking in the
/// loop whether a vector is whole costs nothing.
template <class T, class F>
EIGEN_STRONG_INLINE void map_once(const T* x, T* y, Index count, F f) {
#pragma GCC unroll 1
  for (Index i = 0; i < count; i += lanes<Packet<T>>) {
    store_up_to(y + i, f(load_up_to<Packet<T>>(x + i, count - i)), count - i);
  }
}
template <class T, class F>
EIGEN_STRONG_INLINE void map_once(const T* x, const T* y, T* z, Index count, F f) {
#pragma GCC unroll 1
  for (Index i = 0; i < count; i += lanes<Packet<T>>) {
    store_up_to(z + i,
                f(load_up_to<Packet<T>>(x + i, count - i), load_up_to<Packet<T>>(y + i, count - i)),
                count - i);
  }
}

}  // namespace
}  // namespace glueball::kernels::GLUEBALL_TARGET
