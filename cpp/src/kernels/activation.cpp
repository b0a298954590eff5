#include "kernels/packet.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

using packet::pabs;
using packet::padd;
using packet::pcmp_le;
using packet::pcmp_lt;
using packet::pdiv;
using packet::pexp;
using packet::pmadd;
using packet::pmin;
using packet::pmul;
using packet::pnegate;
using packet::pselect;
using packet::psub;

// G. Klambauer and others, "Self-normalizing neural networks", NIPS 2017, eq. 2.
constexpr double selu_scale = 1.0507009873554805;
constexpr double selu_alpha = 1.6732632423543772;

/// e^-|x|, which never overflows: everything exponential here is written with it.
template <class P>
EIGEN_STRONG_INLINE P decay(const P& x) {
  return pexp(pnegate(pabs(x)));
}

template <class P>
EIGEN_STRONG_INLINE P sigmoid(const P& x) {
  const P e = decay(x);
  const P positive = pdiv(splat<P>(1.0), padd(splat<P>(1.0), e));
  return pselect(pcmp_lt(x, splat<P>(0.0)), pmul(e, positive), positive);
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|).
template <class P>
EIGEN_STRONG_INLINE P softrelu(const P& x) {
  const P positive = pselect(pcmp_lt(x, splat<P>(0.0)), splat<P>(0.0), x);
  return padd(positive, packet::generic_log1p(decay(x)));
}

/// Coefficients of (1 + 2 z) e^(z^2) erfc(z) as a polynomial in (z - center) / (z + center), z >=
/// 0.
///
/// The form is that of M. Shepherd and J. Laframboise, "Chebyshev approximation of (1 + 2x)
/// exp(x^2) erfc x in 0 <= x < infinity", Mathematics of Computation 36 (1981). These coefficients
/// are interpolation at Chebyshev's points in 60 digits; their relative errors are 7e-8
/// and 1.1e-16.
template <class T>
struct Erfc;

template <>
struct Erfc<float> {
  static constexpr double center = 2.0;
  static constexpr int degree = 10;
  static constexpr float coefficients[degree + 1] = {
      1.27697839e+0f,  -9.2763082e-2f,  -1.66031096e-1f, 1.6403584e-1f,
      -5.42119585e-2f, -7.9427217e-3f,  8.68915966e-3f,  1.04314458e-3f,
      -1.39570695e-3f, -1.83654437e-4f, 1.60803582e-4f};
};

template <>
struct Erfc<double> {
  static constexpr double center = 3.75;
  static constexpr int degree = 22;
  static constexpr double coefficients[degree + 1] = {
      1.2375126308378275e+0,  -1.4024059858554526e-1, 3.5854154854790256e-3,
      8.2276738489995063e-2,  -1.0880393014244461e-1, 9.230432116428125e-2,
      -5.8693398576649338e-2, 2.8362277372111139e-2,  -9.7465796832652622e-3,
      1.7556261651970651e-3,  2.9371437804495803e-4,  -2.9015535246077655e-4,
      5.1646529741774161e-5,  2.2387565714911817e-5,  -1.1438048033346894e-5,
      -9.792625707303522e-7,  1.7419821586224816e-6,  -5.0844653786873022e-8,
      -2.4857126248016743e-7, 1.8790823223700481e-8,  3.1979266716668043e-8,
      -1.9551358868985617e-9, -2.6231073471334758e-9};
};

/// The normal distribution's function Phi(x), accurate relatively in the lower tail too.
///
/// `gaussian` becomes e^(-x^2 / 2), which the density needs.
template <class P>
EIGEN_STRONG_INLINE P normal_cdf(const P& x, P& gaussian) {
  using Fit = Erfc<Element<P>>;
  gaussian = pexp(pmul(pmul(splat<P>(-0.5), x), x));
  // Beyond 60 the exponential is 0; the limit keeps infinity / infinity away.
  const P z = pmul(splat<P>(0.70710678118654752), pmin(pabs(x), splat<P>(60.0)));
  const P center = splat<P>(Fit::center);
  const P q = pdiv(psub(z, center), padd(z, center));
  P sum = packet::pset1<P>(Fit::coefficients[Fit::degree]);
  for (int i = Fit::degree - 1; i >= 0; --i) {
    sum = pmadd(sum, q, packet::pset1<P>(Fit::coefficients[i]));
  }
  const P tail =
      pdiv(pmul(pmul(splat<P>(0.5), gaussian), sum), pmadd(splat<P>(2.0), z, splat<P>(1.0)));
  return pselect(pcmp_lt(x, splat<P>(0.0)), tail, psub(splat<P>(1.0), tail));
}

