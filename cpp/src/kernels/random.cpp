// The transforms from Philox's words to numbers, version 1 of docs/random.md.
//
// Every arithmetic step here is an IEEE 754 addition, multiplication, division or square root, or
// an exact integer step, in an order that the source fixes (contraction is off). That, and no libm,
// is why every instruction set gives the same bits; tests/python/test_random_reference.py repeats
// the steps in NumPy. A change of any coefficient or order is a new version of the algorithm.

#include "kernels/lanes.h"
#include "kernels/normal_tail.h"
#include "kernels/philox.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

constexpr int lanes = 16;       // blocks in a chunk
constexpr int chunk_size = 64;  // elements in a chunk: word w of block j is element 16 w + j

// Elements whose blocks' numbers have the same upper half: four for each value of the lower one.
constexpr u64 segment_size = u64{1} << 34;

// Vectors of blocks drawn at a time: as many as fill the pipelines, although on 16 registers some
// of their state lives in the first cache.
constexpr int pairs = 4;

// ---- walking over a stream ------------------------------------------------------------------

// Calls transform(words, destination, count) for each chunk that has elements in [begin, begin +
// count), where `words` are the chunk's 64 and `destination` has room for all of it. For transforms
// that are left to the compiler to put into vectors.
template <class T, class Transform>
GLUEBALL_INLINE void fill_chunks(u64 seed, u64 stream, u64 begin, Index count, T* out,
                                 const Transform& transform) {
  alignas(64) u32 words[chunk_size];
  alignas(64) T part[chunk_size];
  while (count > 0) {
    const Philox source(seed, stream, static_cast<u32>(begin / segment_size));
    const auto block = static_cast<u32>(begin / chunk_size * lanes);
    for (int j = 0; j < lanes; j += span) {
      Words drawn[1];
      source.draw(block + static_cast<u32>(j), drawn);
      for (int k = 0; k < 4; ++k) put(words + lanes * k + j, drawn[0].of[k], false);
    }
    transform(words, part);
    const auto skipped = static_cast<Index>(begin % chunk_size);
    const Index taken = count < chunk_size - skipped ? count : chunk_size - skipped;
    for (Index i = 0; i < taken; ++i) out[i] = part[skipped + i];
    out += taken;
    begin += static_cast<u64>(taken);
    count -= taken;
  }
}

// Writes finish(variates): a unit variate's type is float, an array's perhaps double.
template <class Finish>
GLUEBALL_INLINE void store(float* to, Real variates, bool streaming, const Finish& finish) {
  put(to, finish(variates), streaming);
}
template <class Finish>
GLUEBALL_INLINE void store(double* to, Real variates, bool streaming, const Finish& finish) {
  struct Both {
    HalfReal low, high;
  };
  const auto both = __builtin_bit_cast(Both, variates);
  put(to, finish(__builtin_convertvector(both.low, Double)), streaming);
  put(to + width, finish(__builtin_convertvector(both.high, Double)), streaming);
}
template <class Finish>
GLUEBALL_INLINE void store(u32* to, Word words, bool streaming, const Finish& /*finish*/) {
  put(to, words, streaming);
}

// Fills elements [begin, begin + count) with finish(variate). variates(words) makes the variates of
// `span` blocks: four vectors, one for each word. Everything stays in registers.
template <class T, class Variates, class Finish>
GLUEBALL_INLINE void fill_segment(const Philox& source, u64 begin, Index count, T* out,
                                  bool streaming, const Variates& variates, const Finish& finish) {
  auto block = static_cast<u32>(begin / chunk_size * lanes);

  // Chunks at the ends that are not whole go through memory on the stack.
  const auto some_of_chunk = [&](Index skipped) {
    alignas(64) T part[chunk_size];
    for (int j = 0; j < lanes; j += span) {
      Words words[1];
      source.draw(block + static_cast<u32>(j), words);
      const auto drawn = variates(words[0]);
      for (int k = 0; k < 4; ++k) store(part + lanes * k + j, drawn.of[k], false, finish);
    }
    const Index taken = count < chunk_size - skipped ? count : chunk_size - skipped;
    for (Index i = 0; i < taken; ++i) out[i] = part[skipped + i];
    out += taken;
    count -= taken;
    block += lanes;
  };

  const auto skipped = static_cast<Index>(begin % chunk_size);
  if (skipped != 0) some_of_chunk(skipped);

  // A lane's vector that is not aligned would fault when it is streamed.
  streaming = streaming && reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
  constexpr int step = pairs * span;
  constexpr int batch = step > lanes ? step : lanes;  // blocks: whole chunks
  constexpr Index elements = batch / lanes * chunk_size;
  for (; count >= elements; count -= elements, out += elements, block += batch) {
    for (int begin_of_step = 0; begin_of_step < batch; begin_of_step += step) {
      Words words[pairs];
      source.draw(block + static_cast<u32>(begin_of_step), words);
#pragma GCC unroll 4
      for (int pair = 0; pair < pairs; ++pair) {
        const int j = begin_of_step + pair * span;
        T* to = out + chunk_size * (j / lanes) + j % lanes;
        const auto drawn = variates(words[pair]);
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) store(to + lanes * k, drawn.of[k], streaming, finish);
      }
    }
  }
  while (count > 0) some_of_chunk(0);
  if (streaming) end_streaming();
}

