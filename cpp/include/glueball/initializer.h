#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "glueball/export.h"
#include "glueball/random.h"
#include "glueball/tensor.h"

namespace glueball {

class Initializer;

/// What a parameter is for, read off the end of its name as Gluon does.
enum class ParameterKind {
  weight,  ///< "weight"
  bias,    ///< "bias"
  gamma,   ///< "gamma", a scale
  beta,    ///< "beta", a shift
  zero,    ///< starts at 0, as a running mean does
  one,     ///< starts at 1, as a running variance does
  other,   ///< none of these
};

/// "dense0_bias" is a bias; "running_mean", "moving_mean", "moving_avg", "moving_inv_var", "min"
/// are zero; "running_var", "moving_var", "max" are one. Case matters.
GLUEBALL_API ParameterKind kind_of(std::string_view name) noexcept;

/// The name of a parameter, and what an initializer may want to know beside its array.
struct GLUEBALL_API InitDesc {
  std::string name;  ///< The parameter's: "dense0_weight".
  /// The parameter's own initializer, when the one that is asked is only the default.
  std::shared_ptr<const Initializer> own;
  /// Shape of the whole parameter, when the array is one shard of it.
  std::optional<Shape> whole;
  /// Set by Parameter: a name of no known kind is then a weight, and not refused.
  bool of_parameter = false;

  /// A name, with nothing beside it.
  InitDesc(std::string name_) : name(std::move(name_)) {}  // NOLINT: a name is one
  /// The same.
  InitDesc(const char* name_) : name(name_) {}  // NOLINT
};

/// Fills parameters with their first values.
///
/// An initializer holds settings only and draws from the Generator it is handed, so that one object
/// serves many parameters, and many threads, with the same result.
///
/// Calling one dispatches: to `desc.own` when it is set, else by the kind of the name to the hooks
/// below. Subclasses override `init_weight`, and where they care the other hooks; Python's
/// overrides arrive through a trampoline, so never call an initializer from a parallel region.
class GLUEBALL_API Initializer {
 public:
  Initializer() = default;
  /// Copies the settings, which is all there is.
  Initializer(const Initializer&) = default;
  /// Copies the settings.
  Initializer& operator=(const Initializer&) = default;
  virtual ~Initializer() = default;

  /// Fills `out` for `desc`: Python's `__call__`.
  ///
  /// Hands over to `desc.own` when it is set, else goes by the kind of the name to a hook below.
  /// @throws ArgumentError for a name of no known kind, unless `desc.of_parameter`.
  virtual void operator()(const InitDesc& desc, const Tensor& out, Generator& rng) const;

  /// Fills `out` as the initializer that was given for this very parameter.
  ///
  /// Every kind goes to `init_weight`, except those whose hook the subclass overrides.
  virtual void fill_own(const InitDesc& desc, const Tensor& out, Generator& rng) const;

  /// Fills a weight, and what has no hook of its own: every element of `out`, drawing from `rng`.
  ///
  /// What it throws leaves the parameter waiting, and reaches the caller that needs its values.
  virtual void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const = 0;
  /// Fills a bias.
  virtual void init_bias(const InitDesc&, const Tensor& out, Generator&) const { out.fill(0.0); }
  /// Fills a scale.
  virtual void init_gamma(const InitDesc&, const Tensor& out, Generator&) const { out.fill(1.0); }
  /// Fills a shift.
  virtual void init_beta(const InitDesc&, const Tensor& out, Generator&) const { out.fill(0.0); }
  /// Fills what starts at 0.
  virtual void init_zero(const InitDesc&, const Tensor& out, Generator&) const { out.fill(0.0); }
  /// Fills what starts at 1.
  virtual void init_one(const InitDesc&, const Tensor& out, Generator&) const { out.fill(1.0); }
  /// Refuses: @throws ArgumentError.
  virtual void init_default(const InitDesc& desc, const Tensor& out, Generator& rng) const;

  /// Whether the subclass has its own hook for parameters of this kind.
  virtual bool overrides(ParameterKind kind) const;

