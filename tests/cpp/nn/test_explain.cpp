#include "glueball/explain.h"

#include <doctest/doctest.h>

#include <cmath>

#include "glueball/dense.h"
#include "glueball/error.h"

namespace glueball {
namespace {

Dense::Settings settings_of(std::int64_t in_units) {
  Dense::Settings settings;
  settings.in_units = in_units;
  return settings;
}

TEST_CASE("explain says what fills each parameter, who chose it, and what comes of it") {
  Sequential net("net");
  Dense::Settings own = settings_of(30);
  own.weight_initializer = std::make_shared<Constant>(2.0);
  net.add<Dense>("dense0", 40, own);
  net.add<Dense>("dense1", 50, settings_of(40));

  const auto rows = explain(net);

  REQUIRE(rows.size() == 4);
  CHECK(rows[0].path == "0.weight");
  CHECK(rows[0].origin == InitializerOrigin::layer);
  CHECK(rows[0].initializer == own.weight_initializer);
  CHECK(rows[0].expected.value().mean == 2.0);
  CHECK(rows[0].expected.value().sd == 0.0);
  CHECK_FALSE(rows[0].actual.has_value());
  CHECK(rows[1].origin == InitializerOrigin::layer);
  CHECK(rows[2].path == "1.weight");
  CHECK(rows[2].origin == InitializerOrigin::global_default);
  CHECK(rows[2].expected.value().sd == doctest::Approx(0.07 / std::sqrt(3.0)).epsilon(0.03));
  for (const auto& [path, parameter] : net.collect_parameters()) {
    CHECK(parameter->state() == Parameter::State::uninitialized);
  }
}

TEST_CASE("explain of an initializer says what initialize would give, and what is there") {
  Sequential net("net");
  Dense::Settings settings = settings_of(200);
  settings.bias_initializer = nullptr;
  net.add<Dense>("dense0", 100, settings);
  net.add<Dense>("dense1", 3);
  const auto normal = std::make_shared<Normal>(0.5, 1.0);
  net.initialize(normal, 7);

  const auto rows = explain(net, normal);

  CHECK(rows[0].origin == InitializerOrigin::given);
  CHECK(rows[0].initializer == normal);
  CHECK(rows[0].expected.value().mean == doctest::Approx(1.0).epsilon(0.02));
  CHECK(rows[0].expected.value().sd == doctest::Approx(0.5).epsilon(0.02));
  CHECK(rows[0].actual.value().mean == doctest::Approx(1.0).epsilon(0.02));
  CHECK(rows[0].actual.value().sd == doctest::Approx(0.5).epsilon(0.02));
  // A default fills a bias by its hook, which gives 0.
  CHECK(rows[1].origin == InitializerOrigin::given);
  CHECK(rows[1].expected.value().mean == 0.0);
  CHECK(rows[1].actual.value().mean == 0.0);
  // The width is not known yet.
  CHECK(rows[2].path == "1.weight");
  CHECK_FALSE(rows[2].expected.has_value());
  CHECK_FALSE(rows[2].actual.has_value());
}

TEST_CASE("a shared parameter is explained once, and a chain in a chain by its path") {
  Sequential net("net");
  auto inner = std::make_shared<Sequential>("inner");
  auto shared = inner->add<Dense>("dense0", 4, settings_of(4));
  net.add(inner);
  net.add(shared);

  const auto rows = explain(net);

  REQUIRE(rows.size() == 2);
  CHECK(rows[0].path == "0.0.weight");
}

TEST_CASE("moments are those of the elements") {
  const double values[] = {1.0, 2.0, 3.0, 6.0};
  const Moments found = moments_of(Tensor::borrow(values, {2, 2}));

  CHECK(found.mean == 3.0);
  CHECK(found.sd == doctest::Approx(std::sqrt(3.5)));
  CHECK_THROWS_AS(moments_of(Tensor()), ArgumentError);
}

}  // namespace
}  // namespace glueball
