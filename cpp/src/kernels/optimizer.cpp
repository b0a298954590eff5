// The optimizers' rules, one struct each; the loop over elements is written once, below them.
//
// A rule says how many state arrays it has and where weight decay enters, is made from the numbers
// of one update, in double, and changes one element. Formulas and sources: docs/optimizers.md.
// To add one: a struct here, its code in table.h, a line in make_rules() and one in
// cpp/src/optim/optimizer.cpp.

#include <cstddef>

#include "kernels/table.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

/// Where weight decay enters: into the gradient before or after it is clipped, or the rule does it.
enum class Decay { before_clip, after_clip, by_rule };

// The compiler's own functions: kernel files keep out the standard library's, which are templates
// and inline functions.
inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }
inline float magnitude(float x) { return __builtin_fabsf(x); }
inline double magnitude(double x) { return __builtin_fabs(x); }
inline double power(double x, double y) { return __builtin_pow(x, y); }

/// 0 stays 0 and NaN stays NaN.
template <class T>
T sign(T x) {
  return x > T(0) ? T(1) : (x < T(0) ? T(-1) : x);
}

/// What a rule has unless it says otherwise, and its rates in the type of the arrays.
template <class T>
struct Formula {
  static constexpr Decay decay = Decay::before_clip;
  static constexpr bool first_state_is_weight = false;
  static constexpr bool divides_by_rate = false;

  explicit Formula(const UpdateArguments& a) : of(a) {}

  /// Hyperparameter `i`, and what is left of 1.
  T hyper(int i) const { return static_cast<T>(of.hyper[i]); }
  T rest(int i) const { return static_cast<T>(1.0 - of.hyper[i]); }

  const UpdateArguments& of;  ///< Read while the rule is made.
  T rate = static_cast<T>(of.learning_rate);
  T wd = static_cast<T>(of.weight_decay);
};

template <class T>
struct Sgd : Formula<T> {
  static constexpr int states = 0;
  static constexpr Decay decay = Decay::after_clip;
  using Formula<T>::Formula;

  void operator()(T& w, T g) const { w -= this->rate * g; }
};

template <class T>
struct SgdMomentum : Formula<T> {
  static constexpr int states = 1;
  static constexpr Decay decay = Decay::after_clip;
  using Formula<T>::Formula;
  T momentum = this->hyper(0);

  void operator()(T& w, T g, T& m) const {
    m = momentum * m - this->rate * g;
    w += m;
  }
};

template <class T>
struct NagMomentum : SgdMomentum<T> {
  using SgdMomentum<T>::SgdMomentum;

  void operator()(T& w, T g, T& m) const {
    m = this->momentum * m - this->rate * g;
    w += this->momentum * m - this->rate * g;
  }
};

/// hyper: momentum, wd_lh.
template <class T>
struct Signum : Formula<T> {
  static constexpr int states = 0;
  static constexpr Decay decay = Decay::by_rule;
  using Formula<T>::Formula;

  void operator()(T& w, T g) const {
    w = (T(1) - this->rate * this->wd) * w - this->rate * sign(g);
  }
};

template <class T>
struct SignumMomentum : Formula<T> {
  static constexpr int states = 1;
  static constexpr Decay decay = Decay::after_clip;
  using Formula<T>::Formula;
  T momentum = this->hyper(0);
  T fresh = this->rest(0);
  T kept = static_cast<T>(1.0 - this->of.learning_rate * this->of.hyper[1]);

  void operator()(T& w, T g, T& m) const {
    m = momentum * m - fresh * g;
    w = kept * w + this->rate * sign(m);
  }
};

/// hyper: momentum, lamda.
template <class T>
struct Dcasgd : Formula<T> {
  static constexpr int states = 1;
  static constexpr Decay decay = Decay::by_rule;
  static constexpr bool first_state_is_weight = true;
  using Formula<T>::Formula;
  T momentum = this->hyper(0);
  T lambda = this->hyper(1);

  T step(T w, T g, T previous) const {
    return this->rate * (g + this->wd * w + lambda * g * g * (w - previous));
  }
  void operator()(T& w, T g, T& previous) const {
    const T by = step(w, g, previous);
    previous = w;
    w -= by;
  }
};

template <class T>
struct DcasgdMomentum : Dcasgd<T> {
  static constexpr int states = 2;
  using Dcasgd<T>::Dcasgd;

