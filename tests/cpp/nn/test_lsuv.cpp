#include "glueball/lsuv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "glueball/dense.h"
#include "glueball/error.h"
#include "glueball/explain.h"

namespace glueball {
namespace {

Tensor batch(std::int64_t samples, std::int64_t width) {
  Tensor values({samples, width});
  Generator(3, 1).normal(values, 3.0, 5.0);
  return values;
}

std::shared_ptr<Dense> dense(const std::string& name, std::int64_t units,
                             std::shared_ptr<const Initializer> bias = std::make_shared<Zero>()) {
  Dense::Settings settings;
  settings.activation = ActivationKind::tanh;
  settings.bias_initializer = std::move(bias);
  return std::make_shared<Dense>(name, units, settings);
}

/// The variance of what comes out of a layer before its tanh.
double variance_before_tanh(const Tensor& output) {
  Tensor values = output.cast(Dtype::float64);
  for (std::int64_t i = 0; i < values.size(); ++i) {
    values.data<double>()[i] = std::atanh(values.data<double>()[i]);
  }
  const double sd = moments_of(values).sd;
  return sd * sd;
}

TEST_CASE("what comes out of each layer has variance 1 before its activation") {
  Sequential net("net");
  auto inner = std::make_shared<Sequential>("inner");
  inner->add(dense("dense0", 40));
  inner->add(dense("dense1", 40, std::make_shared<Normal>(0.2)));
  net.add(inner);
  net.add(dense("dense2", 10));
  const Tensor input = batch(200, 20);

  const auto rows = lsuv(net, input);

  REQUIRE(rows.size() == 3);
  CHECK(rows[0].path == "0.0.weight");
  CHECK(rows[2].path == "1.weight");
  Tensor values = input;
  const std::shared_ptr<Layer> layers[] = {inner->layers()[0], inner->layers()[1], net.layers()[1]};
  for (std::size_t i = 0; i < 3; ++i) {
    values = layers[i]->forward(values, ForwardMode{}, nullptr);
    CHECK(rows[i].converged);
    CHECK(rows[i].steps >= 1);
    CHECK(std::abs(rows[i].variance - 1.0) <= 0.02);
    CHECK(variance_before_tanh(values) == doctest::Approx(rows[i].variance).epsilon(1e-3));
  }
}

TEST_CASE("weights are orthogonal by a factor, the same for the same seed") {
  Sequential net("net");
  const auto layer = dense("dense0", 20);
  net.add(layer);
  const Tensor input = batch(100, 20);

  const auto rows = lsuv(net, input);
  const Tensor weight = layer->weight()->values().clone();
  const auto again = lsuv(net, input);

  CHECK(again[0].before == doctest::Approx(rows[0].variance));
  for (std::int64_t i = 0; i < 20; ++i) {
    for (std::int64_t j = 0; j < 20; ++j) {
      double product = 0.0;
      for (std::int64_t k = 0; k < 20; ++k) {
        product += static_cast<double>(weight.data<float>()[20 * i + k]) *
                   static_cast<double>(weight.data<float>()[20 * j + k]);
      }
      CHECK(product / (rows[0].scale * rows[0].scale) ==
            doctest::Approx(i == j ? 1.0 : 0.0).epsilon(1e-4));
      CHECK(layer->weight()->values().data<float>()[20 * i + j] ==
            doctest::Approx(weight.data<float>()[20 * i + j]));
    }
  }
}

TEST_CASE("frozen weights stay, shared ones are scaled once, and equal outputs are told") {
  Sequential net("net");
  const auto frozen = dense("dense0", 20);
  const auto shared = dense("dense1", 20);
  net.add(frozen);
  net.add(shared);
  net.add(shared);
  const Tensor input = batch(50, 20);
  net.initialize();
  static_cast<void>(net(input));
  frozen->weight()->set_grad_req(GradReq::null);
  const float first = frozen->weight()->values().data<float>()[0];

  const auto rows = lsuv(net, input);

  REQUIRE(rows.size() == 2);
  CHECK(rows[0].steps == 0);
  CHECK_FALSE(rows[0].converged);
  CHECK(frozen->weight()->values().data<float>()[0] == first);
  CHECK(rows[1].converged);

  const auto of_zeros = lsuv(net, Tensor({3, 20}));
  CHECK(of_zeros[1].variance == 0.0);
  CHECK_FALSE(of_zeros[1].converged);
}

TEST_CASE("wrong settings are refused, and nothing is initialized") {
  Sequential net("net");
  const auto layer = dense("dense0", 2);
  net.add(layer);
  LsuvSettings settings;

  settings.tolerance = 0.0;
  CHECK_THROWS_AS(lsuv(net, batch(2, 3), settings), ArgumentError);
  settings.tolerance = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(lsuv(net, batch(2, 3), settings), ArgumentError);
  settings = {};
  settings.max_steps = 0;
  CHECK_THROWS_AS(lsuv(net, batch(2, 3), settings), ArgumentError);
  CHECK(layer->weight()->state() == Parameter::State::uninitialized);
}

}  // namespace
}  // namespace glueball
