#include "glueball/dropout.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "glueball/error.h"
#include "glueball/parallel.h"
#include "gradient_check.h"

namespace glueball {
namespace {

TEST_CASE("dropout is the identity outside training, and with rate 0") {
  const Tensor x = test::random_tensor({3, 4}, 1);
  Generator rng(1);
  LayerRecord record;

  CHECK(Dropout("dropout0", 0.5).forward(x, {}, nullptr).raw() == x.raw());
  Dropout none("dropout1", 0.0);
  CHECK(none.forward(x, {true, &rng}, &record).raw() == x.raw());
  CHECK(none.backward(x, record, true, BackwardPass()).raw() == x.raw());
  CHECK(rng.position() == 0);
}

TEST_CASE(
    "in training dropout scales what it keeps, drops the share it should, and passes gradients "
    "alike") {
  for (const double rate : {0.1, 0.5, 0.9}) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      CAPTURE(rate);
      constexpr std::int64_t count = 100'000;
      Tensor x({count}, dtype);
      x.fill(3.0);
      Generator rng(5);
      LayerRecord record;
      Dropout layer("dropout0", rate);

      const Tensor y = layer.forward(x, {true, &rng}, &record).cast(Dtype::float64);
      Tensor head({count}, dtype);
      head.fill(3.0);
      const Tensor dx = layer.backward(head, record, true, BackwardPass()).cast(Dtype::float64);

      std::int64_t dropped = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        const double value = y.data<double>()[i];
        if (value == 0.0) ++dropped;
        REQUIRE((value == 0.0 || std::abs(value - 3.0 / (1.0 - rate)) < 1e-5));
        REQUIRE(dx.data<double>()[i] == value);
      }
      // Six standard deviations of the binomial distribution.
      const double deviation = std::sqrt(static_cast<double>(count) * rate * (1.0 - rate));
      CHECK(std::abs(static_cast<double>(dropped) - static_cast<double>(count) * rate) <
            6.0 * deviation);
      CHECK(rng.position() == static_cast<std::uint64_t>(count));
    }
  }
}

TEST_CASE("an element is kept exactly when its uniform draw reaches the rate") {
  Tensor draws({1000});
  Generator(9).uniform(draws, 0.0, 1.0);
  Tensor x({1000});
  x.fill(1.0);
  Generator rng(9);

  const Tensor y = Dropout("dropout0", 0.3).forward(x, {true, &rng}, nullptr);

  for (std::int64_t i = 0; i < 1000; ++i) {
    CHECK((y.data<float>()[i] != 0.0F) == (draws.data<float>()[i] >= 0.3F));
  }
}

TEST_CASE("rate 1 gives zeros, also for what is not finite, and zero gradients") {
  Tensor x({4});
  x.fill(std::numeric_limits<double>::infinity());
  Generator rng(1);
  LayerRecord record;
  Dropout layer("dropout0", 1.0);

  const Tensor y = layer.forward(x, {true, &rng}, &record);
  Tensor head({4});
  head.fill(2.0);
  const Tensor dx = layer.backward(head, record, true, BackwardPass());

  for (int i = 0; i < 4; ++i) {
    CHECK(y.data<float>()[i] == 0.0F);
    CHECK(dx.data<float>()[i] == 0.0F);
  }
}

TEST_CASE("threads do not change which elements are dropped") {
  const Tensor x = test::random_tensor({150'000}, 2, 1.0, 2.0, Dtype::float32);
  const int threads = num_threads();
  Dropout layer("dropout0", 0.4);
  Generator first(3);
  Generator second(3);

  set_num_threads(1);
  const Tensor one = layer.forward(x, {true, &first}, nullptr);
  set_num_threads(3);
  const Tensor three = layer.forward(x, {true, &second}, nullptr);
  set_num_threads(threads);

  for (std::int64_t i = 0; i < x.size(); ++i) {
    REQUIRE(one.data<float>()[i] == three.data<float>()[i]);
  }
}

TEST_CASE("a rate outside 0 to 1, and training without a generator, are refused") {
  CHECK_THROWS_WITH_AS(Dropout("dropout0", 1.5),
                       "expected a rate from 0 to 1 for 'dropout0', found 1.500000; give the share "
                       "of elements to drop",
                       ArgumentError);
  CHECK_THROWS_AS(Dropout("dropout0", -0.1), ArgumentError);
  CHECK_THROWS_AS(Dropout("dropout0", std::nan("")), ArgumentError);
  CHECK_THROWS_WITH_AS(
      Dropout("dropout0", 0.5).forward(Tensor({2}), {true, nullptr}, nullptr),
      "expected a Generator to train 'dropout0' with, found none; set ForwardMode::rng",
      ArgumentError);
}

}  // namespace
}  // namespace glueball