  void operator()(T& w, T g, T& previous, T& m) const {
    m = this->momentum * m - this->step(w, g, previous);
    previous = w;
    w += m;
  }
};

/// hyper: eps.
template <class T>
struct AdaGrad : Formula<T> {
  static constexpr int states = 1;
  static constexpr Decay decay = Decay::by_rule;
  using Formula<T>::Formula;
  T epsilon = this->hyper(0);

  void operator()(T& w, T g, T& history) const {
    history += g * g;
    w -= this->rate * (g / root(history + epsilon) + this->wd * w);
  }
};

/// hyper: rho, epsilon.
template <class T>
struct AdaDelta : Formula<T> {
  static constexpr int states = 2;
  static constexpr Decay decay = Decay::by_rule;
  using Formula<T>::Formula;
  T rho = this->hyper(0);
  T fresh = this->rest(0);
  T epsilon = this->hyper(1);

  void operator()(T& w, T g, T& squares, T& steps) const {
    squares = rho * squares + fresh * g * g;
    const T step = root(steps + epsilon) / root(squares + epsilon) * g;
    steps = rho * steps + fresh * step * step;
    w -= step + this->wd * w;
  }
};

/// hyper: gamma1, gamma2, epsilon, centered, clip_weights.
template <class T>
struct RmsProp : Formula<T> {
  static constexpr int states = 1;
  using Formula<T>::Formula;
  T gamma1 = this->hyper(0);
  T fresh = this->rest(0);
  T gamma2 = this->hyper(1);
  T epsilon = this->hyper(2);
  T bound = static_cast<T>(this->of.hyper[4] > 0.0 ? this->of.hyper[4] : __builtin_inf());

  T bounded(T w) const {
    const T below = w > bound ? bound : w;
    return below < -bound ? -bound : below;
  }
  void operator()(T& w, T g, T& squares) const {
    squares = gamma1 * squares + fresh * g * g;
    w = bounded(w - this->rate * g / root(squares + epsilon));
  }
};

template <class T>
struct RmsPropCentered : RmsProp<T> {
  static constexpr int states = 3;
  using RmsProp<T>::RmsProp;

  void operator()(T& w, T g, T& squares, T& mean, T& step) const {
    squares = this->gamma1 * squares + this->fresh * g * g;
    mean = this->gamma1 * mean + this->fresh * g;
    // Rounding can take the variance of nearly equal gradients below 0. NaN is not, and stays.
    const T variance = squares - mean * mean;
    const T positive = variance < T(0) ? T(0) : variance;
    step = this->gamma2 * step - this->rate * g / root(positive + this->epsilon);
    w = this->bounded(w + step);
  }
};

/// hyper: lamda1, beta.
template <class T>
struct Ftrl : Formula<T> {
  static constexpr int states = 2;
  static constexpr Decay decay = Decay::by_rule;
  static constexpr bool divides_by_rate = true;
  using Formula<T>::Formula;
  T lambda = this->hyper(0);
  T beta = this->hyper(1);

  void operator()(T& w, T g, T& z, T& squares) const {
    const T grown = squares + g * g;
    z += g - (root(grown) - root(squares)) * w / this->rate;
    squares = grown;
    const T weight = (sign(z) * lambda - z) / ((beta + root(squares)) / this->rate + this->wd);
    w = magnitude(z) <= lambda ? T(0) : weight;  // false for NaN, so that NaN stays visible
  }
};

/// What rules with two decaying means have. hyper: beta1, beta2.
template <class T>
struct Moments : Formula<T> {
  static constexpr int states = 2;
  using Formula<T>::Formula;
  T beta1 = this->hyper(0);
  T beta2 = this->hyper(1);
  T fresh1 = this->rest(0);
  T fresh2 = this->rest(1);
  /// 1 - beta1^count: the mean of as many ones.
  double correction1 = 1.0 - power(this->of.hyper[0], this->of.count);
  double correction2 = 1.0 - power(this->of.hyper[1], this->of.count);

  void add(T g, T& m, T& v) const {
    m = beta1 * m + fresh1 * g;
    v = beta2 * v + fresh2 * g * g;
  }
};

/// hyper: beta1, beta2, epsilon.
template <class T>
struct Adam : Moments<T> {
  using Moments<T>::Moments;
  T step = static_cast<T>(this->of.learning_rate * __builtin_sqrt(this->correction2) /
                          this->correction1);
  T epsilon = this->hyper(2);