  /// Fills the elements [offset, offset + part.size()) of a weight of shape `whole` into `part`,
  /// with the very bits that filling the whole would put there.
  ///
  /// @throws ShapeError if the range reaches outside `whole`.
  void fill_shard(const InitDesc& desc, const Shape& whole, std::int64_t offset, const Tensor& part,
                  Generator rng) const;

  /// True when element i depends only on (seed, stream, i) and the whole shape, so that a shard is
  /// drawn alone. Others draw the whole and copy.
  virtual bool is_elementwise() const { return false; }
};

/// Fan-in and fan-out of a weight (out, in, *kernel): in and out times the kernel's elements.
///
/// @throws ShapeError if `shape` has fewer than two axes; `name` says whose.
GLUEBALL_API std::pair<double, double> fans(std::string_view name, const Shape& shape);

/// What a weight's standard deviation is multiplied by, so that the layer after the activation
/// keeps its scale.
///
/// "linear", "identity", "sigmoid": 1; "tanh": 5/3; "relu": sqrt(2); "leaky_relu": sqrt(2 / (1 +
/// a^2)), a = param or 0.01; "selu": 3/4; "snn": 1; "gelu", "silu", "swish", "elu", "softplus",
/// "softrelu", "softsign", "mish": 1 / sqrt(E[f(z)^2]), z from N(0, 1), by quadrature.
/// @throws ArgumentError for another name.
GLUEBALL_API double gain(std::string_view nonlinearity, std::optional<double> param = std::nullopt);

/// Fills with one number, or with a given array.
class GLUEBALL_API Constant : public Initializer {
 public:
  /// Every element is `value`.
  explicit Constant(double value) : value_(value) {}
  /// `values` is broadcast to the parameter's shape by NumPy's rule.
  explicit Constant(Tensor values) : values_(std::move(values)) {}

  /// @throws ShapeError if the values cannot be broadcast to the shape of `out`.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;

 private:
  double value_ = 0.0;
  Tensor values_;
};

/// Fills with 0.
class GLUEBALL_API Zero : public Constant {
 public:
  /// Has no settings.
  Zero() : Constant(0.0) {}
  bool is_elementwise() const override { return true; }
};

/// Fills with 1.
class GLUEBALL_API One : public Constant {
 public:
  /// Has no settings.
  One() : Constant(1.0) {}
  bool is_elementwise() const override { return true; }
};

/// `gain` on the diagonal of a matrix, 0 elsewhere; rectangular is allowed.
///
/// Q. Le, N. Jaitly, G. Hinton, arXiv 1504.00941.
class GLUEBALL_API Identity : public Initializer {
 public:
  /// `gain` is the number on the diagonal.
  explicit Identity(double gain = 1.0) : gain_(gain) {}
  /// @throws ShapeError unless `out` has two axes.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;

 private:
  double gain_;
};

/// Passes channels through a convolution: w[g * out/groups + d, d, centre] = 1 for d <
/// min(out/groups, in).
///
/// On a matrix it is Identity. S. Zagoruyko, N. Komodakis, arXiv 1706.00388.
class GLUEBALL_API Dirac : public Initializer {
 public:
  /// @throws ArgumentError if groups < 1.
  explicit Dirac(std::int64_t groups = 1);
  /// @throws ShapeError unless `out` has 2 to 5 axes and its first divides by groups.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;

 private:
  std::int64_t groups_;
};

/// Bilinear upsampling kernel in the last two of four axes, for every pair of channels.
///
/// J. Long, E. Shelhamer, T. Darrell, arXiv 1411.4038.
class GLUEBALL_API Bilinear : public Initializer {
 public:
  /// @throws ShapeError unless `out` has four axes.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;
};

/// 0, and `forget_bias` in the second quarter: the forget gate's.
///
/// R. Jozefowicz, W. Zaremba, I. Sutskever, ICML 2015.
class GLUEBALL_API LSTMBias : public Initializer {
 public:
  /// `forget_bias` is the number for the forget gate.
  explicit LSTMBias(double forget_bias = 1.0) : forget_bias_(forget_bias) {}
  /// @throws ShapeError unless the first axis divides by four.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;

