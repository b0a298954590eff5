#include "glueball/tensor.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "glueball/error.h"
#include "glueball/parallel.h"

namespace glueball {
namespace {

bool is_aligned(const Tensor& tensor) {
  return reinterpret_cast<std::uintptr_t>(tensor.raw()) % 64 == 0;
}

TEST_CASE("a new tensor is zero, aligned to 64 bytes and knows its size") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    // Sizes on both sides of a cache line, of a power of two, and of the largest cached block.
    for (const std::int64_t count : {1, 15, 16, 17, 1000, 1 << 16, (1 << 24) + 1}) {
      CAPTURE(count);
      const Tensor tensor({count}, dtype);

      CHECK(is_aligned(tensor));
      CHECK(tensor.size() == count);
      CHECK(tensor.bytes() == static_cast<std::size_t>(count) * size_of(dtype));
      const auto* bytes = static_cast<const unsigned char*>(tensor.raw());
      CHECK(bytes[0] == 0);
      CHECK(bytes[tensor.bytes() - 1] == 0);
      CHECK(std::memcmp(bytes, bytes + 1, tensor.bytes() - 1) == 0);
    }
  }
}

TEST_CASE_TEMPLATE("filling writes every element and nothing else", T, float, double) {
  for (const T value : {T(0.1), T(-0.0), std::numeric_limits<T>::quiet_NaN()}) {
    for (std::int64_t count = 0; count <= 70; ++count) {
      for (std::int64_t offset = 0; offset < 17; ++offset) {
        std::vector<T> memory(100, T(-9));
        Tensor::borrow(memory.data() + offset, {count}, dtype_of<T>).fill(value);

        std::vector<T> expected(100, T(-9));
        std::fill_n(expected.begin() + offset, count, value);
        REQUIRE(std::memcmp(memory.data(), expected.data(), 100 * sizeof(T)) == 0);
      }
    }
  }
}

TEST_CASE("a fill that outgrows the caches is the same on any number of threads") {
  const int before = num_threads();
  const std::int64_t count = (std::int64_t{1} << 24) + 37;
  // A view that begins between two vectors, and one that begins with one.
  for (const std::int64_t offset : {0, 3}) {
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      const Tensor whole({count + offset});
      Tensor::borrow(whole.data<float>() + offset, {count}, Dtype::float32).fill(2.5);
      const float* data = whole.data<float>();
      CHECK(std::all_of(data, data + offset, [](float x) { return x == 0.0f; }));
      CHECK(std::all_of(data + offset, data + offset + count, [](float x) { return x == 2.5f; }));
    }
  }
  set_num_threads(before);
}

TEST_CASE("a default Tensor is undefined, and one without elements is defined") {
  CHECK_FALSE(Tensor().defined());
  CHECK(Tensor().size() == 0);
  const Tensor empty({0, 3});
  CHECK(empty.defined());
  CHECK(empty.size() == 0);
  CHECK(empty.clone().shape() == Shape({0, 3}));
}

TEST_CASE("copies share the numbers, and clones do not") {
  const Tensor original({2, 2});
  const Tensor copy = original;  // NOLINT: the copy is what is tested
  const Tensor clone = original.clone();

  original.fill(3.0);

  CHECK(copy.data<float>()[3] == 3.0F);
  CHECK(clone.data<float>()[3] == 0.0F);
}

TEST_CASE("assigning a tensor to itself changes nothing") {
  Tensor tensor({4});
  tensor.fill(2.0);
  const Tensor& same = tensor;

  tensor = same;

  CHECK(tensor.data<float>()[3] == 2.0F);
  CHECK(tensor.buffer()->use_count() == 1);
}

TEST_CASE("a borrowed view writes the caller's memory and owns nothing") {
  std::array<double, 3> memory{1.0, 2.0, 3.0};

  const Tensor view = Tensor::borrow(memory.data(), {3}, Dtype::float64);
  view.fill(5.0);

  CHECK(memory == std::array<double, 3>{5.0, 5.0, 5.0});
  CHECK(view.buffer() == nullptr);
}