  void operator()(T& w, T g, T& m, T& v) const {
    this->add(g, m, v);
    w -= step * m / (root(v) + epsilon);
  }
};

/// Moments divided by their corrections, if asked. hyper: beta1, beta2, epsilon, correct.
template <class T>
struct Corrected : Moments<T> {
  static constexpr Decay decay = Decay::by_rule;
  using Moments<T>::Moments;
  T scale1 = static_cast<T>(this->of.hyper[3] != 0.0 ? 1.0 / this->correction1 : 1.0);
  T scale2 = static_cast<T>(this->of.hyper[3] != 0.0 ? 1.0 / this->correction2 : 1.0);
  T epsilon = this->hyper(2);

  T direction(T w, T m, T v) const {
    return scale1 * m / (root(scale2 * v) + epsilon) + this->wd * w;
  }
};

template <class T>
struct AdamW : Corrected<T> {
  using Corrected<T>::Corrected;

  void operator()(T& w, T g, T& m, T& v) const {
    this->add(g, m, v);
    w -= this->rate * this->direction(w, m, v);
  }
};

/// hyper: beta1, beta2, epsilon, bias_correction, lower_bound, upper_bound.
template <class T>
struct Lamb : Corrected<T> {
  T step;
  explicit Lamb(const UpdateArguments& a) : Corrected<T>(a), step(this->rate) {
    double size = __builtin_sqrt(a.weight_square);
    size = size < a.hyper[4] ? a.hyper[4] : size;
    size = size > a.hyper[5] ? a.hyper[5] : size;
    const double measured = __builtin_sqrt(a.measured_square);
    if (size != 0.0 && measured != 0.0) step = static_cast<T>(a.learning_rate * size / measured);
  }

  T measure(T w, T g, T& m, T& v) const {
    this->add(g, m, v);
    return this->direction(w, m, v);
  }
  void operator()(T& w, T, T& m, T& v) const { w -= step * this->direction(w, m, v); }
};

template <class T>
struct Adamax : Moments<T> {
  using Moments<T>::Moments;
  T step = static_cast<T>(this->of.learning_rate / this->correction1);

  void operator()(T& w, T g, T& m, T& largest) const {
    m = this->beta1 * m + this->fresh1 * g;
    const T decayed = this->beta2 * largest;
    const T size = magnitude(g);
    largest = decayed >= size ? decayed : size;  // false for NaN, so that NaN stays visible
    // An element that has had no gradient yet stays, where 0 / 0 would make it NaN.
    w -= largest == T(0) ? T(0) : step * m / largest;
  }
};

/// hyper: beta1, beta2, epsilon, schedule_decay.
template <class T>
struct Nadam : Moments<T> {
  T of_gradient;
  T of_mean;
  T scale2 = static_cast<T>(1.0 / this->correction2);
  T epsilon = this->hyper(2);
  explicit Nadam(const UpdateArguments& a) : Moments<T>(a) {
    const double now = momentum(a, a.count);
    const double next = momentum(a, a.count + 1.0);
    const double product = next_carry(a);
    of_gradient = static_cast<T>((1.0 - now) / (1.0 - product));
    of_mean = static_cast<T>(next / (1.0 - product * next));
  }

  static double momentum(const UpdateArguments& a, double count) {
    return a.hyper[0] * (1.0 - 0.5 * power(0.96, count * a.hyper[3]));
  }
  static double next_carry(const UpdateArguments& a) { return a.carry * momentum(a, a.count); }
  void operator()(T& w, T g, T& m, T& v) const {
    this->add(g, m, v);
    w -= this->rate * (of_gradient * g + of_mean * m) / (root(scale2 * v) + epsilon);
  }
};

/// hyper: beta1, beta2, epsilon.
template <class T>
struct Ftml : Moments<T> {
  static constexpr int states = 3;
  static constexpr bool divides_by_rate = true;
  using Moments<T>::Moments;
  T per_rate = static_cast<T>(this->correction1 / this->of.learning_rate);
  T scale2 = static_cast<T>(1.0 / this->correction2);
  T epsilon = this->hyper(2);

  void operator()(T& w, T g, T& d, T& v, T& z) const {
    v = this->beta2 * v + this->fresh2 * g * g;
    const T grown = per_rate * (root(scale2 * v) + epsilon);
    z = this->beta1 * z + this->fresh1 * g - (grown - this->beta1 * d) * w;
    d = grown;
    w = -z / d;
  }
};

