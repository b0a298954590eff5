#pragma once

// The vectors of the instruction set that a kernel file is compiled for, as the random fills use
// them: arithmetic by the compiler's vector types, and the few instructions that those do not have.
//
// For kernel files only. Nothing here rounds twice, or otherwise than IEEE 754 says, so every width
// gives the same bits.

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "kernels/table.h"

// A function that is not inlined would pass its vectors through memory.
#define GLUEBALL_INLINE [[gnu::always_inline]] inline

namespace glueball::kernels::GLUEBALL_TARGET {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

#ifdef __AVX512F__
constexpr int width = 8;  // 64-bit lanes of a vector
#elif defined(__AVX2__)
constexpr int width = 4;
#else
constexpr int width = 2;
#endif
constexpr int span = 2 * width;  // 32-bit lanes of a vector

using Wide = u64 __attribute__((vector_size(8 * width)));
using Double = double __attribute__((vector_size(8 * width)));
using Word = u32 __attribute__((vector_size(4 * span)));
using Int = std::int32_t __attribute__((vector_size(4 * span)));
using Real = float __attribute__((vector_size(4 * span)));
using HalfReal = float __attribute__((vector_size(4 * width)));

/// All lanes `x`, the sign of zero included.
template <class V, class T>
GLUEBALL_INLINE V all(T x) {
  return x - V{};
}

GLUEBALL_INLINE Real to_real(Word x) { return __builtin_convertvector((Int)x, Real); }
GLUEBALL_INLINE Real to_real(Int x) { return __builtin_convertvector(x, Real); }

/// The 64-bit products of the low halves of 64-bit lanes. What the high halves hold does not
/// matter.
GLUEBALL_INLINE Wide product(Wide a, u32 b) {
#ifdef __AVX512F__
  return (Wide)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
  return (Wide)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__SSE2__)
  return (Wide)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
  return (a & 0xFFFFFFFFu) * b;
#endif
}

/// The 64-bit lanes in which element 4 i + 2 `vector` + j of a `Word` is computed: lane 2 i + j, j
/// < 2, of one of two vectors. In this order one shuffle puts their halves side by side.
GLUEBALL_INLINE Wide lane_elements(int vector) {
  Wide elements;
  for (int lane = 0; lane < width; ++lane) {
    const int element = 4 * (lane / 2) + lane % 2 + 2 * vector;
    elements[lane] = static_cast<u64>(element);
  }
  return elements;
}

/// The low (0) or high (1) halves of the lanes of `a` and `b`, in the order of lane_elements().
template <int half>
GLUEBALL_INLINE Word halves(Wide a, Wide b) {
#ifdef __SSE2__
  constexpr int choice = half == 0 ? 0x88 : 0xDD;
#endif
#ifdef __AVX512F__
  return (Word)_mm512_shuffle_ps((__m512)a, (__m512)b, choice);
#elif defined(__AVX2__)
  return (Word)_mm256_shuffle_ps((__m256)a, (__m256)b, choice);
#elif defined(__SSE2__)
  return (Word)_mm_shuffle_ps((__m128)a, (__m128)b, choice);
#else
  return Word{static_cast<u32>(a[0] >> (32 * half)), static_cast<u32>(a[1] >> (32 * half)),
              static_cast<u32>(b[0] >> (32 * half)), static_cast<u32>(b[1] >> (32 * half))};
#endif
}

GLUEBALL_INLINE Real root(Real x) {
#ifdef __AVX512F__
  return (Real)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (Real)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
  return (Real)_mm_sqrt_ps((__m128)x);
#else
  for (int lane = 0; lane < span; ++lane) x[lane] = __builtin_sqrtf(x[lane]);
  return x;
#endif
}

/// a > b ? a : b, and so b if they are equal.
template <class V>
GLUEBALL_INLINE V larger(V a, V b) {
#ifdef __AVX512F__
  if constexpr (sizeof(a[0]) == 4) return (V)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  if constexpr (sizeof(a[0]) == 4) return (V)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
  if constexpr (sizeof(a[0]) == 4) return (V)_mm_max_ps((__m128)a, (__m128)b);
#endif
  return a > b ? a : b;
}

/// a < b ? a : b.
template <class V>
GLUEBALL_INLINE V smaller(V a, V b) {
#ifdef __AVX512F__
  if constexpr (sizeof(a[0]) == 4) return (V)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  if constexpr (sizeof(a[0]) == 4) return (V)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
  if constexpr (sizeof(a[0]) == 4) return (V)_mm_min_ps((__m128)a, (__m128)b);
#endif
  return a < b ? a : b;
}

/// `swaps`' bit 31 of a lane: `b`, else `a`.
GLUEBALL_INLINE Real choose(Word swaps, Real a, Real b) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return (Real)_mm256_blendv_ps((__m256)a, (__m256)b, (__m256)swaps);
#elif defined(__SSE4_1__) && !defined(__AVX2__)
  return (Real)_mm_blendv_ps((__m128)a, (__m128)b, (__m128)swaps);
#else
  return (Int)swaps < 0 ? b : a;
#endif
}

/// `x`, its sign changed where bit 31 of `signs` is set.
GLUEBALL_INLINE Real flip(Word signs, Real x) {
#ifdef __AVX512F__
  // x ^ (signs & 0x80000000) in one instruction, which the compiler does not find.
  return (Real)_mm512_ternarylogic_epi32((__m512i)x, (__m512i)signs,
                                         (__m512i)all<Word>(0x80000000u), 0x78);
#else
  return (Real)((Word)x ^ (signs & 0x80000000u));
#endif
}

/// Writes a vector; `streaming` past the caches, for which `to` has to be aligned to it.
template <class V>
GLUEBALL_INLINE void put(void* to, V value, [[maybe_unused]] bool streaming) {
#ifdef __AVX512F__
  if (streaming) return _mm512_stream_si512(static_cast<__m512i*>(to), (__m512i)value);
#elif defined(__AVX2__)
  if (streaming) return _mm256_stream_si256(static_cast<__m256i*>(to), (__m256i)value);
#elif defined(__SSE2__)
  if (streaming) return _mm_stream_si128(static_cast<__m128i*>(to), (__m128i)value);
#endif
  __builtin_memcpy(to, &value, sizeof value);
}

/// Makes streamed writes visible before anything that follows.
GLUEBALL_INLINE void end_streaming() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
