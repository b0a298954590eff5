#include "glueball/initializer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "glueball/error.h"
#include "glueball/parallel.h"

namespace {

// NOLINTNEXTLINE: a test names much of the namespace.
using namespace glueball;

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor filled(const Initializer& initializer, const Shape& shape, Dtype dtype = Dtype::float32,
              std::uint64_t seed = 1) {
  const Tensor out(shape, dtype);
  Generator rng(seed);
  initializer.init_weight("dense0_weight", out, rng);
  return out;
}

std::vector<double> values(const Tensor& tensor) {
  const Tensor wide = tensor.cast(Dtype::float64);
  return {wide.data<double>(), wide.data<double>() + wide.size()};
}

struct Moments {
  double mean, deviation, largest;  // largest absolute value
};

Moments moments(const Tensor& tensor) {
  const std::vector<double> x = values(tensor);
  const auto n = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double squares = 0.0;
  double largest = 0.0;
  for (const double v : x) {
    squares += (v - mean) * (v - mean);
    largest = std::max(largest, std::abs(v));
  }
  return {mean, std::sqrt(squares / n), largest};
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// Whether the rows (or, if there are more of them, the columns) of the flattened array are
// orthogonal, each of length `scale`.
double worst_product(const Tensor& tensor, double scale) {
  const std::vector<double> a = values(tensor);
  const std::int64_t rows = tensor.shape()[0];
  const std::int64_t columns = tensor.size() / rows;
  const bool by_row = rows <= columns;
  const std::int64_t lines = by_row ? rows : columns;
  const std::int64_t length = by_row ? columns : rows;
  const auto at = [&](std::int64_t line, std::int64_t i) {
    return a[static_cast<std::size_t>(by_row ? line * columns + i : i * columns + line)];
  };
  double worst = 0.0;
  for (std::int64_t p = 0; p < lines; ++p) {
    for (std::int64_t q = 0; q < lines; ++q) {
      double product = 0.0;
      for (std::int64_t i = 0; i < length; ++i) product += at(p, i) * at(q, i);
      worst = std::max(worst, std::abs(product - (p == q ? scale * scale : 0.0)));
    }
  }
  return worst;
}

struct Named {
  std::string name;
  std::shared_ptr<const Initializer> initializer;
};

std::vector<Named> random_initializers() {
  return {{"Uniform", std::make_shared<Uniform>()},
          {"Normal", std::make_shared<Normal>()},
          {"TruncatedNormal", std::make_shared<TruncatedNormal>()},
          {"TruncatedNormal by value",
           std::make_shared<TruncatedNormal>(1.0, 0.0, -0.5, 3.0, Cut::value)},
          {"Sparse", std::make_shared<Sparse>(0.3)},
          {"VarianceScaling", std::make_shared<VarianceScaling>()},
          {"Xavier", std::make_shared<Xavier>()},
          {"MSRAPrelu", std::make_shared<MSRAPrelu>()},
          {"Orthogonal", std::make_shared<Orthogonal>()},
          {"Orthogonal by QR",
           std::make_shared<Orthogonal>(1.0, Distribution::normal, OrthogonalMethod::qr)}};
}

// Records which hook was called.
class Recorder : public Initializer {
 public:
  mutable std::string called;
  std::vector<ParameterKind> own;

  void init_weight(const InitDesc&, const Tensor& out, Generator&) const override {
    called = "weight";
    out.fill(7.0);
  }
  void init_bias(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    called = "bias";
    Initializer::init_bias(desc, out, rng);
  }
  void init_gamma(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    called = "gamma";
    Initializer::init_gamma(desc, out, rng);
  }
  void init_beta(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    called = "beta";
    Initializer::init_beta(desc, out, rng);
  }
  void init_zero(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    called = "zero";
    Initializer::init_zero(desc, out, rng);
  }
  void init_one(const InitDesc& desc, const Tensor& out, Generator& rng) const override {
    called = "one";
    Initializer::init_one(desc, out, rng);
  }
  bool overrides(ParameterKind kind) const override {
    return std::find(own.begin(), own.end(), kind) != own.end();
  }
};

}  // namespace

// ---- names ----------------------------------------------------------------------------------

TEST_CASE("the end of a name says what a parameter is for") {
  CHECK(kind_of("dense0_weight") == ParameterKind::weight);
  CHECK(kind_of("0.weight") == ParameterKind::weight);
  CHECK(kind_of("dense0_bias") == ParameterKind::bias);
  CHECK(kind_of("batchnorm0_gamma") == ParameterKind::gamma);
  CHECK(kind_of("batchnorm0_beta") == ParameterKind::beta);
  for (const char* name :
       {"x_running_mean", "x_moving_mean", "x_moving_avg", "x_moving_inv_var", "x_min"}) {
    CAPTURE(name);
    CHECK(kind_of(name) == ParameterKind::zero);
  }
  for (const char* name : {"x_running_var", "x_moving_var", "x_max"}) {
    CAPTURE(name);
    CHECK(kind_of(name) == ParameterKind::one);
  }
  for (const char* name : {"state", "", "Weight", "bias0", "weight_"}) {
    CAPTURE(name);
    CHECK(kind_of(name) == ParameterKind::other);
  }
}

TEST_CASE("calling an initializer goes by the kind of the name") {
  const std::vector<std::tuple<const char*, const char*, double>> cases = {
      {"a_weight", "weight", 7},    {"a_bias", "bias", 0}, {"a_gamma", "gamma", 1},
      {"a_beta", "beta", 0},        {"a_min", "zero", 0},  {"a_running_var", "one", 1},
      {"stn_loc_weight", "zero", 0}};
  for (const auto& [name, hook, value] : cases) {
    const auto& shown_name = name;  // Clang 14 captures no structured binding.
    CAPTURE(shown_name);
    Recorder recorder;
    const Tensor out({3});
    out.fill(9.0);
    Generator rng;
    recorder(name, out, rng);
    CHECK(recorder.called == hook);
    CHECK(out.data<float>()[2] == static_cast<float>(value));
  }
}

TEST_CASE("a name of no known kind is refused, except for a parameter, whose weight it is") {
  Recorder recorder;
  const Tensor out({3});
  Generator rng;
  CHECK_THROWS_WITH_AS(
      recorder("state", out, rng),
      "expected a name that ends with weight, bias, gamma, beta, min, max, running_mean, "
      "running_var, moving_mean, moving_var, moving_inv_var or moving_avg, found 'state'; Unknown "
      "initialization pattern for state. Default initialization is now limited to \"weight\", "
      "\"bias\", \"gamma\" (1.0), and \"beta\" (0.0). Rename the parameter, or give it an "
      "initializer of its own",
      ArgumentError);

  InitDesc desc("state");
  desc.of_parameter = true;
  recorder(desc, out, rng);
  CHECK(recorder.called == "weight");
}

TEST_CASE("a name that starts with upsampling gets a bilinear kernel, as in Gluon") {
  const Tensor out({1, 1, 4, 4});
  Generator rng;
  Recorder()("upsampling0_weight", out, rng);
  CHECK(same_bits(out, filled(Bilinear(), {1, 1, 4, 4})));
}

TEST_CASE("a parameter's own initializer goes before the one that is asked") {
  InitDesc desc("dense0_bias");
  desc.own = std::make_shared<Constant>(3.0);
  const Tensor out({2});
  Generator rng;
  const Recorder recorder;
  recorder(desc, out, rng);
  CHECK(recorder.called.empty());
  CHECK(values(out) == std::vector<double>{3, 3});
}

TEST_CASE("an own initializer fills every kind as a weight, but for the hooks that it defines") {
  for (const char* name :
       {"a_bias", "a_gamma", "a_beta", "a_min", "a_max", "a_weight", "a_state"}) {
    CAPTURE(name);
    Recorder recorder;
    const Tensor out({2});
    Generator rng;
    recorder.fill_own(name, out, rng);
    CHECK(recorder.called == "weight");
  }
  Recorder recorder;
  recorder.own = {ParameterKind::bias};
  const Tensor out({2});
  Generator rng;
  recorder.fill_own("a_bias", out, rng);
  CHECK(recorder.called == "bias");
  recorder.fill_own("a_gamma", out, rng);
  CHECK(recorder.called == "weight");
}

// ---- constants ------------------------------------------------------------------------------

TEST_CASE("Zero, One and Constant") {
  CHECK(values(filled(Zero(), {2, 2})) == std::vector<double>(4, 0.0));
  CHECK(values(filled(One(), {2, 2}, Dtype::float64)) == std::vector<double>(4, 1.0));
  CHECK(values(filled(Constant(0.1), {3}, Dtype::float64)) == std::vector<double>(3, 0.1));
  CHECK(filled(Constant(0.1), {3}).data<float>()[1] == 0.1f);
}

TEST_CASE("Constant broadcasts an array by NumPy's rule") {
  const Tensor row({3}, Dtype::float64);
  const Tensor column({2, 1});
  for (int i = 0; i < 3; ++i) row.data<double>()[i] = i;
  for (int i = 0; i < 2; ++i) column.data<float>()[i] = static_cast<float>(10 * i);

  CHECK(values(filled(Constant(row), {2, 3})) == std::vector<double>{0, 1, 2, 0, 1, 2});
  CHECK(values(filled(Constant(column), {2, 3})) == std::vector<double>{0, 0, 0, 10, 10, 10});
  CHECK(values(filled(Constant(column), {2, 2, 2}, Dtype::float64)) ==
        std::vector<double>{0, 0, 10, 10, 0, 0, 10, 10});
  CHECK(values(filled(Constant(row), {3})) == std::vector<double>{0, 1, 2});

  const Tensor scalar(Shape{}, Dtype::float64);
  scalar.fill(4.0);
  CHECK(values(filled(Constant(scalar), {2, 2})) == std::vector<double>(4, 4.0));
}

TEST_CASE("Constant refuses an array that does not broadcast, and names both shapes") {
  const Tensor row({3});
  CHECK_THROWS_WITH_AS(
      filled(Constant(row), {2, 4}),
      "expected a parameter to which Constant's array of shape (3,) can be broadcast, found "
      "'dense0_weight' of shape (2, 4); give an array whose axes, from the last on, are equal or 1",
      ShapeError);
  CHECK_THROWS_AS(filled(Constant(Tensor({2, 3})), {3}), ShapeError);
  CHECK_THROWS_AS(filled(Constant(Tensor({1, 3})), {3}), ShapeError);
}

TEST_CASE("Identity puts its gain on the diagonal of any matrix") {
  CHECK(values(filled(Identity(), {2, 3})) == std::vector<double>{1, 0, 0, 0, 1, 0});
  CHECK(values(filled(Identity(2.5), {3, 2})) == std::vector<double>{2.5, 0, 0, 2.5, 0, 0});
  CHECK_THROWS_WITH_AS(
      filled(Identity(), {4}),
      "expected a weight of two axes for Identity, found 'dense0_weight' of shape "
      "(4,); use Dirac for the weight of a convolution, Zero or Constant for a bias",
      ShapeError);
}

TEST_CASE("Dirac passes each channel through the middle of its kernel") {
  CHECK(values(filled(Dirac(), {2, 2})) == values(filled(Identity(), {2, 2})));

  // Two groups of two outputs over two inputs: w[2 g + d, d, centre] = 1.
  const std::vector<double> grouped = values(filled(Dirac(2), {4, 2, 3}));
  for (std::size_t o = 0; o < 4; ++o) {
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t k = 0; k < 3; ++k) {
        CHECK(grouped[(o * 2 + i) * 3 + k] == (o % 2 == i && k == 1 ? 1.0 : 0.0));
      }
    }
  }
  // The middle of an even axis is the later one: size // 2.
  const std::vector<double> even = values(filled(Dirac(), {1, 1, 4, 2}));
  CHECK(std::accumulate(even.begin(), even.end(), 0.0) == 1.0);
  CHECK(even[2 * 2 + 1] == 1.0);

  CHECK_THROWS_AS(filled(Dirac(), {4}), ShapeError);
  CHECK_THROWS_AS(filled(Dirac(3), {4, 4, 3}), ShapeError);
  CHECK_THROWS_AS(Dirac(0), ArgumentError);
}