/// tanh(softrelu(x)) as numerator / denominator, without cancellation or overflow.
///
/// With u = e^x it is (u^2 + 2u) / (u^2 + 2u + 2); for x > 0 both are divided by u^2. `rest` is
/// denominator - numerator.
template <class P>
EIGEN_STRONG_INLINE void mish_ratio(const P& x, P& numerator, P& rest) {
  const P two = splat<P>(2.0);
  const P e = decay(x);
  const auto positive = pcmp_lt(splat<P>(0.0), x);
  numerator = pselect(positive, pmadd(two, e, splat<P>(1.0)), pmul(e, padd(e, two)));
  rest = pselect(positive, pmul(two, pmul(e, e)), two);
}

template <class P>
EIGEN_STRONG_INLINE P elu(const P& x, const P& scale, const P& slope) {
  return pselect(pcmp_lt(splat<P>(0.0), x), pmul(scale, x), pmul(slope, packet::generic_expm1(x)));
}

}  // namespace

template <class T>
void activation_forward(ActivationCode code, double alpha, const T* x, T* y, Index count) {
  using P = Packet<T>;
  const P zero = splat<P>(0.0);
  const P one = splat<P>(1.0);
  const P a = splat<P>(alpha);
  switch (code) {
    case code_identity:
      if (x != y) map(x, y, count, [](const P& v) { return v; });
      return;
    case code_relu:
      // A comparison, not max(): NaN must come out as NaN.
      return map(x, y, count, [&](const P& v) { return pselect(pcmp_le(v, zero), zero, v); });
    case code_sigmoid:
      return map(x, y, count, [](const P& v) { return sigmoid(v); });
    case code_tanh:
      return map(x, y, count, [](const P& v) { return packet::ptanh(v); });
    case code_softrelu:
      return map_once(x, y, count, [](const P& v) { return softrelu(v); });
    case code_softsign:
      return map(x, y, count, [&](const P& v) { return pdiv(v, padd(one, pabs(v))); });
    case code_gelu:
      return map_once(x, y, count, [](const P& v) {
        P gaussian;
        const P cdf = normal_cdf(v, gaussian);
        return pmul(v, cdf);
      });
    case code_silu:
      return map_once(x, y, count, [=](const P& v) { return pmul(v, sigmoid(pmul(a, v))); });
    case code_leaky_relu:
      return map(x, y, count, [&](const P& v) { return pselect(pcmp_lt(zero, v), v, pmul(a, v)); });
    case code_elu:
    case code_selu: {
      const P scale = splat<P>(code == code_elu ? 1.0 : selu_scale);
      const P slope = splat<P>(code == code_elu ? alpha : selu_scale * selu_alpha);
      return map_once(x, y, count, [=](const P& v) { return elu(v, scale, slope); });
    }
    case code_log_sigmoid:
      return map_once(x, y, count, [](const P& v) { return pnegate(softrelu(P(pnegate(v)))); });
    case code_mish:
      return map_once(x, y, count, [](const P& v) {
        P numerator;
        P rest;
        mish_ratio(v, numerator, rest);
        return pmul(v, pdiv(numerator, padd(numerator, rest)));
      });
  }
}

