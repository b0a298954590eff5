#pragma once

// The normal's quantile function and its inverse, in double, far into the tails: what a truncated
// normal with any cuts needs. Like all of random.cpp without libm, in an order that the source
// fixes.

#include "kernels/lanes.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

// ln(x) of a positive normal number: x = 2^e m, and ln m = 2 artanh(s), s = (m - 1) / (m + 1),
// |s| < 0.172, by its series.
GLUEBALL_INLINE double natural_log(double x) {
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
GLUEBALL_INLINE double central_quantile(double h) {
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
GLUEBALL_INLINE double tail_quantile(double root) {
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
GLUEBALL_INLINE double far_tail_quantile(double root) {
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
GLUEBALL_INLINE double quantile(double p) {
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
GLUEBALL_INLINE double deep_quantile(double depth) {
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

}  // namespace
}  // namespace glueball::kernels::GLUEBALL_TARGET