TEST_CASE("Bilinear is the upsampling kernel in its last two axes") {
  const double side[] = {0.25, 0.75, 0.75, 0.25};
  const std::vector<double> kernel = values(filled(Bilinear(), {2, 3, 4, 4}));
  for (std::size_t pair = 0; pair < 6; ++pair) {
    for (std::size_t y = 0; y < 4; ++y) {
      for (std::size_t x = 0; x < 4; ++x) {
        CHECK(kernel[pair * 16 + y * 4 + x] == doctest::Approx(side[y] * side[x]).epsilon(1e-6));
      }
    }
  }
  CHECK_THROWS_AS(filled(Bilinear(), {4, 4}), ShapeError);
}

TEST_CASE("LSTMBias opens the forget gate") {
  CHECK(values(filled(LSTMBias(), {8})) == std::vector<double>{0, 0, 1, 1, 0, 0, 0, 0});
  CHECK(values(filled(LSTMBias(2.0), {4}, Dtype::float64)) == std::vector<double>{0, 2, 0, 0});
  CHECK_THROWS_AS(filled(LSTMBias(), {6}), ShapeError);
  CHECK_THROWS_AS(filled(LSTMBias(), Shape{}), ShapeError);
}

// ---- fans and gains -------------------------------------------------------------------------

