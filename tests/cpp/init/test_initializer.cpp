#include "glueball/initializer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "filled.h"
#include "glueball/error.h"
#include "glueball/parallel.h"

namespace {

// NOLINTNEXTLINE: a test names much of the namespace.
using namespace glueball;
using testing::filled;
using testing::same_bits;
using testing::values;

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

TEST_CASE("Mixed refuses what is not a rule") {
  const auto zero = std::make_shared<Zero>();
  CHECK_THROWS_AS(Mixed({}), ArgumentError);
  CHECK_THROWS_AS(Mixed({{"a(", zero}}), ArgumentError);
  CHECK_THROWS_AS(Mixed({{"a", nullptr}}), ArgumentError);
}

TEST_CASE("the default initializer is Uniform(0.07)") {
  CHECK(same_bits(filled(*default_initializer(), {30, 40}), filled(Uniform(0.07), {30, 40})));
}