/// hyper: momentum, eta, eps, momentum_correction, scales.
template <class T>
struct Lars : Formula<T> {
  static constexpr int states = 0;
  static constexpr Decay decay = Decay::by_rule;
  T step;
  explicit Lars(const UpdateArguments& a) : Formula<T>(a), step(this->rate) {
    const double size = __builtin_sqrt(a.weight_square);
    const double gradient = __builtin_sqrt(a.measured_square);
    if (size == 0.0 || gradient == 0.0 || a.hyper[4] == 0.0) return;
    step = static_cast<T>(a.learning_rate * a.hyper[1] * size /
                          (gradient + a.weight_decay * size + a.hyper[2]));
  }

  static double next_carry(const UpdateArguments& a) { return a.learning_rate; }
  T measure(T, T g) const { return g; }
  void operator()(T& w, T g) const { w -= step * (g + this->wd * w); }
};

template <class T>
struct LarsMomentum : Lars<T> {
  static constexpr int states = 1;
  T momentum = this->hyper(0);
  explicit LarsMomentum(const UpdateArguments& a) : Lars<T>(a) {
    // The momentum holds steps of the last learning rate.
    if (a.hyper[3] != 0.0 && a.count > 1.0 && a.carry > 0.0) {
      momentum = static_cast<T>(a.hyper[0] * a.learning_rate / a.carry);
    }
  }

  T measure(T, T g, T&) const { return g; }
  void operator()(T& w, T g, T& m) const {
    m = momentum * m - this->step * (g + this->wd * w);
    w += m;
  }
};

/// rescale * gradient, clipped, with the weight decay where the rule wants it.
template <template <class> class R, bool clips, class T>
T prepared(T w, T gradient, T rescale, T clip, T wd) {
  T g = rescale * gradient;
  if constexpr (R<T>::decay == Decay::before_clip) g += wd * w;
  if constexpr (clips) {
    // Comparisons that are false for NaN, so that NaN stays visible.
    g = g > clip ? clip : g;
    g = g < -clip ? -clip : g;
  }
  if constexpr (R<T>::decay == Decay::after_clip) g += wd * w;
  return g;
}

/// Where gradients are clipped: at infinity if they are not.
template <class T>
T bound_of(const UpdateArguments& a) {
  return static_cast<T>(a.clip > 0.0 ? a.clip : __builtin_inf());
}

/// One pass over memory. What is off costs nothing, since it is decided at compile time.
template <template <class> class R, bool clips, class T>
void update_loop(T* __restrict w, const T* __restrict grad, T* __restrict s0, T* __restrict s1,
                 T* __restrict s2, Index count, const UpdateArguments& a) {
  const R<T> rule(a);
  const T rescale = static_cast<T>(a.rescale);
  const T clip = bound_of<T>(a);
  const T wd = rule.wd;
  for (Index i = 0; i < count; ++i) {
    const T g = prepared<R, clips>(w[i], grad[i], rescale, clip, wd);
    if constexpr (R<T>::states == 0) {
      rule(w[i], g);
    } else if constexpr (R<T>::states == 1) {
      rule(w[i], g, s0[i]);
    } else if constexpr (R<T>::states == 2) {
      rule(w[i], g, s0[i], s1[i]);
    } else {
      rule(w[i], g, s0[i], s1[i], s2[i]);
    }
  }
}

/// As update_loop, but only measures. Eight sums side by side, so that vectors can be used and the
/// result is the same on every instruction set.
template <template <class> class R, bool clips, class T>
void norms_loop(const T* __restrict w, const T* __restrict grad, T* __restrict s0, T* __restrict s1,
                Index count, const UpdateArguments& a, double* sums) {
  constexpr Index width = 8;
  const R<T> rule(a);
  const T rescale = static_cast<T>(a.rescale);
  const T clip = bound_of<T>(a);
  const T wd = rule.wd;
  double weights[width] = {};
  double measured[width] = {};
  const auto add = [&](Index i, Index lane) {
    const T g = prepared<R, clips>(w[i], grad[i], rescale, clip, wd);
    T value;
    if constexpr (R<T>::states == 0) {
      value = rule.measure(w[i], g);
    } else if constexpr (R<T>::states == 1) {
      value = rule.measure(w[i], g, s0[i]);
    } else {
      value = rule.measure(w[i], g, s0[i], s1[i]);
    }
    const auto weight = static_cast<double>(w[i]);
    weights[lane] += weight * weight;
    measured[lane] += static_cast<double>(value) * static_cast<double>(value);
  };
  Index i = 0;
  for (; i + width <= count; i += width) {
    for (Index lane = 0; lane < width; ++lane) add(i + lane, lane);
  }
  for (Index lane = 0; i < count; ++i, ++lane) add(i, lane);
  for (Index lane = 0; lane < width; ++lane) {
    sums[0] += weights[lane];
    sums[1] += measured[lane];
  }
}