TEST_CASE("fans count the kernel's elements too") {
  CHECK(fans("w", {256, 20}) == std::pair{20.0, 256.0});
  CHECK(fans("w", {8, 4, 3}) == std::pair{12.0, 24.0});
  CHECK(fans("w", {8, 4, 3, 5}) == std::pair{60.0, 120.0});
  CHECK(fans("w", {8, 4, 3, 5, 2}) == std::pair{120.0, 240.0});
}

TEST_CASE("a vector has no fans, and the message says what to use") {
  Generator rng;
  CHECK_THROWS_WITH_AS(
      Xavier().init_weight("dense0_bias", Tensor({256}), rng),
      "expected a weight (out, in, *kernel) of two or more axes, which has a fan-in and a fan-out, "
      "found 'dense0_bias' of shape (256,); Xavier initializer cannot be applied to vector "
      "dense0_bias. It requires at least 2D. Zero, One, Constant, Uniform, Normal and "
      "TruncatedNormal accept it, or give fan_in= and fan_out=",
      ShapeError);
  CHECK_THROWS_AS(fans("b", {256}), ShapeError);
  CHECK_THROWS_AS(fans("b", Shape{}), ShapeError);
}

TEST_CASE("gains that have a formula") {
  CHECK(gain("linear") == 1.0);
  CHECK(gain("identity") == 1.0);
  CHECK(gain("sigmoid") == 1.0);
  CHECK(gain("snn") == 1.0);
  CHECK(gain("selu") == 0.75);
  CHECK(gain("tanh") == doctest::Approx(5.0 / 3.0).epsilon(1e-15));
  CHECK(gain("relu") == doctest::Approx(std::sqrt(2.0)).epsilon(1e-15));
  CHECK(gain("leaky_relu") == doctest::Approx(std::sqrt(2.0 / 1.0001)).epsilon(1e-15));
  CHECK(gain("leaky_relu", 0.0) == gain("relu"));
  CHECK(gain("leaky_relu", std::sqrt(5.0)) == doctest::Approx(std::sqrt(1.0 / 3.0)).epsilon(1e-15));
}

