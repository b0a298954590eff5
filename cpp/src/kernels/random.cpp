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

/// The words themselves.
struct Unchanged {
  // NOLINTNEXTLINE(bugprone-return-const-ref-from-parameter): callers hold the words
  GLUEBALL_INLINE const Words& operator()(const Words& words) const { return words; }
};

// `Source` is how the loop over blocks holds their keys: a copy is kept in vectors, which
// UnitNormal has no registers for.
template <Real (*of_word)(Word)>
struct EachWord {
  using Source = const Philox;
  GLUEBALL_INLINE Variates operator()(const Words& words) const {
    Variates result;
    for (int k = 0; k < 4; ++k) result.of[k] = of_word(words.of[k]);
    return result;
  }
};
using UpperBits = EachWord<upper_bits>;
using TwoSigma = EachWord<two_sigma>;

struct UnitNormal {
  using Source = const Philox&;
  GLUEBALL_INLINE Variates operator()(const Words& words) const {
    Variates result;
    for (int k = 0; k < 4; k += 2) {
      const Real radius = root(minus_two_log(words.of[k]));
      turn(words.of[k + 1], radius, result.of[k], result.of[k + 1]);
    }
    return result;
  }
};

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

// A uniform's number of [0, 1) from its upper bits, exactly.
template <class T>
struct ClampedFraction {
  Clamped<T> finish;

  template <class V>
  GLUEBALL_INLINE V operator()(V upper_bits) const {
    return finish(upper_bits * T(0x1p-24));
  }
};

// The next vector of an array's type from unit variates, which are float.
GLUEBALL_INLINE Real load_units(const float* from, const float* /*to*/) {
  Real units;
  __builtin_memcpy(&units, from, sizeof units);
  return units;
}
GLUEBALL_INLINE Double load_units(const float* from, const double* /*to*/) {
  HalfReal units;
  __builtin_memcpy(&units, from, sizeof units);
  return __builtin_convertvector(units, Double);
}

// Room for unit variates on the stack, from which whole vectors are read at any place.
template <int size>
struct Units {
  alignas(64) float of[size + span];
};

// out[i] = finish(units[i]).
template <class T, class Finish>
[[gnu::noinline]] void finish_units(const float* units, Index count, T* out, bool streaming,
                                    const Finish& finish) {
  constexpr Index step = sizeof(Real) / sizeof(T);
  streaming = streaming && reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
  const Finish own = finish;
  for (; count >= step; count -= step, units += step, out += step) {
    put(out, own(load_units(units, out)), streaming);
  }
  if (count > 0) {
    const auto last = finish(load_units(units, out));
    for (Index i = 0; i < count; ++i) out[i] = last[i];
  }
}

// Calls run(source, begin, count) for the parts of a stream whose blocks' numbers have an upper
// half in common; `source` draws those blocks.
template <class Run>
GLUEBALL_INLINE void each_segment(u64 seed, u64 stream, u64 begin, Index count, const Run& run) {
  while (count > 0) {
    const u64 left = segment_size - begin % segment_size;
    const Index taken = static_cast<u64>(count) < left ? count : static_cast<Index>(left);
    run(Philox(seed, stream, static_cast<u32>(begin / segment_size)), begin, taken);
    begin += static_cast<u64>(taken);
    count -= taken;
  }
}

// The variates of the chunk that has element `begin`, where speed does not matter: one vector of
// blocks after the other.
template <class Variates, class T>
[[gnu::noinline]] void draw_chunk(const Philox& source, u64 begin, T* out) {
  const auto block = static_cast<u32>(begin / chunk_size * lanes);
#pragma GCC unroll 1
  for (int j = 0; j < lanes; j += span) {
    Words words[1];
    source.draw(block + static_cast<u32>(j), words);
    const auto drawn = Variates()(words[0]);
    for (int k = 0; k < 4; ++k) put(out + lanes * k + j, drawn.of[k], false);
  }
}

