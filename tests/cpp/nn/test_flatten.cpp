#include "glueball/flatten.h"

#include <doctest/doctest.h>

#include "glueball/error.h"
#include "gradient_check.h"

namespace glueball {
namespace {

TEST_CASE("flatten keeps the batch axis and joins the others") {
  Flatten layer("flatten0");

  CHECK(layer.infer_shape({2, 3, 4}) == Shape{2, 12});
  CHECK(layer.infer_shape({2, 12}) == Shape{2, 12});
  CHECK(layer.infer_shape({2}) == Shape{2, 1});
  CHECK(layer.infer_shape({0, 3, 4}) == Shape{0, 12});
  CHECK(layer.infer_shape({Shape::unknown, 3, 4}) == Shape{Shape::unknown, 12});
  CHECK(layer.infer_shape({2, Shape::unknown, 4}) == Shape{2, Shape::unknown});
}

TEST_CASE("flatten copies nothing, forward or backward") {
  Flatten layer("flatten0");
  const Tensor x = test::random_tensor({2, 3, 4}, 1);
  LayerRecord record;

  const Tensor y = layer.forward(x, {}, &record);
  const Tensor dx = layer.backward(y, record, true, BackwardPass());

  CHECK(y.shape() == Shape{2, 12});
  CHECK(y.raw() == x.raw());
  CHECK(dx.shape() == x.shape());
  CHECK(dx.raw() == y.raw());
  CHECK_FALSE(layer.backward(y, record, false, BackwardPass()).defined());
}

TEST_CASE("flatten refuses a scalar") {
  Flatten layer("flatten0");

  CHECK_THROWS_WITH_AS(layer.forward(Tensor(Shape{}), {}, nullptr),
                       "expected an input with a batch axis for 'flatten0', found shape (); pass "
                       "an array of one axis or more",
                       InputError);
}

}  // namespace
}  // namespace glueball