 private:
  double forget_bias_;
};

/// U(low, high), high excluded.
class GLUEBALL_API Uniform : public Initializer {
 public:
  /// U(-scale, scale): Gluon's default, 0.07. @throws ArgumentError if scale is negative or not
  /// finite.
  explicit Uniform(double scale = 0.07);
  /// @throws ArgumentError if low > high, or either is not finite.
  Uniform(double low, double high);
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;
  bool is_elementwise() const override { return true; }

 private:
  double low_;
  double high_;
};

/// N(mean, sigma); sigma is the standard deviation.
class GLUEBALL_API Normal : public Initializer {
 public:
  /// @throws ArgumentError if sigma is negative or not finite.
  explicit Normal(double sigma = 0.01, double mean = 0.0);
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;
  bool is_elementwise() const override { return true; }

 private:
  double sigma_;
  double mean_;
};

/// Whether the cuts of a truncated normal are multiples of sigma around the mean, or values.
enum class Cut {
  sigma,  ///< low and high count sigmas from the mean
  value,  ///< low and high are the cuts themselves
};

/// Normal cut off at both sides.
class GLUEBALL_API TruncatedNormal : public Initializer {
 public:
  /// With `correct`, sigma is divided by the cut unit normal's own standard deviation, so that the
  /// result has sigma.
  explicit TruncatedNormal(double sigma = 0.01, double mean = 0.0, double low = -2.0,
                           double high = 2.0, Cut cut = Cut::sigma, bool correct = false);
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;
  bool is_elementwise() const override { return true; }

 private:
  double sigma_, mean_, low_, high_;
};

/// Along which lines `Sparse` counts its zeros.
enum class SparseAxis {
  column,  ///< as many zeros in each column
  row,     ///< as many zeros in each row
};

/// N(0, sigma), then ceil(sparsity * length) zeros at random places in each column (or row) of a
/// matrix.
///
/// J. Martens, ICML 2010.
class GLUEBALL_API Sparse : public Initializer {
 public:
  /// @throws ArgumentError unless 0 <= sparsity <= 1.
  explicit Sparse(double sparsity, double sigma = 0.01, SparseAxis per = SparseAxis::column);
  /// @throws ShapeError unless `out` has two axes.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;

 private:
  double sparsity_, sigma_;
  SparseAxis per_;
};

/// Which of fan-in and fan-out a variance is divided by.
enum class Fan {
  in,   ///< fan-in
  out,  ///< fan-out
  avg,  ///< their mean
  geo,  ///< the root of their product
};

/// What an initializer draws from.
enum class Distribution {
  uniform,           ///< the same density everywhere between two limits
  normal,            ///< Gaussian
  truncated_normal,  ///< Gaussian, cut off at both sides
};

/// What the fan-based initializers have in common.
struct GLUEBALL_API FanSettings {
  std::optional<double> fan_in = std::nullopt;   ///< Overrides the one that the shape gives.
  std::optional<double> fan_out = std::nullopt;  ///< Likewise.
  /// Axes whose lengths multiply to the fans, in place of the (out, in, *kernel) rule; negative
  /// ones count from the end. Both empty: the rule. The product over no axis is 1.
  std::vector<std::int64_t> in_axes = {};
  std::vector<std::int64_t> out_axes = {};  ///< As `in_axes`, for fan-out.
};

/// Variance scale / fan: uniform on +-sqrt(3 var), normal with sqrt(var), or a normal cut at two of
/// its own sigmas and rescaled to sqrt(var).
class GLUEBALL_API VarianceScaling : public Initializer {
 public:
  /// @throws ArgumentError if scale is negative or not finite.
  explicit VarianceScaling(double scale = 1.0, Fan mode = Fan::in,
                           Distribution distribution = Distribution::truncated_normal,
                           FanSettings fan_settings = {});
  /// @throws as `variance`.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;
  bool is_elementwise() const override { return true; }

  /// The variance that a weight of this shape gets; 0 for an empty one.
  ///
  /// @throws ShapeError for fewer than two axes, unless the settings give the fans that are needed.
  double variance(std::string_view name, const Shape& shape) const;

 protected:
  const char* label_ = "VarianceScaling";  ///< What messages call it.