// Calls use(chunk, first, taken) for the chunks that have elements of [begin, begin + count):
// `taken` of them from the chunk's element `first` on. `chunk` is what variates make of its words.
template <class Variates, class T, class Use>
GLUEBALL_INLINE void each_chunk(const Philox& source, u64 begin, Index count, T* chunk,
                                const Use& use) {
  while (count > 0) {
    const auto first = static_cast<Index>(begin % chunk_size);
    const Index taken = count < chunk_size - first ? count : chunk_size - first;
    draw_chunk<Variates>(source, begin, chunk);
    use(chunk, first, taken);
    begin += static_cast<u64>(taken);
    count -= taken;
  }
}

// Fills elements [begin, begin + count) with finish(variate), in float. Everything stays in
// registers, except for parts of chunks at the ends.
template <class Variates, class Finish>
[[gnu::noinline]] void fill(u64 seed, u64 stream, u64 begin, Index count, float* out,
                            bool streaming, const Finish& finish) {
  const auto fill_ends = [&](const Philox& source, u64 from, Index some) {
    Units<chunk_size> units;
    each_chunk<Variates>(source, from, some, units.of, [&](float* chunk, Index first, Index taken) {
      finish_units(chunk + first, taken, out, false, finish);
      out += taken;
    });
  };
  each_segment(seed, stream, begin, count, [&](const Philox& source, u64 from, Index left) {
    const auto skipped = static_cast<Index>(from % chunk_size);
    if (skipped != 0) {
      const Index some = left < chunk_size - skipped ? left : chunk_size - skipped;
      fill_ends(source, from, some);
      from += static_cast<u64>(some);
      left -= some;
    }
    // A vector that is not aligned would fault when it is streamed.
    const bool past_caches = streaming && reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
    // Copies: the compiler knows that nothing written here changes them.
    const Finish own = finish;
    typename Variates::Source blocks = source;
    constexpr int step = pairs * span;
    constexpr int batch = step > lanes ? step : lanes;  // blocks: whole chunks
    constexpr Index elements = batch / lanes * chunk_size;
    auto block = static_cast<u32>(from / chunk_size * lanes);
    for (; left >= elements; left -= elements, out += elements, from += elements, block += batch) {
      for (int begin_of_step = 0; begin_of_step < batch; begin_of_step += step) {
        Words words[pairs];
        blocks.draw(block + static_cast<u32>(begin_of_step), words);
#pragma GCC unroll 4
        for (int pair = 0; pair < pairs; ++pair) {
          const int j = begin_of_step + pair * span;
          float* to = out + chunk_size * (j / lanes) + j % lanes;
          const auto drawn = Variates()(words[pair]);
#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) put(to + lanes * k, own(drawn.of[k]), past_caches);
        }
      }
    }
    if (past_caches) end_streaming();
    fill_ends(source, from, left);
  });
}

// Writes unit variates: what fill() gives for settings that change nothing.
using UnitFill = void (*)(u64 seed, u64 stream, u64 begin, Index count, const void* settings,
                          float* out);

// -0 + 1 x is x, the sign of zero included.
template <class Variates>
void fill_units(u64 seed, u64 stream, u64 begin, Index count, const void* /*settings*/,
                float* out) {
  fill<Variates>(seed, stream, begin, count, out, false, Scaled<float>{-0.0f, 1.0f});
}
template <>
void fill_units<TwoSigma>(u64 seed, u64 stream, u64 begin, Index count, const void* /*settings*/,
                          float* out) {
  fill<TwoSigma>(seed, stream, begin, count, out, false,
                 Clamped<float>{-0.0f, 1.0f, Range<float>(-2.0, 2.0, true)});
}

