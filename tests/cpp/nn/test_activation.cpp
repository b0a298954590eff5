#include "glueball/activation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "core/dispatch.h"
#include "glueball/error.h"
#include "glueball/parallel.h"
#include "gradient_check.h"

namespace glueball {
namespace {

using test::random_tensor;

const std::vector<ActivationKind> kinds{
    ActivationKind::identity, ActivationKind::relu,     ActivationKind::sigmoid,
    ActivationKind::tanh,     ActivationKind::softrelu, ActivationKind::softsign,
    ActivationKind::gelu,     ActivationKind::silu,     ActivationKind::leaky_relu,
    ActivationKind::elu,      ActivationKind::selu,     ActivationKind::log_sigmoid,
    ActivationKind::mish};

/// The definitions, in long double and with the standard library.
long double reference(const ActivationFunction& function, long double x) {
  const auto alpha = static_cast<long double>(function.alpha);
  const auto softrelu = [](long double v) {
    return std::max(v, 0.0L) + std::log1p(std::exp(-std::abs(v)));
  };
  switch (function.kind) {
    case ActivationKind::identity:
      return x;
    case ActivationKind::relu:
      return x > 0 ? x : 0;
    case ActivationKind::sigmoid:
      return 1 / (1 + std::exp(-x));
    case ActivationKind::tanh:
      return std::tanh(x);
    case ActivationKind::softrelu:
      return softrelu(x);
    case ActivationKind::softsign:
      return x / (1 + std::abs(x));
    case ActivationKind::gelu:
      return x * std::erfc(-x / std::sqrt(2.0L)) / 2;
    case ActivationKind::silu:
      return x / (1 + std::exp(-alpha * x));
    case ActivationKind::leaky_relu:
      return x > 0 ? x : alpha * x;
    case ActivationKind::elu:
      return x > 0 ? x : alpha * std::expm1(x);
    case ActivationKind::selu:
      return 1.0507009873554805L * (x > 0 ? x : 1.6732632423543772L * std::expm1(x));
    case ActivationKind::log_sigmoid:
      return -softrelu(-x);
    case ActivationKind::mish:
      return x * std::tanh(softrelu(x));
  }
  return 0;
}

template <class T>
const kernels::Table<T>& table_of(const kernels::KernelSet& set) {
  if constexpr (std::is_same_v<T, float>) {
    return set.f32;
  } else {
    return set.f64;
  }
}

template <class T>
void check_values(const ActivationFunction& function, double tolerance) {
  std::vector<T> x;
  for (double v = -30.0; v <= 30.0; v += 0.137) x.push_back(static_cast<T>(v));
  for (double v : {0.0, -0.0, 1e-6, -1e-6, 1e-3, -1e-3}) x.push_back(static_cast<T>(v));
  std::vector<T> y(x.size());
  for (const kernels::KernelSet* set : kernels::runnable()) {
    const std::string isa = set->name;
    CAPTURE(isa);
    table_of<T>(*set).activation_forward(static_cast<kernels::ActivationCode>(function.kind),
                                         function.alpha, x.data(), y.data(),
                                         static_cast<std::ptrdiff_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected =
          static_cast<double>(reference(function, static_cast<long double>(x[i])));
      CAPTURE(x[i]);
      CAPTURE(expected);
      // Below the smallest normal number of T digits go missing.
      CHECK(std::abs(static_cast<double>(y[i]) - expected) <=
            tolerance * std::abs(expected) + static_cast<double>(std::numeric_limits<T>::min()));
    }
  }
}

TEST_CASE("every activation is its formula, to rounding, in float64 and float32") {
  for (const ActivationKind kind : kinds) {
    const std::string name = to_string(kind);
    CAPTURE(name);
    check_values<double>(kind, 4e-14);
    check_values<float>(kind, 2e-5);
  }
  check_values<double>({ActivationKind::silu, 1.7}, 4e-14);
  check_values<double>({ActivationKind::elu, 0.3}, 4e-14);
  check_values<double>({ActivationKind::leaky_relu, 0.25}, 1e-15);
  check_values<double>({ActivationKind::leaky_relu, -0.5}, 1e-15);
}

TEST_CASE("large numbers give no infinity and no NaN") {
  const double largest = std::numeric_limits<float>::max();
  for (const double x : {-largest, -1e6, -1000.0, -104.0, -89.0, 89.0, 1000.0, 1e6, largest}) {
    for (const ActivationKind kind : kinds) {
      const std::string name = to_string(kind);
      CAPTURE(name);
      CAPTURE(x);
      for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
        // SELU's factor 1.05 takes the largest float over the edge, as it should.
        if (kind == ActivationKind::selu && x == largest && dtype == Dtype::float32) continue;
        Tensor in({3}, dtype);
        in.fill(x);
        Tensor out({3}, dtype);
        Tensor head({3}, dtype);
        head.fill(1.0);
        Tensor gradient({3}, dtype);
        activate(kind, in, out);
        activate_backward(kind, in, out, head, gradient);
        const double y = out.cast(Dtype::float64).data<double>()[1];
        const double expected = static_cast<double>(
            reference(kind, static_cast<long double>(in.cast(Dtype::float64).data<double>()[1])));
        CHECK(std::isfinite(y));
        CHECK(y == doctest::Approx(expected).epsilon(1e-4));
        CHECK(std::isfinite(gradient.cast(Dtype::float64).data<double>()[1]));
      }
    }
  }
}

TEST_CASE("NaN comes out as NaN, wherever in the array it stands") {
  for (const ActivationKind kind : kinds) {
    const std::string name = to_string(kind);
    CAPTURE(name);
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      Tensor x({37}, dtype);
      x.fill(std::numeric_limits<double>::quiet_NaN());
      Tensor y({37}, dtype);
      activate(kind, x, y);
      const Tensor wide = y.cast(Dtype::float64);
      for (std::int64_t i = 0; i < 37; ++i) CHECK(std::isnan(wide.data<double>()[i]));
    }
  }
}