TEST_CASE("gains by quadrature agree with closed forms") {
  const double pi = 3.14159265358979323846;
  // E[(z Phi(z))^2] = 1/3 + 1/(2 pi sqrt(3)), by Stein's lemma.
  CHECK(gain("gelu") ==
        doctest::Approx(1.0 / std::sqrt(1.0 / 3.0 + 1.0 / (2.0 * pi * std::sqrt(3.0))))
            .epsilon(1e-12));
  // E[elu(z)^2] = 1/2 + a^2 (E[(e^z - 1)^2; z < 0]), with E[e^(t z); z < 0] = e^(t^2/2) Phi(-t).
  const auto phi = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  for (const double alpha : {1.0, 0.3}) {
    const double below = std::exp(2.0) * phi(-2.0) - 2.0 * std::exp(0.5) * phi(-1.0) + 0.5;
    CHECK(gain("elu", alpha) ==
          doctest::Approx(1.0 / std::sqrt(0.5 + alpha * alpha * below)).epsilon(1e-10));
  }
  CHECK(gain("elu") == gain("elu", 1.0));
  CHECK(gain("swish") == gain("silu"));
  CHECK(gain("softrelu") == gain("softplus"));
}

TEST_CASE("an unknown nonlinearity is refused with the list of known ones") {
  try {
    gain("rellu");
    FAIL("gain() accepted it");
  } catch (const ArgumentError& error) {
    const std::string text = error.what();
    CHECK(text.find("found 'rellu'") != std::string::npos);
    CHECK(text.find("leaky_relu, linear") != std::string::npos);
  }
  CHECK_THROWS_AS(gain("leaky_relu", std::nan("")), ArgumentError);
}

// ---- plain random ---------------------------------------------------------------------------

