#include "glueball/params.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "glueball/error.h"
#include "malformed.h"
#include "temporary_folder.h"

using namespace glueball;
using glueball::testing::bytes_of;
using glueball::testing::check_refused;
using glueball::testing::check_refused_when_cut_off;
using glueball::testing::contents_of;
using glueball::testing::Malformed;
using glueball::testing::TemporaryFolder;

namespace {

// The file's parts, put together by hand from the description in params.cpp.

std::string list_of(const std::string& arrays, std::uint64_t count, const std::string& names) {
  return bytes_of(std::uint64_t{0x112}) + bytes_of(std::uint64_t{0}) + bytes_of(count) + arrays +
         names;
}

std::string names_of(const std::string& name) {
  return bytes_of(std::uint64_t{1}) + bytes_of(static_cast<std::uint64_t>(name.size())) + name;
}

const std::string no_names = bytes_of(std::uint64_t{0});
const std::string device = bytes_of(std::int32_t{2}) + bytes_of(std::int32_t{1});  // gpu(1)
const std::string two_by_one =
    bytes_of(std::int32_t{2}) + bytes_of(std::int64_t{2}) + bytes_of(std::int64_t{1});
const std::string two_floats = bytes_of(std::int32_t{0}) + bytes_of(1.5F) + bytes_of(-2.0F);
const std::string dense = bytes_of(std::int32_t{0});
const std::string v2 = bytes_of(0xF993FAC9U) + dense + two_by_one + device + two_floats;

StoredArrays parse(const std::string& bytes) {
  const auto kept = std::make_shared<const std::string>(bytes);  // arrays refer to them
  return parse_params(kept->data(), kept->size(), kept, "a.params");
}

void check_two_floats(const StoredArray& array, const Shape& shape) {
  CHECK(array.shape() == shape);
  const Tensor values = array.read(Dtype::float32);
  CHECK(values.data<float>()[0] == 1.5F);
  CHECK(values.data<float>()[1] == -2.0F);
}

}  // namespace

TEST_CASE("dense arrays of every version of MXNet are read") {
  const std::string versions[] = {
      v2,
      bytes_of(0xF993FACAU) + dense + two_by_one + device + two_floats,
      bytes_of(0xF993FAC8U) + two_by_one + device + two_floats,
      bytes_of(2U) + bytes_of(2U) + bytes_of(1U) + device + two_floats,
  };
  for (const std::string& array : versions) {
    CAPTURE(array);
    const StoredArrays contents = parse(list_of(array, 1, names_of("arg:fc_weight")));
    REQUIRE(contents.arrays.size() == 1);
    CHECK(contents.named);
    CHECK(contents.arrays[0].name() == "arg:fc_weight");
    check_two_floats(contents.arrays[0], {2, 1});
  }
}

TEST_CASE("a list has no names") {
  const StoredArrays contents = parse(list_of(v2 + v2, 2, no_names));

  CHECK_FALSE(contents.named);
  REQUIRE(contents.arrays.size() == 2);
  CHECK(contents.arrays[1].name() == "1");
  check_two_floats(contents.arrays[1], {2, 1});
  CHECK(parse(list_of("", 0, no_names)).arrays.empty());
}

TEST_CASE("scalars and empty arrays are those of NumPy mode") {
  const std::string scalar = bytes_of(0xF993FACAU) + dense + bytes_of(std::int32_t{0}) + device +
                             bytes_of(std::int32_t{1}) + bytes_of(0.25);
  const StoredArrays contents = parse(list_of(scalar, 1, names_of("s")));

  CHECK(contents.arrays[0].shape() == Shape{});
  CHECK(contents.arrays[0].view().data<double>()[0] == 0.25);
}

TEST_CASE("every dtype that MXNet numbers is known by its number") {
  const std::pair<int, StoredDtype> codes[] = {
      {0, StoredDtype::f32},  {1, StoredDtype::f64},     {2, StoredDtype::f16},
      {3, StoredDtype::u8},   {4, StoredDtype::i32},     {5, StoredDtype::i8},
      {6, StoredDtype::i64},  {7, StoredDtype::boolean}, {8, StoredDtype::i16},
      {9, StoredDtype::u16},  {10, StoredDtype::u32},    {11, StoredDtype::u64},
      {12, StoredDtype::bf16}};
  for (const auto& [code, dtype] : codes) {
    const std::string array = bytes_of(0xF993FAC9U) + dense + two_by_one + device + bytes_of(code) +
                              std::string(bits_of(dtype) / 4, '\1');
    CHECK(parse(list_of(array, 1, no_names)).arrays[0].dtype() == dtype);
  }
}

