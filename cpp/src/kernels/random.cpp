// Philox4x32-10 and the transforms from its words to numbers, version 1 of docs/random.md.
//
// Every arithmetic step here is an IEEE 754 addition, multiplication, division or square root, or
// an exact integer step, in an order that the source fixes (contraction is off). That, and no libm,
// is why every instruction set gives the same bits; tests/python/test_random_reference.py repeats
// the steps in NumPy. A change of any coefficient or order is a new version of the algorithm.

#include "kernels/table.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

constexpr int lanes = 16;       // blocks in a chunk
constexpr int chunk_size = 64;  // elements in a chunk: word w of block j is element 16 w + j

// ---- Philox ---------------------------------------------------------------------------------

#if defined(__AVX512F__)
constexpr int width = 8;   // 64-bit lanes of a vector
constexpr int flight = 4;  // independent vectors, which hide the multiplier's latency
#elif defined(__AVX2__)
constexpr int width = 4;
constexpr int flight = 2;
#else
constexpr int width = 2;
constexpr int flight = 2;
#endif

// Chunks drawn at a time: enough to fill `flight` vectors.
constexpr int group = width * flight > lanes ? width * flight / lanes : 1;

using Vector = u64 __attribute__((vector_size(8 * width)));
using Half = u32 __attribute__((vector_size(4 * width)));

// The 64-bit products of the low 32 bits. One instruction reads the low halves only, so that what
// the rounds leave in the high halves needs no masking.
inline Vector product(Vector a, u32 b) {
#if defined(__AVX512F__)
  return (Vector)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
  return (Vector)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__SSE2__)
  return (Vector)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
  return (a & 0xFFFFFFFFu) * b;
#endif
}

