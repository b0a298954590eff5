#include "glueball/stored_array.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "glueball/error.h"

using namespace glueball;

namespace {

template <class T>
StoredArray array_of(StoredDtype dtype, const std::vector<T>& values) {
  auto owned = std::make_shared<std::vector<T>>(values);
  return {"a",
          dtype,
          {static_cast<std::int64_t>(values.size())},
          owned->data(),
          sizeof(T) * values.size(),
          owned};
}

template <class T>
std::vector<double> read_as_double(StoredDtype dtype, const std::vector<T>& values) {
  const Tensor read = array_of(dtype, values).read(Dtype::float64);
  return {read.data<double>(), read.data<double>() + read.size()};
}

TEST_CASE("an empty array is refused if its strides can't be counted") {
  const std::int64_t huge = std::int64_t{1} << 62;

  CHECK(StoredArray("a", StoredDtype::f32, {0, 1 << 20}, nullptr, 0, nullptr).size() == 0);
  for (const std::vector<std::int64_t>& lengths :
       {std::vector<std::int64_t>{0, huge}, {huge, 0}, {huge / 2, 0, 4}}) {
    CHECK_THROWS_AS(StoredArray("a", StoredDtype::f32, lengths, nullptr, 0, nullptr),
                    ArgumentError);
  }
}
}  // namespace

TEST_CASE("integers, truth values and floats convert to the core's dtypes") {
  using Numbers = std::vector<double>;
  CHECK(read_as_double<std::uint8_t>(StoredDtype::boolean, {0, 1, 2}) == Numbers{0, 1, 1});
  CHECK(read_as_double<std::uint8_t>(StoredDtype::u8, {0, 255}) == Numbers{0, 255});
  CHECK(read_as_double<std::int8_t>(StoredDtype::i8, {-128, 127}) == Numbers{-128, 127});
  CHECK(read_as_double<std::int16_t>(StoredDtype::i16, {-32768}) == Numbers{-32768});
  CHECK(read_as_double<std::uint16_t>(StoredDtype::u16, {65535}) == Numbers{65535});
  CHECK(read_as_double<std::int32_t>(StoredDtype::i32, {-2147483647}) == Numbers{-2147483647});
  CHECK(read_as_double<std::uint32_t>(StoredDtype::u32, {4294967295}) == Numbers{4294967295});
  CHECK(read_as_double<std::int64_t>(StoredDtype::i64, {-(1LL << 53)}) == Numbers{-0x1p53});
  CHECK(read_as_double<std::uint64_t>(StoredDtype::u64, {1ULL << 63}) == Numbers{0x1p63});
  CHECK(read_as_double<float>(StoredDtype::f32, {0.1F}) == Numbers{0.1F});
  CHECK(read_as_double<double>(StoredDtype::f64, {0.1}) == Numbers{0.1});

  const Tensor narrowed = array_of<double>(StoredDtype::f64, {0.1, -2}).read(Dtype::float32);
  CHECK(narrowed.data<float>()[0] == 0.1F);
  CHECK(narrowed.data<float>()[1] == -2.0F);
}

TEST_CASE("every half-precision number converts by the formula of IEEE 754") {
  for (unsigned bits = 0; bits <= 0xFFFF; ++bits) {
    const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
    const int exponent = static_cast<int>(bits >> 10 & 0x1F);
    const int fraction = static_cast<int>(bits & 0x3FF);
    double expected = sign * std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 0) expected = sign * std::ldexp(fraction, -24);
    if (exponent == 31) {
      expected = fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
    }

    const double found =
        read_as_double<std::uint16_t>(StoredDtype::f16, {static_cast<std::uint16_t>(bits)})[0];
    if (std::isnan(expected)) {
      if (!std::isnan(found)) FAIL("expected NaN of " << bits);
    } else if (found != expected || std::signbit(found) != std::signbit(expected)) {
      FAIL("expected " << expected << " of " << bits << ", found " << found);
    }
  }
}

TEST_CASE("a brain float is the upper half of a float") {
  for (const float value : {0.0F, -1.5F, 3.0e38F, std::numeric_limits<float>::infinity()}) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, 4);
    bits &= 0xFFFF0000U;
    float expected = 0;
    std::memcpy(&expected, &bits, 4);

    CHECK(read_as_double<std::uint16_t>(StoredDtype::bf16,
                                        {static_cast<std::uint16_t>(bits >> 16)})[0] == expected);
  }
}

TEST_CASE("elements at odd addresses are read") {
  auto bytes = std::make_shared<std::vector<char>>(1 + 3 * sizeof(double));
  const double numbers[] = {1.5, -2.5, 1e-300};
  std::memcpy(bytes->data() + 1, numbers, sizeof numbers);
  const StoredArray array("a", StoredDtype::f64, {3}, bytes->data() + 1, sizeof numbers, bytes);

  const Tensor read = array.view();

  CHECK(std::memcmp(read.raw(), numbers, sizeof numbers) == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(read.raw()) % alignof(double) == 0);
}

TEST_CASE("a view shares the bytes and keeps them alive") {
  StoredArray array = array_of<float>(StoredDtype::f32, {1, 2, 3});
  const void* const data = array.data();
  const Tensor view = array.view();
  array = StoredArray();

  CHECK(view.raw() == data);
  CHECK(view.data<float>()[2] == 3.0F);
}

TEST_CASE("what cannot be converted is listed but not read") {
  for (const StoredDtype dtype : {StoredDtype::f8_e4m3, StoredDtype::c64, StoredDtype::f4}) {
    const std::vector<std::uint8_t> bytes(8);
    auto owned = std::make_shared<std::vector<std::uint8_t>>(8);
    const auto count = static_cast<std::int64_t>(64 / bits_of(dtype));
    const StoredArray array("w", dtype, {count}, owned->data(), 8, owned);

    CHECK(array.size() == count);
    CHECK_FALSE(array.is_convertible());
    CHECK_THROWS_AS(array.read(Dtype::float32), DtypeError);
  }
}

TEST_CASE("bytes, lengths and dtype have to agree") {
  const float number = 0;
  CHECK_NOTHROW(StoredArray("a", StoredDtype::f32, {}, &number, 4, nullptr));
  CHECK_NOTHROW(StoredArray("a", StoredDtype::f32, {3, 0}, nullptr, 0, nullptr));
  CHECK_THROWS_AS(StoredArray("a", StoredDtype::f32, {2}, &number, 4, nullptr), ArgumentError);
  CHECK_THROWS_AS(StoredArray("a", StoredDtype::f32, {-1}, &number, 4, nullptr), ArgumentError);

  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  CHECK_FALSE(stored_bytes(StoredDtype::f32, {huge, huge}).has_value());
  CHECK_FALSE(stored_bytes(StoredDtype::f32, {1LL << 31, 1LL << 31}).has_value());
  CHECK_FALSE(stored_bytes(StoredDtype::f4, {3}).has_value());
  CHECK(stored_bytes(StoredDtype::f4, {4}) == 2);
  CHECK_FALSE(stored_bytes(StoredDtype::f32, {0, huge}).has_value());
}

TEST_CASE("names of dtypes are safetensors' own, and lead back") {
  for (int i = 0; i <= static_cast<int>(StoredDtype::u64); ++i) {
    const auto dtype = static_cast<StoredDtype>(i);
    CHECK(stored_dtype_from(to_string(dtype)) == dtype);
  }
  CHECK_FALSE(stored_dtype_from("float32").has_value());
}