TEST_CASE("casting converts each number as C++ does") {
  const Tensor doubles({3}, Dtype::float64);
  doubles.data<double>()[0] = 1.0 / 3.0;
  doubles.data<double>()[1] = 1e300;
  doubles.data<double>()[2] = std::numeric_limits<double>::quiet_NaN();

  const Tensor floats = doubles.cast(Dtype::float32);
  const Tensor back = floats.cast(Dtype::float64);

  CHECK(floats.dtype() == Dtype::float32);
  CHECK(floats.data<float>()[0] == static_cast<float>(1.0 / 3.0));
  CHECK(floats.data<float>()[1] == std::numeric_limits<float>::infinity());
  CHECK(floats.data<float>()[2] != floats.data<float>()[2]);
  CHECK(back.data<double>()[0] == static_cast<double>(static_cast<float>(1.0 / 3.0)));
}

TEST_CASE("copying from another shape is refused, and changes nothing") {
  const Tensor target({2, 3});
  const Tensor source({3, 2});
  source.fill(1.0);

  CHECK_THROWS_WITH_AS(target.copy_from(source),
                       "expected values of shape (2, 3), found (3, 2); reshape them", ShapeError);
  CHECK(target.data<float>()[0] == 0.0F);
}

TEST_CASE("reshaping keeps the elements and refuses another number of them") {
  const Tensor tensor({2, 3});
  tensor.data<float>()[4] = 9.0F;

  CHECK(tensor.reshaped({3, 2}).data<float>()[4] == 9.0F);
  CHECK(tensor.reshaped({6}).shape() == Shape({6}));
  CHECK_THROWS_WITH_AS(static_cast<void>(tensor.reshaped({4, 2})),
                       "expected a shape of 6 elements, found (4, 2); reshape (2, 3) to one of "
                       "equal size",
                       ShapeError);
}

TEST_CASE("a shape with an unknown axis, or beyond all memory, makes no tensor") {
  CHECK_THROWS_AS(Tensor({2, Shape::unknown}), ShapeError);
  CHECK_THROWS_AS(Tensor({std::int64_t{1} << 62}), ShapeError);
}

TEST_CASE("floats and doubles are borrowed by their own type") {
  float single[2] = {1.0F, 2.0F};
  const double fixed[3] = {1.0, 2.0, 3.0};

  const Tensor view = Tensor::borrow(single, {2});
  view.fill(5.0);

  CHECK(view.dtype() == Dtype::float32);
  CHECK(single[1] == 5.0F);
  const Tensor reading = Tensor::borrow(fixed, {3, 1});
  CHECK(reading.dtype() == Dtype::float64);
  CHECK(reading.data<double>() == fixed);
}

TEST_CASE("a Tensor that was moved from is empty, and neither copies nor is copied from") {
  Tensor source({2, 3});
  const Tensor taken = std::move(source);
  Tensor assigned;
  Tensor second({4});
  assigned = std::move(second);
  for (const Tensor* empty : {&source, &second}) {  // NOLINT(bugprone-use-after-move)
    CHECK_FALSE(empty->defined());
    CHECK(empty->shape() == Shape());
    CHECK(empty->size() == 0);
    CHECK_FALSE(empty->clone().defined());
    CHECK_FALSE(empty->cast(Dtype::float64).defined());
  }
  CHECK_THROWS_WITH_AS(Tensor(Shape{}).copy_from(Tensor()),
                       "expected an array of values to copy, found an empty Tensor; "
                       "pass one with numbers",
                       ArgumentError);
  CHECK(Tensor::borrow(static_cast<float*>(nullptr), {0, 4}).clone().shape() == Shape{0, 4});
}

}  // namespace
}  // namespace glueball