/// Without clipping, float has loops of its own, in which it costs nothing; each is a kilobyte. For
/// double, where vectors are short and memory is the limit sooner, gradients are clipped at
/// infinity.
template <class T>
constexpr bool has_loops_without_clipping = sizeof(T) == sizeof(float);

template <template <class> class R, class T>
void update(T* w, const T* grad, T* const* s, Index count, const UpdateArguments& a) {
  if constexpr (has_loops_without_clipping<T>) {
    if (!(a.clip > 0.0)) return update_loop<R, false>(w, grad, s[0], s[1], s[2], count, a);
  }
  update_loop<R, true>(w, grad, s[0], s[1], s[2], count, a);
}

template <template <class> class R, class T>
void norms(const T* w, const T* grad, T* const* s, Index count, const UpdateArguments& a,
           double* sums) {
  if constexpr (has_loops_without_clipping<T>) {
    if (!(a.clip > 0.0)) return norms_loop<R, false>(w, grad, s[0], s[1], count, a, sums);
  }
  norms_loop<R, true>(w, grad, s[0], s[1], count, a, sums);
}

template <template <class> class R, class T>
constexpr UpdateRule<T> make_rule() {
  UpdateRule<T> made{.states = R<T>::states,
                     .first_state_is_weight = R<T>::first_state_is_weight,
                     .divides_by_rate = R<T>::divides_by_rate,
                     .norms = nullptr,
                     .update = update<R, T>,
                     .next_carry = nullptr};
  static_assert(R<T>::states <= max_states);
  if constexpr (requires { &R<T>::measure; }) made.norms = norms<R, T>;
  if constexpr (requires { &R<T>::next_carry; }) made.next_carry = R<T>::next_carry;
  return made;
}

template <class T>
constexpr UpdateRules<T> make_rules() {
  UpdateRules<T> rules{};
  rules.of[rule_adadelta] = make_rule<AdaDelta, T>();
  rules.of[rule_adagrad] = make_rule<AdaGrad, T>();
  rules.of[rule_adam] = make_rule<Adam, T>();
  rules.of[rule_adamax] = make_rule<Adamax, T>();
  rules.of[rule_adamw] = make_rule<AdamW, T>();
  rules.of[rule_dcasgd] = make_rule<Dcasgd, T>();
  rules.of[rule_dcasgd_momentum] = make_rule<DcasgdMomentum, T>();
  rules.of[rule_ftml] = make_rule<Ftml, T>();
  rules.of[rule_ftrl] = make_rule<Ftrl, T>();
  rules.of[rule_lamb] = make_rule<Lamb, T>();
  rules.of[rule_lars] = make_rule<Lars, T>();
  rules.of[rule_lars_momentum] = make_rule<LarsMomentum, T>();
  rules.of[rule_nadam] = make_rule<Nadam, T>();
  rules.of[rule_nag_momentum] = make_rule<NagMomentum, T>();
  rules.of[rule_rmsprop] = make_rule<RmsProp, T>();
  rules.of[rule_rmsprop_centered] = make_rule<RmsPropCentered, T>();
  rules.of[rule_sgd] = make_rule<Sgd, T>();
  rules.of[rule_sgd_momentum] = make_rule<SgdMomentum, T>();
  rules.of[rule_signum] = make_rule<Signum, T>();
  rules.of[rule_signum_momentum] = make_rule<SignumMomentum, T>();
  return rules;
}

template <class T>
constexpr UpdateRules<T> all_rules = make_rules<T>();

}  // namespace

void add_optimizer(KernelSet& set) {
  set.f32.rules = all_rules<float>.of;
  set.f64.rules = all_rules<double>.of;
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