// Fills with finish(unit variate) for double, and for rare settings: through a buffer that stays in
// the first cache, so that a way to draw is compiled once and not for every use.
template <class T, class Finish>
[[gnu::noinline]] void fill_through(UnitFill unit_fill, const void* settings, u64 seed, u64 stream,
                                    u64 begin, Index count, T* out, bool streaming,
                                    const Finish& finish) {
  constexpr Index size = 1024;
  Units<size> units;
  while (count > 0) {
    // Up to where a chunk ends, so that the next time begins with whole ones.
    const Index most = size - static_cast<Index>(begin % chunk_size);
    const Index taken = count < most ? count : most;
    unit_fill(seed, stream, begin, taken, settings, units.of);
    finish_units(units.of, taken, out, streaming, finish);
    begin += static_cast<u64>(taken);
    out += taken;
    count -= taken;
  }
  if (streaming) end_streaming();
}

template <class Variates, class Finish>
void fill(u64 seed, u64 stream, u64 begin, Index count, double* out, bool streaming,
          const Finish& finish) {
  fill_through(fill_units<Variates>, nullptr, seed, stream, begin, count, out, streaming, finish);
}

// Where a unit normal is cut, mirrored so that `low` is the cut that is farther from 0.
struct Cuts {
  double low, high;
  bool mirrored;
};

// Calls transform(words, units) for chunks, where the compiler is left to find vectors.
template <class Transform>
GLUEBALL_INLINE void transform_chunks(u64 seed, u64 stream, u64 begin, Index count, float* out,
                                      const Transform& transform) {
  alignas(64) u32 words[chunk_size];
  alignas(64) float units[chunk_size];
  each_segment(seed, stream, begin, count, [&](const Philox& source, u64 from, Index left) {
    each_chunk<Unchanged>(source, from, left, words, [&](u32* chunk, Index first, Index taken) {
      transform(chunk, units);
      for (Index i = 0; i < taken; ++i) *out++ = units[first + i];
    });
  });
}

// Cuts that lie on both sides of the mean, or within 5 sigmas of it.
struct NearCuts {
  // Of the uncut normal: how much is below the low cut and above the high one, and their
  // complements.
  double below, above, not_below, not_above;
  bool mirrored;

  explicit NearCuts(const Cuts& cuts) : mirrored(cuts.mirrored) {
    const double tail = tail_probability(cuts.high > 0 ? cuts.high : -cuts.high);
    below = tail_probability(-cuts.low);
    not_below = 1.0 - below;
    above = cuts.high > 0 ? tail : 1.0 - tail;
    not_above = cuts.high > 0 ? 1.0 - tail : tail;
  }
};

void fill_near(u64 seed, u64 stream, u64 begin, Index count, const void* settings, float* out) {
  const NearCuts cuts = *static_cast<const NearCuts*>(settings);
  const double inside = cuts.not_above - cuts.below;
  transform_chunks(
      seed, stream, begin, count, out, [=](const u32* __restrict words, float* __restrict to) {
        for (int i = 0; i < chunk_size; ++i) {
          // From whichever end is nearer, so that the tail's probability loses no digits.
          const bool from_low = static_cast<std::int32_t>(words[i]) >= 0;
          const u32 step = from_low ? words[i] : ~words[i];
          const double v =
              (static_cast<double>(static_cast<std::int32_t>(step)) + 0.5) * 0x1p-32 * inside;
          const double near_side = (from_low ? cuts.below : cuts.above) + v;
          const double other_side = (from_low ? cuts.not_below : cuts.not_above) - v;
          const bool is_near = near_side <= other_side;
          const double p = is_near ? near_side : other_side;
          const double z = quantile(p < 0.5 ? p : 0.5);
          const bool negative = (is_near == from_low) != cuts.mirrored;
          to[i] = static_cast<float>(negative ? -z : z);
        }
      });
}

// Both cuts on one side, and more than 5 sigmas away: works with the logarithm of probabilities.
struct FarCuts {
  double near_depth;
  double beyond = 0.0;  // the part of the near cut's tail that lies beyond the far cut
  bool mirrored;

  explicit FarCuts(const Cuts& cuts) : near_depth(tail_depth(-cuts.high)), mirrored(cuts.mirrored) {
    if (cuts.low <= -1e6) return;
    const double difference = tail_depth(-cuts.low) - near_depth;
    if (difference >= 600.0) return;
    beyond = bisect(smallest_probability, 1.0,
                    [=](double share) { return natural_log(share) < -difference; });
  }
};