template <class T, class Variates, class Finish>
void fill(u64 seed, u64 stream, u64 begin, Index count, T* out, bool streaming,
          const Variates& variates, const Finish& finish) {
  while (count > 0) {
    const u64 left = segment_size - begin % segment_size;
    const Index taken = static_cast<u64>(count) < left ? count : static_cast<Index>(left);
    const Philox source(seed, stream, static_cast<u32>(begin / segment_size));
    fill_segment(source, begin, taken, out, streaming, variates, finish);
    begin += static_cast<u64>(taken);
    out += taken;
    count -= taken;
  }
}

// ---- bounds ---------------------------------------------------------------------------------

template <class T>
struct Bits;
template <>
struct Bits<float> {
  using Type = std::int32_t;
};
template <>
struct Bits<double> {
  using Type = std::int64_t;
};

// The next representable number above `x` (or below it), for finite x.
template <class T>
T next(T x, bool upwards) {
  using I = typename Bits<T>::Type;
  if (x == T(0)) x = upwards ? T(0) : -T(0);
  I bits = __builtin_bit_cast(I, x);
  const bool away_from_zero = (bits >= 0) == upwards;
  if (x == T(0) && !away_from_zero) return x;
  bits = static_cast<I>(bits + (away_from_zero ? 1 : -1));
  return __builtin_bit_cast(T, bits);
}

// The numbers of T inside [low, high) or [low, high], for numbers given as doubles.
template <class T>
struct Range {
  T low, high;

  Range(double low_limit, double high_limit, bool high_is_in)
      : low(static_cast<T>(low_limit)), high(static_cast<T>(high_limit)) {
    const T nearest = low;
    if (static_cast<double>(low) < low_limit) low = next(low, true);
    if (static_cast<double>(high) > high_limit ||
        (!high_is_in && static_cast<double>(high) == high_limit)) {
      high = next(high, false);
    }
    // No number of T between the limits: all elements are the one nearest to them.
    if (low > high) low = high = nearest;
  }

  bool has(T x) const { return x >= low && x <= high; }

  T clamp(T x) const {
    x = x < low ? low : x;
    return x > high ? high : x;
  }
};

// ---- unit variates --------------------------------------------------------------------------

// Variates of `span` blocks, one vector for each word.
struct Variates {
  Real of[4];
};

// The upper 24 bits of a word, exactly; 2^24 times a uniform number of [0, 1).
GLUEBALL_INLINE Real upper_bits(Word word) { return to_real(word >> 8); }

// -2 ln(u) for u = (word + 1) / 2^32 or so: the 31 upper bits and a half, in (0, 1].
//
// u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); ln(1 + f) = f - f^2/2 + f^3 p(f), p a minimax
// polynomial of degree 7 (relative error of the logarithm 6e-9).
GLUEBALL_INLINE Real minus_two_log(Word word) {
  // 2^31 u: the power of two goes into the exponent's offset.
  const Real x = to_real(word >> 1) + 0.5f;
  constexpr std::int32_t root_of_half = 0x3F3504F3;
  const Int above = (Int)x - (root_of_half + (31 << 23));
  const Real e = to_real(above >> 23);
  const Real f = (Real)((above & 0x7FFFFF) + root_of_half) - 1.0f;
  Real p = 0.15268996f * f - 0.25523156f;
  p = p * f + 0.26320365f;
  p = p * f - 0.28403515f;
  p = p * f + 0.33246714f;
  p = p * f - 0.40002453f;
  p = p * f + 0.5000164f;
  p = p * f - 0.6666666f;
  const Real square = f * f;
  return ((square * f * p + square) - 2.0f * f) + e * -1.3862944f;
}

// cos and sin of 2 pi word / 2^32, times `radius`. The nearest quarter turn is taken off in
// integers, without error; minimax polynomials on +-1/8 turn do the rest (relative errors 3e-9 and
// 6e-11).
GLUEBALL_INLINE void turn(Word word, Real radius, Real& x, Real& y) {
  // The lower 30 bits, signed: what is left of the angle. Their upper place is bit 31 here.
  const Real v = to_real(word << 2) * 0x1p-34f;
  const Real v2 = v * v;
  Real s = -75.393562f * v2 + 81.592354f;
  s = s * v2 - 41.341661f;
  s = s * v2 + 6.2831853f;
  s = radius * (s * v);
  Real c = 59.229244f * v2 - 85.443236f;
  c = c * v2 + 64.939322f;
  c = c * v2 - 19.739209f;
  c = radius * (c * v2 + 1.0f);
  // The quarter turn is in the two upper bits: an odd one exchanges sine and cosine.
  const Word quarters = word + 0x20000000u;
  const Word odd = quarters << 1;
  x = flip(quarters + 0x40000000u, choose(odd, c, s));
  y = flip(quarters, choose(odd, s, c));
}