TEST_CASE("a malformed file is refused, and the message names file and fault") {
  const auto v2_with = [](const std::string& shape, std::int32_t code, const std::string& data) {
    return bytes_of(0xF993FAC9U) + dense + shape + device + bytes_of(code) + data;
  };
  const auto shape = [](std::int32_t axes, std::int64_t length) {
    std::string bytes = bytes_of(axes);
    for (int i = 0; i < axes && i < 100; ++i) bytes += bytes_of(length);
    return bytes;
  };
  const std::uint64_t huge = ~std::uint64_t{0};
  const std::vector<Malformed> cases = {
      {"an end 8 bytes too early", ""},
      {"other first bytes", std::string(24, '\0')},
      {"too early", list_of("", huge, "")},
      {"trailing bytes after the last name", list_of(v2, 1, no_names) + "x"},
      {"storage type 1, sparse", list_of(bytes_of(0xF993FAC9U) + bytes_of(1), 1, no_names)},
      {"no array as number 0", list_of(bytes_of(0xF993FAC9U) + dense + shape(0, 0), 1, no_names)},
      {"65 axes", list_of(v2_with(shape(65, 1), 0, "xxxx"), 1, no_names)},
      {"-1 axes", list_of(v2_with(shape(-1, 1), 0, "xxxx"), 1, no_names)},
      {"4189715148 axes", list_of(bytes_of(0xF9B9FACCU), 1, no_names)},
      {"unknown length", list_of(v2_with(shape(2, -1), 0, "xxxx"), 1, no_names)},
      {"too large for any file", list_of(v2_with(shape(2, 1LL << 40), 0, "xxxx"), 1, no_names)},
      {"too early", list_of(v2_with(shape(1, 1LL << 40), 0, "xxxx"), 1, no_names)},
      {"dtype number 13", list_of(v2_with(shape(1, 1), 13, "xxxx"), 1, no_names)},
      {"dtype number -1", list_of(v2_with(shape(1, 1), -1, "xxxx"), 1, no_names)},
      {"2 names of 1 arrays", list_of(v2, 1, bytes_of(std::uint64_t{2}))},
      {"too early", list_of(v2, 1, bytes_of(std::uint64_t{1}) + bytes_of(huge) + "x")},
      {"not UTF-8", list_of(v2, 1, names_of("\xFF"))},
      {"array 'n' twice",
       list_of(v2 + v2, 2,
               bytes_of(std::uint64_t{2}) + names_of("n").substr(8) + names_of("n").substr(8))},
  };
  check_refused(cases, "a.params", parse);
}

TEST_CASE("a file cut off anywhere is refused") {
  const std::string whole = list_of(
      v2 + v2, 2, bytes_of(std::uint64_t{2}) + names_of("a").substr(8) + names_of("bc").substr(8));

  check_refused_when_cut_off(whole, parse);
}

TEST_CASE("a file is written as MXNet's format V2 says, byte by byte") {
  const TemporaryFolder folder;
  Tensor values({2, 1});
  values.data<float>()[0] = 1.5F;
  values.data<float>()[1] = -2.0F;
  StoredArrays contents;
  contents.arrays.emplace_back("w", values);
  contents.aliases = {{"v", "w"}};

  write_params(folder / "x", contents);

  const std::string cpu = bytes_of(std::int32_t{1}) + bytes_of(std::int32_t{0});
  const std::string array = bytes_of(0xF993FAC9U) + dense + two_by_one + cpu + two_floats;
  CHECK(contents_of(folder / "x") ==
        list_of(array + array, 2,
                bytes_of(std::uint64_t{2}) + names_of("w").substr(8) + names_of("v").substr(8)));
  contents.aliases.clear();
  contents.named = false;
  write_params(folder / "x", contents);
  CHECK(contents_of(folder / "x") == list_of(array, 1, no_names));
}

TEST_CASE("what V2 cannot express is written in V3 and reads back") {
  const TemporaryFolder folder;
  StoredArrays contents;
  Tensor scalar(Shape{});
  scalar.fill(3);
  contents.arrays.emplace_back("scalar", scalar);
  contents.arrays.emplace_back("none", Tensor({0, 2}));
  write_params(folder / "x", contents);

  const StoredArrays read = read_params(folder / "x");

  CHECK(read.find("scalar")->shape() == Shape{});
  CHECK(read.find("scalar")->view().data<float>()[0] == 3.0F);
  CHECK(read.find("none")->shape() == Shape{0, 2});
}

TEST_CASE("what the format has no room for is not written") {
  const TemporaryFolder folder;
  const Tensor one({1});
  const auto refuses = [&](const StoredArrays& contents) {
    CHECK_THROWS_AS(write_params(folder / "x", contents), ArgumentError);
    CHECK(folder.entries() == 0);
  };
  StoredArrays contents;
  contents.arrays.emplace_back("a", one);
  contents.metadata = {{"k", "v"}};
  refuses(contents);
  contents.metadata = {};
  contents.aliases = {{"b", "nothing"}};
  refuses(contents);
  contents.aliases = {{"a", "a"}};
  refuses(contents);
  contents.aliases = {};
  for (const std::string& name : {std::string("a"), std::string("a\0b", 3), std::string("\xFF")}) {
    StoredArrays more = contents;
    more.arrays.emplace_back(name, one);
    refuses(more);
  }
  // Read, but not written: MXNet 1.9.1 does not know their numbers.
  const char bytes[2] = {0, 0};
  for (const StoredDtype dtype : {StoredDtype::i16, StoredDtype::u16, StoredDtype::bf16}) {
    StoredArrays more = contents;
    more.arrays.emplace_back("x", dtype, std::vector<std::int64_t>{1}, bytes, 2U, nullptr);
    refuses(more);
  }
  const char byte = 0;
  contents.arrays.emplace_back("f8", StoredDtype::f8_e4m3, std::vector<std::int64_t>{1}, &byte, 1U,
                               nullptr);
  refuses(contents);
}