TEST_CASE("standard deviations and bounds of a (256, 20) weight") {
  struct Case {
    const char* name;
    std::shared_ptr<const Initializer> initializer;
    double bound;  // infinity: none
    double deviation;
  };
  using Distribution::normal;
  using Distribution::truncated_normal;
  using Distribution::uniform;
  const std::vector<Case> cases = {
      {"Uniform", std::make_shared<Uniform>(), 0.07, 0.07 / std::sqrt(3.0)},
      {"Uniform low high", std::make_shared<Uniform>(-0.5, 0.5), 0.5, std::sqrt(1.0 / 12.0)},
      {"Normal", std::make_shared<Normal>(), infinity, 0.01},
      {"Xavier", std::make_shared<Xavier>(), std::sqrt(3.0 / 138), std::sqrt(1.0 / 138)},
      {"Xavier gaussian", std::make_shared<Xavier>(normal), infinity, std::sqrt(3.0 / 138)},
      {"Xavier in", std::make_shared<Xavier>(uniform, Fan::in, 2.34), std::sqrt(2.34 / 20),
       std::sqrt(0.78 / 20)},
      {"Xavier out", std::make_shared<Xavier>(uniform, Fan::out), std::sqrt(3.0 / 256),
       std::sqrt(1.0 / 256)},
      {"MSRAPrelu", std::make_shared<MSRAPrelu>(), infinity, std::sqrt(2.0 / 1.0625 / 138)},
      {"He normal, cut", std::make_shared<VarianceScaling>(2.0, Fan::in, truncated_normal),
       0.719005, 0.316228},
      {"LeCun, cut", std::make_shared<VarianceScaling>(),
       2.0 * std::sqrt(0.05) / 0.8796256610342398, std::sqrt(0.05)},
      {"geo", std::make_shared<VarianceScaling>(1.0, Fan::geo, normal), infinity, 0.118218},
      {"TruncatedNormal", std::make_shared<TruncatedNormal>(0.05), 0.1, 0.05 * 0.8796256610342398},
      {"corrected", std::make_shared<TruncatedNormal>(0.05, 0.0, -1.0, 1.0, Cut::sigma, true),
       0.05 / 0.539560, 0.05},
      {"corrected by value",
       std::make_shared<TruncatedNormal>(0.4, 0.0, -1.0, 1.0, Cut::value, true), 1.0, 0.4},
      {"cuts that cut nothing", std::make_shared<TruncatedNormal>(0.02, 0.0, -2.0, 2.0, Cut::value),
       2.0, 0.02},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Tensor out({256, 20}, Dtype::float64);
    Generator rng(42);
    c.initializer->init_weight("dense0_weight", out, rng);
    const Moments m = moments(out);
    const auto n = static_cast<double>(out.size());
    CHECK(m.largest <= c.bound * 1.000001);
    // Five standard errors; the variance of z^2 is at most 2 sigma^4 for all of these.
    CHECK(std::abs(m.mean) < 5.0 * c.deviation / std::sqrt(n));
    CHECK(std::abs(m.deviation / c.deviation - 1.0) < 5.0 * std::sqrt(2.0 / n) / 2.0);
  }
}

TEST_CASE("low, high and mean are where they were asked to be") {
  CHECK(moments(filled(Normal(0.1, 3.0), {100, 100})).mean == doctest::Approx(3.0).epsilon(0.002));
  const std::vector<double> x = values(filled(Uniform(2.0, 3.0), {100, 100}));
  CHECK(*std::min_element(x.begin(), x.end()) >= 2.0);
  CHECK(*std::max_element(x.begin(), x.end()) < 3.0);
  // Cuts in sigmas are around the mean.
  const std::vector<double> y = values(filled(TruncatedNormal(0.5, 10.0, -1.0, 3.0), {100, 100}));
  CHECK(*std::min_element(y.begin(), y.end()) >= 9.5);
  CHECK(*std::max_element(y.begin(), y.end()) <= 11.5);
  CHECK(*std::max_element(y.begin(), y.end()) > 11.0);
}

TEST_CASE("sigma 0 is the mean") {
  CHECK(values(filled(Normal(0.0, 2.0), {2})) == std::vector<double>{2, 2});
  CHECK(values(filled(TruncatedNormal(0.0, 2.0), {2})) == std::vector<double>{2, 2});
  CHECK(values(filled(Uniform(0.0), {2})) == std::vector<double>{0, 0});
  CHECK(values(filled(VarianceScaling(0.0), {2, 2})) == std::vector<double>(4, 0.0));
}

TEST_CASE("settings that make no sense are refused when the initializer is made") {
  CHECK_THROWS_WITH_AS(Uniform(-0.1),
                       "expected a scale that is finite and not negative for Uniform, found "
                       "scale=-0.1; draws are from [-scale, scale); or give low= and high=",
                       ArgumentError);
  CHECK_THROWS_WITH_AS(Normal(-1.0),
                       "expected a sigma that is finite and not negative for Normal, found "
                       "sigma=-1; sigma is the standard deviation, not the variance",
                       ArgumentError);
  CHECK_THROWS_AS(Uniform(1.0, 0.0), ArgumentError);
  CHECK_THROWS_AS(Uniform(std::nan("")), ArgumentError);
  CHECK_THROWS_AS(Normal(1.0, infinity), ArgumentError);
  CHECK_THROWS_AS(TruncatedNormal(1.0, 0.0, 2.0, -2.0), ArgumentError);
  CHECK_THROWS_AS(TruncatedNormal(1.0, 0.0, -1.0, 1.0, Cut::value, true), ArgumentError);
  CHECK_THROWS_AS(Sparse(1.5), ArgumentError);
  CHECK_THROWS_AS(Sparse(0.5, -1.0), ArgumentError);
  CHECK_THROWS_AS(VarianceScaling(-1.0), ArgumentError);
  CHECK_THROWS_AS(Xavier(Distribution::uniform, Fan::avg, std::nan("")), ArgumentError);
  CHECK_THROWS_AS(VarianceScaling(1.0, Fan::in, Distribution::normal, {.fan_in = 0.0}),
                  ArgumentError);
  CHECK_THROWS_AS(Orthogonal(1.0, Distribution::truncated_normal), ArgumentError);
  CHECK_THROWS_AS(Orthogonal{infinity}, ArgumentError);
}