// Fills words[64 * chunk + 16 * word + block] for `group` chunks from `first_chunk` on.
inline void philox(u64 seed, u64 stream, u64 first_chunk, u32* words) {
  Vector ramp;
  for (int lane = 0; lane < width; ++lane) ramp[lane] = static_cast<u64>(lane);

  for (int begin = 0; begin < lanes * group; begin += width * flight) {
    Vector x0[flight], x1[flight], x2[flight], x3[flight];
    for (int k = 0; k < flight; ++k) {
      const Vector block = ramp + (first_chunk * lanes + static_cast<u64>(begin + k * width));
      x0[k] = block;
      x1[k] = block >> 32;
      x2[k] = Vector{} + stream;
      x3[k] = Vector{} + (stream >> 32);
    }
    u32 key0 = static_cast<u32>(seed);
    u32 key1 = static_cast<u32>(seed >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
      for (int k = 0; k < flight; ++k) {
        const Vector a = product(x0[k], 0xD2511F53u);
        const Vector b = product(x2[k], 0xCD9E8D57u);
        x0[k] = (b >> 32) ^ x1[k] ^ (Vector{} + key0);
        x1[k] = b;
        x2[k] = (a >> 32) ^ x3[k] ^ (Vector{} + key1);
        x3[k] = a;
      }
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    for (int k = 0; k < flight; ++k) {
      const int block = begin + k * width;
      u32* out = words + chunk_size * (block / lanes) + block % lanes;
      const Half low[4] = {
          __builtin_convertvector(x0[k], Half), __builtin_convertvector(x1[k], Half),
          __builtin_convertvector(x2[k], Half), __builtin_convertvector(x3[k], Half)};
      for (int word = 0; word < 4; ++word) {
        __builtin_memcpy(out + lanes * word, &low[word], sizeof(Half));
      }
    }
  }
}

// Calls transform(words, destination) for each chunk that has elements in [begin, begin + count).
// Chunks at the ends that are not whole go through memory on the stack.
template <class T, class Transform>
inline void fill(u64 seed, u64 stream, u64 begin, Index count, T* out, const Transform& transform) {
  alignas(64) u32 words[group * chunk_size];
  alignas(64) T part[chunk_size];
  if (count <= 0) return;

  u64 chunk = begin / chunk_size;
  const auto skipped = static_cast<Index>(begin % chunk_size);
  if (skipped != 0) {
    philox(seed, stream, chunk++, words);
    transform(words, part);
    const Index taken = count < chunk_size - skipped ? count : chunk_size - skipped;
    for (Index i = 0; i < taken; ++i) out[i] = part[skipped + i];
    out += taken;
    count -= taken;
  }
  while (count > 0) {
    philox(seed, stream, chunk, words);
    for (int g = 0; g < group && count > 0; ++g, ++chunk) {
      if (count >= chunk_size) {
        transform(words + g * chunk_size, out);
      } else {
        transform(words + g * chunk_size, part);
        for (Index i = 0; i < count; ++i) out[i] = part[i];
      }
      out += chunk_size;
      count -= chunk_size;
    }
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

  T clamp(T x) const {
    x = x < low ? low : x;
    return x > high ? high : x;
  }
};

// ---- unit variates --------------------------------------------------------------------------

// u = (word >> 8) / 2^24 in [0, 1), exactly.
inline float unit_uniform(u32 word) {
  return static_cast<float>(static_cast<std::int32_t>(word >> 8)) * 0x1p-24f;
}

// -2 ln(u) for u = (word + 1) / 2^32 or so: the 31 upper bits and a half, in (0, 1].
//
// u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); ln(1 + f) = f - f^2/2 + f^3 p(f), p a minimax
// polynomial of degree 7 (relative error of the logarithm 6e-9).
inline float minus_two_log(u32 word) {
  const float u = (static_cast<float>(static_cast<std::int32_t>(word >> 1)) + 0.5f) * 0x1p-31f;
  const auto bits = __builtin_bit_cast(std::int32_t, u);
  const std::int32_t exponent = (bits - 0x3F3504F3) >> 23;
  const float f = __builtin_bit_cast(float, bits - exponent * 0x800000) - 1.0f;
  float p = 0.15268996f;
  p = p * f - 0.25523156f;
  p = p * f + 0.26320365f;
  p = p * f - 0.28403515f;
  p = p * f + 0.33246714f;
  p = p * f - 0.40002453f;
  p = p * f + 0.5000164f;
  p = p * f - 0.6666666f;
  const float square = f * f;
  return ((square * f * p + square) - 2.0f * f) + static_cast<float>(exponent) * -1.3862944f;
}

// cos and sin of 2 pi word / 2^32, times `radius`. The nearest quarter turn is taken off in
// integers, without error; minimax polynomials on +-1/8 turn do the rest (relative errors 3e-9 and
// 6e-11).
inline void turn(u32 word, float radius, float& x, float& y) {
  const u32 shifted = word + 0x20000000u;
  const auto rest = static_cast<std::int32_t>(shifted & 0x3FFFFFFFu) - 0x20000000;
  const float v = static_cast<float>(rest) * 0x1p-32f;
  const float v2 = v * v;
  float s = -75.393562f;
  s = s * v2 + 81.592354f;
  s = s * v2 - 41.341661f;
  s = s * v2 + 6.2831853f;
  s = radius * (s * v);
  float c = 59.229244f;
  c = c * v2 - 85.443236f;
  c = c * v2 + 64.939322f;
  c = c * v2 - 19.739209f;
  c = radius * (c * v2 + 1.0f);
  const bool odd = (shifted & 0x40000000u) != 0;
  const u32 cosine = __builtin_bit_cast(u32, odd ? s : c);
  const u32 sine = __builtin_bit_cast(u32, odd ? c : s);
  x = __builtin_bit_cast(float, cosine ^ ((shifted + 0x40000000u) & 0x80000000u));
  y = __builtin_bit_cast(float, sine ^ (shifted & 0x80000000u));
}

// A unit normal cut off at -2 and 2: the inverse distribution function at x = 2 p - 1, |x| <
// 0.9544997, as a fraction of polynomials in 15/16 - x^2. Within 5 units in the last place, and
// inside (-2, 2).
inline float two_sigma(u32 word) {
  const auto centred = static_cast<std::int32_t>(word >> 8) - 0x800000;
  const float x = (static_cast<float>(centred) + 0.5f) * (0.9544997f * 0x1p-23f);
  const float r = 0.9375f - x * x;
  float p = 10.395186f;
  p = p * r + 116.06809f;
  p = p * r + 137.35188f;
  p = p * r + 35.987385f;
  p = p * r + 2.2178796f;
  float q = 24.227946f;
  q = q * r + 111.3609f;
  q = q * r + 89.548752f;
  q = q * r + 18.713985f;
  q = q * r + 1.0f;
  return x * (p / q);
}

// ---- the normal's tails, in double ----------------------------------------------------------

// ln(x) of a positive normal number: x = 2^e m, and ln m = 2 artanh(s), s = (m - 1) / (m + 1),
// |s| < 0.172, by its series.
inline double natural_log(double x) {
  const auto bits = __builtin_bit_cast(std::int64_t, x);
  const std::int64_t exponent = (bits - 0x3FE6A09E667F3BCD) >> 52;
  const double m = __builtin_bit_cast(double, bits - exponent * 0x10000000000000);
  const double s = (m - 1.0) / (m + 1.0);
  const double s2 = s * s;
  double p = 1.0 / 21.0;
  p = p * s2 + 1.0 / 19.0;
  p = p * s2 + 1.0 / 17.0;
  p = p * s2 + 1.0 / 15.0;
  p = p * s2 + 1.0 / 13.0;
  p = p * s2 + 1.0 / 11.0;
  p = p * s2 + 1.0 / 9.0;
  p = p * s2 + 1.0 / 7.0;
  p = p * s2 + 1.0 / 5.0;
  p = p * s2 + 1.0 / 3.0;
  return (2.0 * s + 2.0 * s * s2 * p) +
         static_cast<double>(static_cast<std::int32_t>(exponent)) * 0.69314718055994530942;
}

// How many sigmas from the mean a tail of probability p <= 1/2 begins; M. Wichura, "Algorithm AS
// 241: The percentage points of the normal distribution", Applied Statistics 37 (1988), PPND16. Its
// three ranges are the next three functions.

// h = 1/2 - p <= 0.425.
inline double central_quantile(double h) {
  const double r = 0.180625 - h * h;
  double a = 2.5090809287301226727e+3;
  a = a * r + 3.3430575583588128105e+4;
  a = a * r + 6.7265770927008700853e+4;
  a = a * r + 4.5921953931549871457e+4;
  a = a * r + 1.3731693765509461125e+4;
  a = a * r + 1.9715909503065514427e+3;
  a = a * r + 1.3314166789178437745e+2;
  a = a * r + 3.3871328727963666080e+0;
  double b = 5.2264952788528545610e+3;
  b = b * r + 2.8729085735721942674e+4;
  b = b * r + 3.9307895800092710610e+4;
  b = b * r + 2.1213794301586595867e+4;
  b = b * r + 5.3941960214247511077e+3;
  b = b * r + 6.8718700749205790830e+2;
  b = b * r + 4.2313330701600911252e+1;
  b = b * r + 1.0;
  return h * a / b;
}

// root = sqrt(-ln p) <= 5.
inline double tail_quantile(double root) {
  const double r = root - 1.6;
  double c = 7.74545014278341407640e-4;
  c = c * r + 2.27238449892691845833e-2;
  c = c * r + 2.41780725177450611770e-1;
  c = c * r + 1.27045825245236838258e+0;
  c = c * r + 3.64784832476320460504e+0;
  c = c * r + 5.76949722146069140550e+0;
  c = c * r + 4.63033784615654529590e+0;
  c = c * r + 1.42343711074968357734e+0;
  double d = 1.05075007164441684324e-9;
  d = d * r + 5.47593808499534494600e-4;
  d = d * r + 1.51986665636164571966e-2;
  d = d * r + 1.48103976427480074590e-1;
  d = d * r + 6.89767334985100004550e-1;
  d = d * r + 1.67638483018380384940e+0;
  d = d * r + 2.05319162663775882187e+0;
  d = d * r + 1.0;
  return c / d;
}

// 5 < root <= 27.
inline double far_tail_quantile(double root) {
  const double r = root - 5.0;
  double e = 2.01033439929228813265e-7;
  e = e * r + 2.71155556874348757815e-5;
  e = e * r + 1.24266094738807843860e-3;
  e = e * r + 2.65321895265761230930e-2;
  e = e * r + 2.96560571828504891230e-1;
  e = e * r + 1.78482653991729133580e+0;
  e = e * r + 5.46378491116411436990e+0;
  e = e * r + 6.65790464350110377720e+0;
  double f = 2.04426310338993978564e-15;
  f = f * r + 1.42151175831644588870e-7;
  f = f * r + 1.84631831751005468180e-5;
  f = f * r + 7.86869131145613259100e-4;
  f = f * r + 1.48753612908506148525e-2;
  f = f * r + 1.36929880922735805310e-1;
  f = f * r + 5.99832206555887937690e-1;
  f = f * r + 1.0;
  return e / f;
}

// The quantile of p in (0, 1/2].
inline double quantile(double p) {
  const double h = 0.5 - p;
  const double root = __builtin_sqrt(-natural_log(p));
  const double middle = central_quantile(h);
  const double tail = tail_quantile(root);
  const double far = far_tail_quantile(root);
  return h <= 0.425 ? middle : root <= 5.0 ? tail : far;
}

// The quantile of the probability exp(-depth), for depth >= 10, which may be beyond what a double
// can hold as a probability. Past AS 241's end, z comes from the tail's expansion:
// depth = y + ln(4 pi y)/2 + 1/(2 y) - ..., y = z^2/2, where each step of the iteration gains a
// factor 2 y > 1400.
inline double deep_quantile(double depth) {
  const double root = __builtin_sqrt(depth);
  if (root <= 5.0) return tail_quantile(root);
  if (root <= 27.0) return far_tail_quantile(root);
  double y = depth;
  for (int step = 0; step < 6; ++step) {
    const double correction = (0.5 - 0.625 / y) / y;
    y = depth - 0.5 * natural_log(12.566370614359172954 * y) - correction;
  }
  return __builtin_sqrt(2.0 * y);
}

// The positive number in [low, high] where `is_below(x)` turns from true to false, by halving the
// range of bit patterns. It inverts the functions above exactly, so the ends of the unit interval
// fall on the cuts.
template <class Predicate>
double bisect(double low, double high, const Predicate& is_below) {
  auto a = __builtin_bit_cast(std::int64_t, low);
  auto b = __builtin_bit_cast(std::int64_t, high);
  while (b - a > 1) {
    const std::int64_t middle = a + (b - a) / 2;
    (is_below(__builtin_bit_cast(double, middle)) ? a : b) = middle;
  }
  return __builtin_bit_cast(double, b);
}

constexpr double smallest_probability = 1e-300;

// The probability of the normal's tail beyond `distance` >= 0 sigmas.
double tail_probability(double distance) {
  if (distance > quantile(smallest_probability)) return 0.0;
  return bisect(smallest_probability, 0.5, [=](double p) { return quantile(p) > distance; });
}

// -ln of the same, for distances of 5 to 1e6 sigmas.
double tail_depth(double distance) {
  return bisect(10.0, distance * distance + 40.0,
                [=](double depth) { return deep_quantile(depth) < distance; });
}

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

  fill(seed, stream, begin, count, out, [&](const u32* __restrict words, T* __restrict to) {
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
  fill(seed, stream, begin, count, out, [&](const u32* __restrict words, T* __restrict to) {
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
  fill(seed, stream, begin, count, out,
       [](const u32* from, u32* to) { __builtin_memcpy(to, from, chunk_size * sizeof(u32)); });
}

template <class T>
void uniform(u64 seed, u64 stream, u64 begin, Index count, T* out, double low, double high) {
  const Range<T> range(low, high, low == high);
  const T from = static_cast<T>(low);
  const T width_of_range = static_cast<T>(high - low);
  fill(seed, stream, begin, count, out, [=](const u32* __restrict from_words, T* __restrict to) {
    for (int i = 0; i < chunk_size; ++i) {
      to[i] = range.clamp(from + width_of_range * static_cast<T>(unit_uniform(from_words[i])));
    }
  });
}

template <class T>
void normal(u64 seed, u64 stream, u64 begin, Index count, T* out, double mean, double sigma) {
  const T centre = static_cast<T>(mean);
  const T scale = static_cast<T>(sigma);
  fill(seed, stream, begin, count, out, [=](const u32* __restrict from, T* __restrict to) {
    for (int pair = 0; pair < chunk_size; pair += 2 * lanes) {
      for (int i = pair; i < pair + lanes; ++i) {
        const float radius = __builtin_sqrtf(minus_two_log(from[i]));
        float x, y;
        turn(from[i + lanes], radius, x, y);
        to[i] = centre + scale * static_cast<T>(x);
        to[i + lanes] = centre + scale * static_cast<T>(y);
      }
    }
  });
}

template <class T>
void truncated_normal(u64 seed, u64 stream, u64 begin, Index count, T* out, double mean,
                      double sigma, double low, double high) {
  const Range<T> range(low, high, true);
  const T centre = static_cast<T>(mean);
  const T scale = static_cast<T>(sigma);
  Cuts cuts{(low - mean) / sigma, (high - mean) / sigma, false};

  const auto is_two = [](double cut) { return cut > 2.0 - 1e-9 && cut < 2.0 + 1e-9; };
  if (is_two(-cuts.low) && is_two(cuts.high)) {
    fill(seed, stream, begin, count, out, [=](const u32* __restrict from, T* __restrict to) {
      for (int i = 0; i < chunk_size; ++i) {
        to[i] = range.clamp(centre + scale * static_cast<T>(two_sigma(from[i])));
      }
    });
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

template void uniform<float>(u64, u64, u64, Index, float*, double, double);
template void uniform<double>(u64, u64, u64, Index, double*, double, double);
template void normal<float>(u64, u64, u64, Index, float*, double, double);
template void normal<double>(u64, u64, u64, Index, double*, double, double);
template void truncated_normal<float>(u64, u64, u64, Index, float*, double, double, double, double);
template void truncated_normal<double>(u64, u64, u64, Index, double*, double, double, double,
                                       double);

}  // namespace glueball::kernels::GLUEBALL_TARGET