// A unit normal cut off at -2 and 2: the inverse distribution function at x = 2 p - 1, |x| <
// 0.9544997, as a fraction of polynomials in 15/16 - x^2. Within 5 units in the last place, and
// inside (-2, 2).
GLUEBALL_INLINE Real two_sigma(Word word) {
  const Real x = (to_real((Int)(word >> 8) - 0x800000) + 0.5f) * (0.9544997f * 0x1p-23f);
  const Real r = 0.9375f - x * x;
  Real p = 10.395186f * r + 116.06809f;
  p = p * r + 137.35188f;
  p = p * r + 35.987385f;
  p = p * r + 2.2178796f;
  Real q = 24.227946f * r + 111.3609f;
  q = q * r + 89.548752f;
  q = q * r + 18.713985f;
  q = q * r + 1.0f;
  return x * (p / q);
}

struct UpperBits {
  GLUEBALL_INLINE Variates operator()(const Words& words) const {
    Variates result;
    for (int k = 0; k < 4; ++k) result.of[k] = upper_bits(words.of[k]);
    return result;
  }
};

struct UnitUniform {
  GLUEBALL_INLINE Variates operator()(const Words& words) const {
    Variates result;
    for (int k = 0; k < 4; ++k) result.of[k] = upper_bits(words.of[k]) * 0x1p-24f;
    return result;
  }
};

struct UnitNormal {
  GLUEBALL_INLINE Variates operator()(const Words& words) const {
    Variates result;
    for (int k = 0; k < 4; k += 2) {
      const Real radius = root(minus_two_log(words.of[k]));
      turn(words.of[k + 1], radius, result.of[k], result.of[k + 1]);
    }
    return result;
  }
};

struct TwoSigma {
  GLUEBALL_INLINE Variates operator()(const Words& words) const {
    Variates result;
    for (int k = 0; k < 4; ++k) result.of[k] = two_sigma(words.of[k]);
    return result;
  }
};

// ---- from unit variates to an array's numbers -----------------------------------------------

template <class T>
struct Scaled {
  T offset, scale;

  template <class V>
  GLUEBALL_INLINE V operator()(V variates) const {
    return offset + scale * variates;
  }
};

template <class T>
struct Clamped {
  T offset, scale;
  Range<T> range;

  template <class V>
  GLUEBALL_INLINE V operator()(V variates) const {
    const V low = all<V>(range.low);
    const V high = all<V>(range.high);
    return smaller(high, larger(low, offset + scale * variates));
  }
};

// ---- truncated normal with any cuts ---------------------------------------------------------

// Where a unit normal is cut, mirrored so that `low` is the cut that is farther from 0.
struct Cuts {
  double low, high;
  bool mirrored;
};

// Cuts that lie on both sides of the mean, or within 5 sigmas of it.
template <class T>
void fill_near(u64 seed, u64 stream, u64 begin, Index count, T* out, T mean, T sigma,
               const Range<T>& range, const Cuts& cuts) {
  // Of the uncut normal: how much is below the low cut and above the high one, and their
  // complements.
  const double tail = tail_probability(cuts.high > 0 ? cuts.high : -cuts.high);
  const double below = tail_probability(-cuts.low);
  const double not_below = 1.0 - below;
  const double above = cuts.high > 0 ? tail : 1.0 - tail;
  const double not_above = cuts.high > 0 ? 1.0 - tail : tail;
  const double inside = not_above - below;

  fill_chunks(seed, stream, begin, count, out, [=](const u32* __restrict words, T* __restrict to) {
    for (int i = 0; i < chunk_size; ++i) {
      // From whichever end is nearer, so that the tail's probability loses no digits.
      const bool from_low = static_cast<std::int32_t>(words[i]) >= 0;
      const u32 step = from_low ? words[i] : ~words[i];
      const double v =
          (static_cast<double>(static_cast<std::int32_t>(step)) + 0.5) * 0x1p-32 * inside;
      const double near_side = (from_low ? below : above) + v;
      const double other_side = (from_low ? not_below : not_above) - v;
      const bool is_near = near_side <= other_side;
      const double p = is_near ? near_side : other_side;
      const double z = quantile(p < 0.5 ? p : 0.5);
      const bool negative = (is_near == from_low) != cuts.mirrored;
      to[i] = range.clamp(mean + sigma * static_cast<T>(static_cast<float>(negative ? -z : z)));
    }
  });
}