TEST_CASE("Sparse has ceil(sparsity * length) zeros in each line, in other places") {
  for (const SparseAxis per : {SparseAxis::column, SparseAxis::row}) {
    const Tensor out = filled(Sparse(0.3, 1.0, per), {50, 40});
    const std::int64_t lines = per == SparseAxis::column ? 40 : 50;
    const std::int64_t length = 2000 / lines;
    const auto expected = static_cast<int>(std::ceil(0.3 * static_cast<double>(length)));
    std::vector<int> zeros_at(static_cast<std::size_t>(length));
    for (std::int64_t line = 0; line < lines; ++line) {
      int zeros = 0;
      for (std::int64_t i = 0; i < length; ++i) {
        const std::int64_t at = per == SparseAxis::column ? i * 40 + line : line * 40 + i;
        if (out.data<float>()[at] == 0.0f) {
          ++zeros;
          ++zeros_at[static_cast<std::size_t>(i)];
        }
      }
      CHECK(zeros == expected);
    }
    // Each place gets its share: none is left out, none is always chosen.
    CHECK(*std::min_element(zeros_at.begin(), zeros_at.end()) > 0);
    CHECK(*std::max_element(zeros_at.begin(), zeros_at.end()) < lines);
  }
  CHECK(values(filled(Sparse(1.0), {3, 3})) == std::vector<double>(9, 0.0));
  CHECK_THROWS_AS(filled(Sparse(0.1), {9}), ShapeError);
}

// ---- variance scaling -----------------------------------------------------------------------

TEST_CASE("fans can be given, as numbers or as axes") {
  const Shape shape{256, 20};
  CHECK(VarianceScaling(1.0, Fan::avg, Distribution::normal, {.fan_in = 4.0, .fan_out = 6.0})
            .variance("w", shape) == 1.0 / 5.0);
  CHECK(VarianceScaling(1.0, Fan::in, Distribution::normal, {.in_axes = {0}, .out_axes = {1}})
            .variance("w", shape) == 1.0 / 256.0);
  CHECK(VarianceScaling(1.0, Fan::in, Distribution::normal, {.in_axes = {-3, -1}})
            .variance("w", {2, 3, 5}) == 1.0 / 10.0);
  // A vector has what is needed, once the fan is given.
  CHECK(VarianceScaling(1.0, Fan::in, Distribution::normal, {.fan_in = 4.0}).variance("b", {7}) ==
        0.25);
  CHECK_THROWS_AS(
      VarianceScaling(1.0, Fan::avg, Distribution::normal, {.fan_in = 4.0}).variance("b", {7}),
      ShapeError);
  CHECK_THROWS_WITH_AS(
      VarianceScaling(1.0, Fan::in, Distribution::normal, {.in_axes = {2}}).variance("w", shape),
      "expected a weight that has axis 2, which is in in_axes, found 'w' of shape (256, 20); "
      "correct "
      "in_axes",
      ShapeError);
  CHECK(VarianceScaling().variance("w", {4, 0}) == 0.0);
}

TEST_CASE("convolution weights go by fans with the kernel in them") {
  CHECK(Xavier().variance("w", {8, 4, 3, 3}) == doctest::Approx(1.0 / 54.0));
  CHECK(MSRAPrelu(Fan::in, 0.0).variance("w", {8, 4, 3, 3}) == doctest::Approx(2.0 / 36.0));
}

// ---- orthogonal -----------------------------------------------------------------------------