template <class T>
void activation_backward(ActivationCode code, double alpha, const T* x, const T* y, const T* dy,
                         T* dx, Index count) {
  using P = Packet<T>;
  const P zero = splat<P>(0.0);
  const P one = splat<P>(1.0);
  const P a = splat<P>(alpha);
  switch (code) {
    case code_identity:
      if (dy != dx) map(dy, dx, count, [](const P& v) { return v; });
      return;
    case code_relu:
      return map(y, dy, dx, count,
                 [&](const P& v, const P& d) { return pselect(pcmp_le(v, zero), zero, d); });
    case code_sigmoid:
      return map(y, dy, dx, count,
                 [&](const P& v, const P& d) { return pmul(d, pmul(v, psub(one, v))); });
    case code_tanh:
      return map(y, dy, dx, count,
                 [&](const P& v, const P& d) { return pmul(d, pmul(psub(one, v), padd(one, v))); });
    case code_softrelu:  // sigmoid(x) = 1 - e^-y
      return map_once(y, dy, dx, count, [](const P& v, const P& d) {
        return pmul(d, pnegate(packet::generic_expm1(P(pnegate(v)))));
      });
    case code_softsign:  // 1 / (1 + |x|) = 1 - |y|
      return map(y, dy, dx, count, [&](const P& v, const P& d) {
        const P s = psub(one, pabs(v));
        return pmul(d, pmul(s, s));
      });
    case code_gelu:
      return map_once(x, dy, dx, count, [](const P& v, const P& d) {
        P gaussian;
        const P cdf = normal_cdf(v, gaussian);
        const P density = pmul(splat<P>(0.39894228040143268), gaussian);
        return pmul(d, pmadd(v, density, cdf));
      });
    case code_silu:
      return map_once(x, dy, dx, count, [=](const P& v, const P& d) {
        const P u = pmul(a, v);
        const P s = sigmoid(u);
        return pmul(d, pmul(s, padd(one, pmul(u, psub(one, s)))));
      });
    case code_leaky_relu: {
      // With a slope of 0 or more y has the sign of x; otherwise x itself is here.
      const T* source = alpha < 0.0 ? x : y;
      return map(source, dy, dx, count,
                 [&](const P& v, const P& d) { return pselect(pcmp_lt(zero, v), d, pmul(a, d)); });
    }
    case code_elu:
      if (alpha < 0.0) {
        return map_once(x, dy, dx, count, [=](const P& v, const P& d) {
          // exp(min(x, 0)): the other branch's overflow would be computed too.
          return pselect(pcmp_lt(zero, v), d, pmul(d, pmul(a, pexp(P(pmin(v, zero))))));
        });
      }
      return map(y, dy, dx, count, [&](const P& v, const P& d) {
        return pselect(pcmp_lt(zero, v), d, pmul(d, padd(v, a)));
      });
    case code_selu: {
      const P scale = splat<P>(selu_scale);
      const P slope = splat<P>(selu_scale * selu_alpha);
      return map(y, dy, dx, count, [&](const P& v, const P& d) {
        return pmul(d, pselect(pcmp_lt(zero, v), scale, padd(v, slope)));
      });
    }
    case code_log_sigmoid:  // sigmoid(-x) = 1 - e^y
      return map_once(y, dy, dx, count, [](const P& v, const P& d) {
        return pmul(d, pnegate(packet::generic_expm1(v)));
      });
    case code_mish:  // t + x (1 - t^2) sigmoid(x), t = tanh(softrelu(x))
      return map_once(x, dy, dx, count, [=](const P& v, const P& d) {
        P numerator;
        P rest;
        mish_ratio(v, numerator, rest);
        const P denominator = padd(numerator, rest);
        const P t = pdiv(numerator, denominator);
        const P slope =
            pdiv(pmul(rest, padd(numerator, denominator)), pmul(denominator, denominator));
        return pmul(d, pmadd(pmul(v, slope), sigmoid(v), t));
      });
  }
}

// For panel.h too.
template void activation_forward(ActivationCode, double, const float*, float*, Index);
template void activation_forward(ActivationCode, double, const double*, double*, Index);
template void activation_backward(ActivationCode, double, const float*, const float*, const float*,
                                  float*, Index);
template void activation_backward(ActivationCode, double, const double*, const double*,
                                  const double*, double*, Index);

void add_activation(KernelSet& set) {
  const auto add = []<class T>(Table<T>& table) {
    table.activation_forward = activation_forward<T>;
    table.activation_backward = activation_backward<T>;
  };
  add(set.f32);
  add(set.f64);
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