 private:
  double scale_;
  Fan mode_;
  Distribution distribution_;
  FanSettings fan_settings_;
};

/// Gluon's Xavier: s = sqrt(magnitude / fan); uniform on (-s, s), or normal with standard deviation
/// s.
///
/// magnitude 3 with the uniform keeps variance: X. Glorot, Y. Bengio, AISTATS 2010, eq. 16.
/// (With the normal it has three times the variance of everybody else's Xavier normal; say
/// magnitude 1.)
class GLUEBALL_API Xavier : public VarianceScaling {
 public:
  /// @throws ArgumentError if magnitude is negative or not finite.
  explicit Xavier(Distribution rnd_type = Distribution::uniform, Fan factor_type = Fan::avg,
                  double magnitude = 3.0, FanSettings fan_settings = {});
};

/// Gluon's: normal with variance 2 / (1 + slope^2) / fan.
///
/// K. He, X. Zhang, S. Ren, J. Sun, arXiv 1502.01852 (which uses fan-in).
class GLUEBALL_API MSRAPrelu : public VarianceScaling {
 public:
  /// `slope` is the activation's for negative inputs.
  explicit MSRAPrelu(Fan factor_type = Fan::avg, double slope = 0.25,
                     FanSettings fan_settings = {});
};

/// How Orthogonal makes its matrix.
enum class OrthogonalMethod {
  svd,  ///< U or V of a singular value decomposition
  qr,   ///< Q of a QR decomposition with a positive diagonal, as a product of reflections
};

/// scale times a matrix with orthonormal rows or columns, of the array flattened to (shape[0],
/// rest).
///
/// `qr` multiplies Householder reflections of random vectors, which for normal numbers is what Q of
/// a random matrix with R's diagonal positive is: even over the orthogonal group. G. Stewart, SIAM
/// J. Numer. Anal. 17 (1980); F. Mezzadri, arXiv math-ph/0609050. `svd` takes whichever of U, V of
/// a random matrix has its shape, on one thread and slowly. A. Saxe, J. McClelland, S. Ganguli,
/// arXiv 1312.6120.
class GLUEBALL_API Orthogonal : public Initializer {
 public:
  /// `rand_type` is uniform on (-1, 1), or the unit normal.
  explicit Orthogonal(double scale = 1.414, Distribution rand_type = Distribution::uniform,
                      OrthogonalMethod method = OrthogonalMethod::qr);
  /// @throws ShapeError if `out` has fewer than two axes.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;

 private:
  double scale_;
  Distribution rand_type_;
  OrthogonalMethod method_;
};

/// An orthogonal (out, in) matrix at the kernel's centre, 0 elsewhere; needs in <= out.
///
/// L. Xiao and others, arXiv 1806.05393.
class GLUEBALL_API DeltaOrthogonal : public Initializer {
 public:
  /// `scale` multiplies the matrix.
  explicit DeltaOrthogonal(double scale = 1.0);
  /// @throws ShapeError unless `out` has 3 to 5 axes and in <= out.
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;

 private:
  double scale_;
};

/// The first regular expression that is found in a parameter's name chooses its initializer.
class GLUEBALL_API Mixed : public Initializer {
 public:
  /// Patterns, as of ParameterList::select(), with initializers; the first that is found counts.
  ///
  /// @throws ArgumentError for a pattern that is not an ECMAScript regular expression, a null
  /// initializer, or an empty list.
  explicit Mixed(std::vector<std::pair<std::string, std::shared_ptr<const Initializer>>> rules);
  /// A specific pattern's initializer fills as the parameter's own; one that matches every name,
  /// such as ".*", is only a default.
  ///
  /// @throws ArgumentError when none matches: it lists the patterns.
  void operator()(const InitDesc& desc, const Tensor& out, Generator& rng) const override;
  void fill_own(const InitDesc& desc, const Tensor& out, Generator& rng) const override;
  /// As the initializer that the name chooses. @throws as operator().
  void init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const override;

 private:
  struct Rule;
  const Rule& rule_for(const InitDesc& desc) const;

  std::shared_ptr<const std::vector<Rule>> rules_;  // shared by copies; compiled once
};

/// The default that Gluon's initialize() has when nothing is said: Uniform(0.07).
GLUEBALL_API std::shared_ptr<const Initializer> default_initializer();

}  // namespace glueball