TEST_CASE("a result does not depend on the element's place in the array") {
  const Tensor x = random_tensor({67}, 3, -5.0, 5.0, Dtype::float32);
  for (const ActivationKind kind : kinds) {
    const std::string name = to_string(kind);
    CAPTURE(name);
    Tensor whole({67});
    activate(kind, x, whole);
    for (std::int64_t i = 0; i < 67; ++i) {
      Tensor one({1});
      activate(kind, Tensor::borrow(x.data<float>() + i, {1}, Dtype::float32), one);
      CHECK(one.data<float>()[0] == whole.data<float>()[i]);
    }
  }
}

TEST_CASE("input and output may be the same array") {
  const Tensor x = random_tensor({50}, 3, -5.0, 5.0);
  for (const ActivationKind kind : kinds) {
    Tensor expected({50}, Dtype::float64);
    activate(kind, x, expected);
    const Tensor same = x.clone();
    activate(kind, same, same);
    CHECK(test::relative_error(same, expected) == 0.0);
  }
}

TEST_CASE("every activation's derivative agrees with central differences") {
  std::vector<ActivationFunction> functions(kinds.begin(), kinds.end());
  functions.emplace_back(ActivationKind::silu, 1.7);
  functions.emplace_back(ActivationKind::leaky_relu, -0.5);
  functions.emplace_back(ActivationKind::elu, -0.5);
  functions.emplace_back(ActivationKind::elu, 2.0);
  for (const ActivationFunction& function : functions) {
    const std::string name = to_string(function.kind);
    CAPTURE(name);
    CAPTURE(function.alpha);
    Activation layer("act0", function);
    test::check_gradients(layer, random_tensor({5, 7}, 11, -4.0, 4.0));
  }
}

TEST_CASE("the derivative of relu at 0 is 0") {
  const Tensor x({2}, Dtype::float64);
  Tensor head({2}, Dtype::float64);
  head.fill(1.0);
  Tensor gradient({2}, Dtype::float64);
  gradient.fill(5.0);
  activate_backward(ActivationKind::relu, Tensor(), x, head, gradient);
  CHECK(gradient.data<double>()[0] == 0.0);
}

TEST_CASE("threads do not change the numbers") {
  const Tensor x = random_tensor({200'001}, 5, -3.0, 3.0, Dtype::float32);
  const int threads = num_threads();
  std::vector<Tensor> results;
  for (const int count : {1, 2, 7}) {
    set_num_threads(count);
    Tensor y(x.shape());
    activate(ActivationKind::gelu, x, y);
    results.push_back(y);
  }
  set_num_threads(threads);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    REQUIRE(results[0].data<float>()[i] == results[1].data<float>()[i]);
    REQUIRE(results[0].data<float>()[i] == results[2].data<float>()[i]);
  }
}

TEST_CASE("names and kinds correspond, aliases included") {
  const std::vector<std::string>& names = activation_names();
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  for (const ActivationKind kind : kinds) {
    CHECK(ActivationFunction(to_string(kind)).kind == kind);
  }
  CHECK(ActivationFunction("softplus").kind == ActivationKind::softrelu);
  CHECK(ActivationFunction("swish").kind == ActivationKind::silu);
  CHECK(ActivationFunction("swish").alpha == 1.0);
  CHECK(ActivationFunction("leaky_relu").alpha == 0.01);
}

TEST_CASE("an unknown name lists the known ones") {
  CHECK_THROWS_WITH_AS(
      ActivationFunction("nosuch"),
      "expected an activation's name, found 'nosuch'; use one of 'identity', 'relu', 'sigmoid', "
      "'tanh', 'softrelu', 'softplus', 'softsign', 'gelu', 'silu', 'swish', 'leaky_relu', 'elu', "
      "'selu', 'log_sigmoid', 'mish'",
      ArgumentError);
}

TEST_CASE("arrays that differ in shape or dtype are refused") {
  CHECK_THROWS_WITH_AS(activate(ActivationKind::relu, Tensor({2, 3}), Tensor({3, 2})),
                       "expected an output like the input, of shape (2, 3) and dtype float32, "
                       "found (3, 2), float32; pass arrays of one shape and dtype",
                       InputError);
  CHECK_THROWS_AS(activate(ActivationKind::relu, Tensor({2}), Tensor({2}, Dtype::float64)),
                  InputError);
}

TEST_CASE("an empty array, and one of any rank, pass through the layer") {
  Activation layer("relu0", ActivationKind::relu);
  CHECK(layer.forward(Tensor({0, 3}), {}, nullptr).shape() == Shape{0, 3});
  CHECK(layer.forward(Tensor(Shape{}), {}, nullptr).shape() == Shape{});
  CHECK(layer.infer_shape({Shape::unknown, 4}) == Shape{Shape::unknown, 4});
  CHECK(layer.is_ready());
}

}  // namespace
}  // namespace glueball
