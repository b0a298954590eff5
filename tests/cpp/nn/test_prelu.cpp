#include "glueball/prelu.h"

#include <doctest/doctest.h>

#include <memory>

#include "glueball/error.h"
#include "gradient_check.h"

namespace glueball {
namespace {

PReLU::Settings channels(std::int64_t count) {
  PReLU::Settings settings;
  settings.in_channels = count;
  settings.dtype = Dtype::float64;
  return settings;
}

TEST_CASE("each channel has its slope below zero") {
  for (const Shape& shape : {Shape{4, 67}, Shape{3, 67, 2}, Shape{2, 67, 1, 3}}) {
    for (const std::int64_t slopes : {std::int64_t{1}, std::int64_t{67}}) {
      PReLU layer("prelu0", channels(slopes));
      test::initialize_all(layer);
      const Tensor x = test::random_tensor(shape, 2);

      const Tensor y = layer.forward(x, {}, nullptr);

      const std::int64_t span = x.size() / (shape[0] * 67);
      const Tensor wanted(shape, Dtype::float64);
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const double value = x.data<double>()[i];
        const double slope = layer.alpha()->data().data<double>()[slopes == 1 ? 0 : i / span % 67];
        wanted.data<double>()[i] = value > 0.0 ? value : slope * value;
      }
      CHECK(test::relative_error(y, wanted) == 0.0);
      test::check_gradients(layer, x);
    }
  }
}

TEST_CASE("the slopes start at a quarter, and their number comes from the first input if need be") {
  PReLU::Settings settings;
  settings.in_channels = Shape::unknown;
  PReLU layer("prelu0", settings);
  layer.alpha()->initialize(nullptr, nullptr, Generator(1));
  Tensor x({2, 3});
  x.fill(-4.0);

  const Tensor y = layer.forward(x, {}, nullptr);

  CHECK(*layer.alpha()->shape() == Shape{3});
  CHECK(y.data<float>()[5] == -1.0F);
}

TEST_CASE("an update between forward and backward changes no gradient of the input") {
  PReLU layer("prelu0", channels(1));
  test::initialize_all(layer);
  const Tensor x = test::random_tensor({4, 2}, 2);
  LayerRecord record;
  const Tensor y = layer.forward(x, {}, &record);
  const Tensor before = layer.backward(y, record, true, BackwardPass());

  layer.alpha()->data().fill(100.0);

  CHECK(test::relative_error(layer.backward(y, record, true, BackwardPass()), before) == 0.0);
}

TEST_CASE("other channels or dtypes are refused, and an empty batch is none of them") {
  PReLU layer("prelu0", channels(3));
  test::initialize_all(layer);
  CHECK_THROWS_WITH_AS(layer.forward(test::random_tensor({2, 4}, 1), {}, nullptr),
                       "expected 3 channels on axis 1 of the input of 'prelu0', found the shape "
                       "(2, 4); give PReLU as many in_channels, or 1",
                       ShapeError);
  CHECK_THROWS_AS(layer.forward(test::random_tensor({3}, 1), {}, nullptr), ShapeError);
  CHECK_THROWS_AS(layer.forward(Tensor({2, 3}), {}, nullptr), DtypeError);
  LayerRecord record;
  const Tensor y = layer.forward(Tensor({0, 3}, Dtype::float64), {}, &record);
  CHECK(layer.backward(y, record, true, BackwardPass()).shape() == Shape{0, 3});
  CHECK(layer.alpha()->grad().data<double>()[0] == 0.0);
  CHECK_THROWS_AS(PReLU("prelu1", std::make_shared<Parameter>("a", Shape{2, 2})), ShapeError);
  CHECK_THROWS_AS(PReLU("prelu1", channels(0)), ArgumentError);
}

}  // namespace
}  // namespace glueball