TEST_CASE("Orthogonal has orthonormal rows or columns, times its scale") {
  for (const OrthogonalMethod method : {OrthogonalMethod::svd, OrthogonalMethod::qr}) {
    for (const Distribution rand : {Distribution::uniform, Distribution::normal}) {
      for (const Shape& shape : {Shape{20, 20}, Shape{30, 7}, Shape{7, 30}, Shape{6, 4, 3, 3},
                                 Shape{64, 2, 2}, Shape{1, 9}, Shape{9, 1}, Shape{1, 1}}) {
        CAPTURE(to_string(shape));
        CHECK(worst_product(filled(Orthogonal(1.414, rand, method), shape, Dtype::float64), 1.414) <
              1e-12);
        CHECK(worst_product(filled(Orthogonal(1.0, rand, method), shape), 1.0) < 1e-5);
      }
    }
  }
  CHECK_THROWS_WITH_AS(
      filled(Orthogonal(), {4}),
      "expected a weight of two or more axes for Orthogonal, found 'dense0_weight' of "
      "shape (4,); use Zero or Constant for a bias",
      ShapeError);
}

TEST_CASE("Orthogonal of many blocks and groups is orthonormal to float64's precision") {
  // On both sides of a block of 32 reflections, of a group of 64 columns, and of tiles.
  for (const Shape& shape :
       {Shape{31, 31}, Shape{33, 32}, Shape{65, 64}, Shape{64, 200}, Shape{203, 131}}) {
    CAPTURE(to_string(shape));
    const Tensor q = filled(Orthogonal(1.0, Distribution::normal), shape, Dtype::float64);
    // Each entry of Q^T Q is off by few roundings of each of the reflections' products: N. Higham,
    // "Accuracy and stability of numerical algorithms", section 19.3, with a small constant.
    const auto longer = static_cast<double>(std::max(shape[0], shape[1]));
    CHECK(worst_product(q, 1.0) < longer * std::numeric_limits<double>::epsilon());
  }
}

TEST_CASE("Orthogonal has the same bits on any number of threads") {
  const int before = num_threads();
  for (const Shape& shape : {Shape{300, 300}, Shape{500, 150}, Shape{150, 500}}) {
    set_num_threads(1);
    const Tensor expected = filled(Orthogonal(), shape);
    for (const int threads : {2, 5}) {
      set_num_threads(threads);
      CHECK(same_bits(filled(Orthogonal(), shape), expected));
    }
  }
  set_num_threads(before);
}

TEST_CASE("Orthogonal by QR is unbiased: the sign step is there") {
  // Without it all diagonal entries of a Householder Q have one sign.
  int positive = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Tensor q = filled(Orthogonal(1.0, Distribution::normal, OrthogonalMethod::qr), {3, 3},
                            Dtype::float64, seed);
    if (q.data<double>()[0] > 0.0) ++positive;
  }
  CHECK(std::abs(positive - 200) < 50);  // five standard errors
}

TEST_CASE("DeltaOrthogonal is orthogonal at the kernel's centre and 0 elsewhere") {
  const Tensor out = filled(DeltaOrthogonal(2.0), {6, 4, 3, 5}, Dtype::float64);
  const std::vector<double> all = values(out);
  const Tensor centre({6, 4}, Dtype::float64);
  double elsewhere = 0.0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 15 == 1 * 5 + 2) {
      centre.data<double>()[i / 15] = all[i];
    } else {
      elsewhere += std::abs(all[i]);
    }
  }
  CHECK(elsewhere == 0.0);
  CHECK(worst_product(centre, 2.0) < 1e-12);
  CHECK_THROWS_AS(filled(DeltaOrthogonal(), {4, 6, 3}), ShapeError);
  CHECK_THROWS_AS(filled(DeltaOrthogonal(), {6, 4}), ShapeError);
}

// ---- what holds for all of them -------------------------------------------------------------

TEST_CASE("each random initializer gives the same bits on any number of threads") {
  const int before = num_threads();
  for (const auto& [name, initializer] : random_initializers()) {
    const auto& shown_name = name;  // Clang 14 captures no structured binding.
    CAPTURE(shown_name);
    const Shape shape = name.rfind("Orthogonal", 0) == 0 ? Shape{40, 50} : Shape{700, 300};
    set_num_threads(1);
    const Tensor expected = filled(*initializer, shape);
    for (const int threads : {2, 7}) {
      set_num_threads(threads);
      CHECK(same_bits(filled(*initializer, shape), expected));
    }
  }
  set_num_threads(before);
}

