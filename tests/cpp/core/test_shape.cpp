#include "glueball/shape.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "glueball/error.h"
#include "glueball/tensor.h"

namespace glueball {
namespace {

constexpr std::int64_t unknown = Shape::unknown;

TEST_CASE("a shape prints as Python prints a tuple") {
  CHECK(to_string(Shape()) == "()");
  CHECK(to_string(Shape({4})) == "(4,)");
  CHECK(to_string(Shape({2, 3})) == "(2, 3)");
  CHECK(to_string(Shape({256, unknown})) == "(256, -1)");
}

TEST_CASE("elements are counted, one for a scalar and none for an empty array") {
  CHECK(Shape().elements() == 1);
  CHECK(Shape({2, 3, 4}).elements() == 24);
  CHECK(Shape({2, 0, 4}).elements() == 0);
}

TEST_CASE("an empty array is empty as long as its strides can be counted") {
  const std::int64_t most = std::int64_t{1} << 60;

  CHECK(Shape({most, 0}).elements() == 0);
  CHECK(Shape({0, most / 2, 2}).elements() == 0);
  for (const Shape& shape : {Shape{0, most + 1}, Shape{most, 0, 2}, Shape{most, most, 0}}) {
    CAPTURE(to_string(shape));
    CHECK_THROWS_AS(static_cast<void>(shape.elements()), ShapeError);
    CHECK_THROWS_AS(Tensor{shape}, ShapeError);
  }
}

TEST_CASE("elements cannot be counted when an axis is unknown or there are too many") {
  const std::int64_t huge = std::int64_t{1} << 32;

  CHECK_THROWS_WITH_AS(static_cast<void>(Shape({2, unknown}).elements()),
                       "expected a shape whose axes are all known, found (2, -1); give the "
                       "lengths, or pass data first",
                       ShapeError);
  for (const std::int64_t length : {huge, huge / 2}) {
    CHECK_THROWS_AS(static_cast<void>(Shape({length, length}).elements()), ShapeError);
  }
  CHECK(Shape({huge / 4, huge / 4}).elements() == std::int64_t{1} << 60);
}

TEST_CASE("negative lengths and more axes than eight are refused") {
  CHECK_THROWS_WITH_AS(Shape({2, -3}),
                       "expected lengths of axes that are 0 or more (-1 for an unknown one), found "
                       "(2, -3); correct the shape",
                       ArgumentError);
  CHECK_NOTHROW(Shape(std::vector<std::int64_t>(8, 1)));
  CHECK_THROWS_AS(Shape(std::vector<std::int64_t>(9, 1)), ArgumentError);
}

TEST_CASE("merging fills unknown axes from either side") {
  CHECK(Shape({256, unknown}).merged({256, 20}) == Shape({256, 20}));
  CHECK(Shape({256, 20}).merged({unknown, unknown}) == Shape({256, 20}));
  CHECK(Shape({unknown, 20}).merged({256, unknown}) == Shape({256, 20}));
  CHECK(Shape().merged({}) == Shape());
}

TEST_CASE("shapes that differ in a known axis or in rank do not merge") {
  CHECK_FALSE(Shape({2, 3}).is_compatible({2, 4}));
  CHECK_FALSE(Shape({2, unknown}).is_compatible({2}));
  CHECK_THROWS_WITH_AS(static_cast<void>(Shape({2, unknown}).merged({3, 4})),
                       "expected a shape that agrees with (2, -1), found (3, 4); make the known "
                       "axes equal",
                       ShapeError);
}

TEST_CASE("zero is a length, not an unknown one") {
  CHECK(Shape({0, 3}).is_known());
  CHECK_FALSE(Shape({0, 3}).is_compatible({5, 3}));
}

TEST_CASE("with() changes one axis of a copy") {
  const Shape shape({2, 3});

  CHECK(shape.with(0, 7) == Shape({7, 3}));
  CHECK(shape == Shape({2, 3}));
  CHECK_THROWS_AS(static_cast<void>(shape.with(2, 1)), ArgumentError);
}

TEST_CASE("shapes of different rank are different, even where the lengths agree") {
  CHECK(Shape({2}) != Shape({2, 1}));
  CHECK(Shape() != Shape({0}));
}

}  // namespace
}  // namespace glueball