// Both cuts on one side, and more than 5 sigmas away: works with the logarithm of probabilities.
template <class T>
void fill_far(u64 seed, u64 stream, u64 begin, Index count, T* out, T mean, T sigma,
              const Range<T>& range, const Cuts& cuts) {
  const double near_depth = tail_depth(-cuts.high);
  // The part of the near cut's tail that lies beyond the far cut.
  double beyond = 0.0;
  if (cuts.low > -1e6) {
    const double difference = tail_depth(-cuts.low) - near_depth;
    if (difference < 600.0) {
      beyond = bisect(smallest_probability, 1.0,
                      [=](double share) { return natural_log(share) < -difference; });
    }
  }
  fill_chunks(seed, stream, begin, count, out, [=](const u32* __restrict words, T* __restrict to) {
    for (int i = 0; i < chunk_size; ++i) {
      const double v = (static_cast<double>(words[i]) + 0.5) * 0x1p-32;
      const double share = beyond + (1.0 - beyond) * v;
      const double z = deep_quantile(near_depth - natural_log(share));
      to[i] =
          range.clamp(mean + sigma * static_cast<T>(static_cast<float>(cuts.mirrored ? z : -z)));
    }
  });
}

}  // namespace

// ---- the table's functions ------------------------------------------------------------------

void words(u64 seed, u64 stream, u64 begin, Index count, u32* out) {
  const auto unchanged = [](const Words& words) { return words; };
  fill(seed, stream, begin, count, out, false, unchanged, unchanged);
}

template <class T>
void uniform(u64 seed, u64 stream, u64 begin, Index count, T* out, double low, double high,
             bool streaming) {
  const Range<T> range(low, high, low == high);
  const T offset = static_cast<T>(low);
  const T scale = static_cast<T>(high - low);
  // The same numbers with fewer steps, where they are: 2^-24 goes into the scale unless that is too
  // small for it, and numbers that grow with the word need a look at the first and last only.
  const T fine = scale * T(0x1p-24);
  if (fine * T(0x1p24) != scale) {
    fill(seed, stream, begin, count, out, streaming, UnitUniform{},
         Clamped<T>{offset, scale, range});
  } else if (range.has(offset) && range.has(offset + fine * T(0xFFFFFF))) {
    fill(seed, stream, begin, count, out, streaming, UpperBits{}, Scaled<T>{offset, fine});
  } else {
    fill(seed, stream, begin, count, out, streaming, UpperBits{}, Clamped<T>{offset, fine, range});
  }
}

template <class T>
void normal(u64 seed, u64 stream, u64 begin, Index count, T* out, double mean, double sigma,
            bool streaming) {
  fill(seed, stream, begin, count, out, streaming, UnitNormal{},
       Scaled<T>{static_cast<T>(mean), static_cast<T>(sigma)});
}

template <class T>
void truncated_normal(u64 seed, u64 stream, u64 begin, Index count, T* out, double mean,
                      double sigma, double low, double high, bool streaming) {
  const Range<T> range(low, high, true);
  const T centre = static_cast<T>(mean);
  const T scale = static_cast<T>(sigma);
  Cuts cuts{(low - mean) / sigma, (high - mean) / sigma, false};

  const auto is_two = [](double cut) { return cut > 2.0 - 1e-9 && cut < 2.0 + 1e-9; };
  if (is_two(-cuts.low) && is_two(cuts.high)) {
    fill(seed, stream, begin, count, out, streaming, TwoSigma{}, Clamped<T>{centre, scale, range});
    return;
  }
  if (cuts.high > -cuts.low) cuts = {-cuts.high, -cuts.low, true};
  if (cuts.high >= -5.0) {
    fill_near(seed, stream, begin, count, out, centre, scale, range, cuts);
  } else if (cuts.high > -1e6) {
    fill_far(seed, stream, begin, count, out, centre, scale, range, cuts);
  } else {
    // All the probability is within a millionth of a sigma of the near cut.
    const T near_cut = cuts.mirrored ? range.low : range.high;
    for (Index i = 0; i < count; ++i) out[i] = near_cut;
  }
}

template void uniform<float>(u64, u64, u64, Index, float*, double, double, bool);
template void uniform<double>(u64, u64, u64, Index, double*, double, double, bool);
template void normal<float>(u64, u64, u64, Index, float*, double, double, bool);
template void normal<double>(u64, u64, u64, Index, double*, double, double, bool);
template void truncated_normal<float>(u64, u64, u64, Index, float*, double, double, double, double,
                                      bool);
template void truncated_normal<double>(u64, u64, u64, Index, double*, double, double, double,
                                       double, bool);

}  // namespace glueball::kernels::GLUEBALL_TARGET