void fill_far(u64 seed, u64 stream, u64 begin, Index count, const void* settings, float* out) {
  const FarCuts cuts = *static_cast<const FarCuts*>(settings);
  transform_chunks(seed, stream, begin, count, out,
                   [=](const u32* __restrict words, float* __restrict to) {
                     for (int i = 0; i < chunk_size; ++i) {
                       const double v = (static_cast<double>(words[i]) + 0.5) * 0x1p-32;
                       const double share = cuts.beyond + (1.0 - cuts.beyond) * v;
                       const double z = deep_quantile(cuts.near_depth - natural_log(share));
                       to[i] = static_cast<float>(cuts.mirrored ? z : -z);
                     }
                   });
}

}  // namespace

void words(u64 seed, u64 stream, u64 begin, Index count, u32* out) {
  alignas(64) u32 words[chunk_size];
  each_segment(seed, stream, begin, count, [&](const Philox& source, u64 from, Index left) {
    each_chunk<Unchanged>(source, from, left, words,
                          [&](const u32* chunk, Index first, Index taken) {
                            for (Index i = 0; i < taken; ++i) *out++ = chunk[first + i];
                          });
  });
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
  const bool is_exact = fine * T(0x1p24) == scale;
  const bool is_inside = range.has(offset) && range.has(offset + fine * T(0xFFFFFF));
  const Clamped<T> clamped{offset, fine, range};
  if (!is_exact) {
    fill_through(fill_units<UpperBits>, nullptr, seed, stream, begin, count, out, streaming,
                 ClampedFraction<T>{{offset, scale, range}});
  } else if (is_inside) {
    fill<UpperBits>(seed, stream, begin, count, out, streaming, Scaled<T>{offset, fine});
  } else {
    fill<UpperBits>(seed, stream, begin, count, out, streaming, clamped);
  }
}

template <class T>
void normal(u64 seed, u64 stream, u64 begin, Index count, T* out, double mean, double sigma,
            bool streaming) {
  const Scaled<T> scaled{static_cast<T>(mean), static_cast<T>(sigma)};
  fill<UnitNormal>(seed, stream, begin, count, out, streaming, scaled);
}

template <class T>
void truncated_normal(u64 seed, u64 stream, u64 begin, Index count, T* out, double mean,
                      double sigma, double low, double high, bool streaming) {
  const Range<T> range(low, high, true);
  const Clamped<T> clamped{static_cast<T>(mean), static_cast<T>(sigma), range};
  Cuts cuts{(low - mean) / sigma, (high - mean) / sigma, false};
  const auto through = [&](UnitFill unit_fill, const void* settings) {
    fill_through(unit_fill, settings, seed, stream, begin, count, out, streaming, clamped);
  };

  const auto is_two = [](double cut) { return cut > 2.0 - 1e-9 && cut < 2.0 + 1e-9; };
  if (is_two(-cuts.low) && is_two(cuts.high)) {
    return fill<TwoSigma>(seed, stream, begin, count, out, streaming, clamped);
  }
  if (cuts.high > -cuts.low) cuts = {-cuts.high, -cuts.low, true};
  if (cuts.high >= -5.0) {
    const NearCuts near_cuts(cuts);
    through(fill_near, &near_cuts);
  } else if (cuts.high > -1e6) {
    const FarCuts far_cuts(cuts);
    through(fill_far, &far_cuts);
  } else {
    // All the probability is within a millionth of a sigma of the near cut.
    const T near_cut = cuts.mirrored ? range.low : range.high;
    for (Index i = 0; i < count; ++i) out[i] = near_cut;
  }
}

void add_random(KernelSet& set) {
  const auto add = []<class T>(Table<T>& table) {
    table.uniform = uniform<T>;
    table.normal = normal<T>;
    table.truncated_normal = truncated_normal<T>;
  };
  add(set.f32);
  add(set.f64);
  set.common.words = words;
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