TEST_CASE("a shard has the bits of its place in the whole") {
  const Shape shape{31, 17};
  for (const auto& [name, initializer] : random_initializers()) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      const auto& shown_name = name;  // Clang 14 captures no structured binding.
      CAPTURE(shown_name);
      const Tensor whole = filled(*initializer, shape, dtype);
      const Tensor joined(shape, dtype);
      for (std::int64_t begin = 0; begin < 527; begin += 111) {  // odd places, a shorter last one
        const std::int64_t count = std::min<std::int64_t>(111, 527 - begin);
        const Tensor part({count}, dtype);
        initializer->fill_shard("dense0_weight", shape, begin, part, Generator(1));
        std::memcpy(
            static_cast<char*>(joined.raw()) + static_cast<std::size_t>(begin) * size_of(dtype),
            part.raw(), part.bytes());
      }
      CHECK(same_bits(joined, whole));
    }
  }
  const Tensor part({4});
  CHECK_THROWS_WITH_AS(Uniform().fill_shard("w", {2, 3}, 3, part, Generator(1)),
                       "expected a shard inside 'w' of shape (2, 3), which has 6 elements, found 4 "
                       "elements from element 3 on; count elements in row-major order",
                       ShapeError);
  CHECK_THROWS_AS(Uniform().fill_shard("w", {2, 3}, -1, part, Generator(1)), ShapeError);
}

TEST_CASE("float64 weights agree with float32 ones up to rounding") {
  for (const auto& [name, initializer] : random_initializers()) {
    const auto& shown_name = name;  // Clang 14 captures no structured binding.
    CAPTURE(shown_name);
    const std::vector<double> single = values(filled(*initializer, {12, 10}));
    const std::vector<double> twice = values(filled(*initializer, {12, 10}, Dtype::float64));
    double difference = 0.0;
    double largest = 0.0;
    for (std::size_t i = 0; i < single.size(); ++i) {
      difference = std::max(difference, std::abs(single[i] - twice[i]));
      largest = std::max(largest, std::abs(twice[i]));
    }
    CHECK(difference < 2.4e-7 * largest);
  }
}

TEST_CASE("empty arrays are left alone") {
  Generator rng;
  for (const auto& [name, initializer] : random_initializers()) {
    const auto& shown_name = name;  // Clang 14 captures no structured binding.
    CAPTURE(shown_name);
    initializer->init_weight("w", Tensor({0, 4}), rng);
    initializer->init_weight("w", Tensor({4, 0}), rng);
  }
  Dirac().init_weight("w", Tensor({4, 0, 3}), rng);
  Bilinear().init_weight("w", Tensor({1, 1, 0, 4}), rng);
  DeltaOrthogonal().init_weight("w", Tensor({4, 0, 3}), rng);
  Identity().init_weight("w", Tensor({0, 3}), rng);
  LSTMBias().init_weight("w", Tensor({0}), rng);
  CHECK(rng.position() == 0);
}

// ---- Mixed ----------------------------------------------------------------------------------

TEST_CASE("Mixed asks the first pattern that is found in the name") {
  const Mixed mixed({{"bias", std::make_shared<Constant>(1.0)},
                     {"^dense1_", std::make_shared<Constant>(2.0)},
                     {".*", std::make_shared<Constant>(3.0)}});
  const auto first = [&](const char* name) {
    const Tensor out({2});
    Generator rng;
    mixed(name, out, rng);
    return out.data<float>()[0];
  };
  CHECK(first("dense0_bias") == 1.0f);
  CHECK(first("dense1_bias") == 1.0f);
  CHECK(first("dense1_weight") == 2.0f);
  CHECK(first("dense0_weight") == 3.0f);
  CHECK(first("dense1_gamma") == 2.0f);
  // What matches every name is only a default, which goes by the kind.
  CHECK(first("dense0_gamma") == 1.0f);
  CHECK(first("dense0_beta") == 0.0f);

  const Tensor out({2});
  Generator rng;
  mixed.fill_own("dense0_gamma", out, rng);
  CHECK(out.data<float>()[0] == 3.0f);
}

TEST_CASE("Mixed without a pattern for a name lists those that it has") {
  const Mixed mixed({{"bias", std::make_shared<Zero>()}, {"^conv", std::make_shared<One>()}});
  const Tensor out({2});
  Generator rng;
  CHECK_THROWS_WITH_AS(
      mixed("dense0_weight", out, rng),
      "expected a parameter whose name one of Mixed's patterns matches: 'bias', "
      "'^conv', found parameter name 'dense0_weight', which did not match any pattern; "
      "add the pattern \".*\" at the end, with a default initializer",
      ArgumentError);
}

TEST_CASE("Mixed refuses what is no rule") {
  const auto zero = std::make_shared<Zero>();
  CHECK_THROWS_AS(Mixed({}), ArgumentError);
  CHECK_THROWS_AS(Mixed({{"a(", zero}}), ArgumentError);
  CHECK_THROWS_AS(Mixed({{"a", nullptr}}), ArgumentError);
}

TEST_CASE("the default initializer is Uniform(0.07)") {
  CHECK(same_bits(filled(*default_initializer(), {30, 40}), filled(Uniform(0.07), {30, 40})));
}
