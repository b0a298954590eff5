#include "glueball/dropout.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

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

TEST_CASE("elements along the axes are dropped together, and gradients alike") {
  const std::vector<std::vector<std::int64_t>> choices{
      {0}, {1}, {2}, {3}, {0, 1}, {1, 2}, {0, 2}, {1, 3}, {2, 3}, {-1}, {-4, 2}, {0, 1, 2, 3}};
  for (const auto& axes : choices) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      CAPTURE(axes.front());
      const Shape shape{3, 4, 5, 6};
      const Tensor x = test::random_tensor(shape, 7, 1.0, 2.0, dtype);
      const Tensor head = test::random_tensor(shape, 8, 1.0, 2.0, dtype);
      Shape small = shape;
      for (const std::int64_t axis : axes) {
        small = small.with(static_cast<std::size_t>(axis < 0 ? axis + 4 : axis), 1);
      }
      Tensor draws(small, dtype);
      Generator(11).uniform(draws, 0.0, 1.0);
      draws = draws.cast(Dtype::float64);
      Generator rng(11);
      LayerRecord record;
      Dropout layer("dropout0", 0.25, axes);

      const Tensor y = layer.forward(x, {true, &rng}, &record).cast(Dtype::float64);
      const Tensor dx = layer.backward(head, record, true, BackwardPass()).cast(Dtype::float64);

      CHECK(rng.position() == static_cast<std::uint64_t>(small.elements()));
      CHECK(record.extra.shape() == small);
      const Tensor x64 = x.cast(Dtype::float64);
      const Tensor head64 = head.cast(Dtype::float64);
      for (std::int64_t i = 0; i < x.size(); ++i) {
        // The mask's element at the same place, counted axis by axis from the last.
        std::int64_t place = 0;
        std::int64_t stride = 1;
        std::int64_t rest = i;
        for (std::size_t axis = 4; axis-- > 0;) {
          place += rest % shape[axis] % small[axis] * stride;
          stride *= small[axis];
          rest /= shape[axis];
        }
        const double factor = draws.data<double>()[place] >= 0.25 ? 1.0 / 0.75 : 0.0;
        REQUIRE(y.data<double>()[i] == doctest::Approx(factor * x64.data<double>()[i]));
        REQUIRE(dx.data<double>()[i] == doctest::Approx(factor * head64.data<double>()[i]));
      }
    }
  }
}

TEST_CASE("axes may have length 1 or 0, and what is dropped together may be infinite") {
  for (const Shape& shape : {Shape{5, 1, 3}, Shape{5, 3, 1}, Shape{1, 1, 1}, Shape{0, 3, 2},
                             Shape{2, 0, 3}, Shape{2, 3, 0}}) {
    Tensor x(shape);
    x.fill(std::numeric_limits<double>::infinity());
    for (const std::int64_t axis : {0, 1, 2}) {
      Generator rng(1);
      const Tensor y = Dropout("dropout0", 0.5, {axis}).forward(x, {true, &rng}, nullptr);
      CHECK(y.shape() == shape);
      for (std::int64_t i = 0; i < y.size(); ++i) CHECK(!std::isnan(y.data<float>()[i]));
    }
  }
}

TEST_CASE("an axis that the input lacks is refused, by name, before anything is drawn") {
  Generator rng(1);
  Dropout layer("dropout0", 0.5, {2});
  const char* const message =
      "expected an input of 'dropout0' that has the axis 2 along which elements are dropped "
      "together, found shape (3, 4); correct the layer's axes";
  CHECK_THROWS_WITH_AS(layer.forward(Tensor({3, 4}), {true, &rng}, nullptr), message, InputError);
  CHECK_THROWS_WITH_AS(layer.infer_shape({3, 4}), message, InputError);
  CHECK(rng.position() == 0);
  CHECK(layer.infer_shape({Shape::unknown, 4, 2}) == Shape{Shape::unknown, 4, 2});
  CHECK_THROWS_AS(Dropout("dropout1", 0.5, {8}), ArgumentError);
  CHECK_THROWS_AS(Dropout("dropout1", 0.5, {-9}), ArgumentError);
}

TEST_CASE("threads do not change which elements are dropped") {
  const Tensor x = test::random_tensor({500, 300}, 2, 1.0, 2.0, Dtype::float32);
  const int threads = num_threads();
  for (const std::vector<std::int64_t>& axes : {std::vector<std::int64_t>{}, {0}, {1}}) {
    Dropout layer("dropout0", 0.4, axes);
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

TEST_CASE("a record with a mask of another layer's is refused") {
  Dropout shared("dropout0", 0.5, {1});
  Dropout layer("dropout1", 0.5);
  Generator rng(1);
  LayerRecord record;
  const Tensor y = shared.forward(Tensor({2, 300}), {true, &rng}, &record);

  CHECK_THROWS_AS(layer.backward(y, record, true, BackwardPass()), InputError);
  layer.forward(Tensor({2, 300}), {true, &rng}, &record);
  CHECK_THROWS_AS(shared.backward(y, record, true, BackwardPass()), InputError);
}

TEST_CASE("an empty Tensor is not an input") {
  CHECK_THROWS_WITH_AS(Dropout("dropout0", 0.5).forward(Tensor(), {}, nullptr),
                       "expected an array as the input of 'dropout0', found an empty Tensor; "
                       "pass one with numbers",
                       InputError);
  CHECK(Dropout("dropout0", 0.5).forward(Tensor({0}), {}, nullptr).shape() == Shape{0});
}

}  // namespace
}  // namespace glueball
