#include "glueball/safetensors.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
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
using glueball::testing::write_file;

namespace {

/// A file put together by hand: the header's length, the header, the data.
std::string file_of(const std::string& header, const std::string& data = {}) {
  return bytes_of(static_cast<std::uint64_t>(header.size())) + header + data;
}

StoredArrays parse(const std::string& bytes) {
  return parse_safetensors(bytes.data(), bytes.size(), nullptr, "a.safetensors");
}

Tensor counting(const Shape& shape, Dtype dtype = Dtype::float32) {
  Tensor tensor(shape, dtype);
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    if (dtype == Dtype::float32) {
      tensor.data<float>()[i] = static_cast<float>(i) + 0.5F;
    } else {
      tensor.data<double>()[i] = static_cast<double>(i) + 0.25;
    }
  }
  return tensor;
}

}  // namespace

TEST_CASE("a file that was put together by hand is read") {
  const float numbers[] = {1.5F, -2, 3, 4};
  const std::string bytes = file_of(
      R"({"__metadata__":{"format":"pt","other":"w"},"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
      R"("n":{"shape":[3],"data_offsets":[16,19],"dtype":"I8","later":[{"x":null}]}}   )",
      std::string(reinterpret_cast<const char*>(numbers), 16) + "\x01\xFF\x7F");

  const StoredArrays contents = parse(bytes);

  REQUIRE(contents.arrays.size() == 2);
  CHECK(contents.named);
  CHECK(contents.metadata.size() == 1);
  CHECK(contents.metadata.at("format") == "pt");
  CHECK(contents.aliases.at("other") == "w");
  const StoredArray& w = *contents.find("other");
  CHECK(w.name() == "w");
  CHECK(w.dtype() == StoredDtype::f32);
  CHECK(w.shape() == Shape{2, 2});
  CHECK(std::memcmp(w.view().raw(), numbers, sizeof numbers) == 0);
  const Tensor n = contents.find("n")->view();
  CHECK(n.data<float>()[1] == -1.0F);
  CHECK(contents.find("nothing") == nullptr);
}

TEST_CASE("a file is written as the format says, byte by byte") {
  const TemporaryFolder folder;
  StoredArrays contents;
  contents.arrays.emplace_back("b", counting({2}));
  contents.arrays.emplace_back("a", counting({1, 1}));
  contents.arrays.emplace_back("wide", counting({1}, Dtype::float64));
  contents.aliases = {{"tied", "a"}};
  contents.metadata = {{"format", "pt"}};

  write_safetensors(folder / "x.safetensors", contents);

  std::string header =
      R"({"__metadata__":{"format":"pt","tied":"a"},"wide":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})";
  while (header.size() % 8 != 0) header += ' ';
  CHECK(contents_of(folder / "x.safetensors") ==
        file_of(header, bytes_of(0.25) + bytes_of(0.5F) + bytes_of(0.5F) + bytes_of(1.5F)));
  CHECK(folder.entries() == 1);
}

TEST_CASE("what was written is read back, mapped, and outlives its file") {
  const TemporaryFolder folder;
  StoredArrays contents;
  contents.arrays.emplace_back("scalar", counting({}));
  contents.arrays.emplace_back("none", counting({3, 0}));
  contents.arrays.emplace_back("größe\n", counting({2, 3}));
  write_safetensors(folder / "x", contents);

  Tensor view = read_safetensors(folder / "x").find("größe\n")->view();
  std::filesystem::remove(folder / "x");

  CHECK(view.shape() == Shape{2, 3});
  CHECK(view.data<float>()[5] == 5.5F);
  view.data<float>()[5] = 1;  // the mapping is private
  CHECK(view.data<float>()[5] == 1.0F);
}

TEST_CASE("writing into a view leaves the file alone") {
  const TemporaryFolder folder;
  StoredArrays contents;
  contents.arrays.emplace_back("a", counting({2}));
  write_safetensors(folder / "x", contents);
  const std::string before = contents_of(folder / "x");

  read_safetensors(folder / "x").find("a")->view().fill(7);

  CHECK(contents_of(folder / "x") == before);
}

TEST_CASE("a list comes back as a list, in its order") {
  const TemporaryFolder folder;
  StoredArrays contents;
  for (int i = 0; i < 12; ++i) {
    contents.arrays.emplace_back(std::to_string(i),
                                 counting({i + 1}, i % 2 == 0 ? Dtype::float32 : Dtype::float64));
  }
  contents.named = false;
  write_safetensors(folder / "x", contents);

  const StoredArrays read = read_safetensors(folder / "x");

  CHECK_FALSE(read.named);
  CHECK(read.metadata.empty());
  REQUIRE(read.arrays.size() == 12);
  for (std::size_t i = 0; i < 12; ++i) {
    CHECK(read.arrays[i].size() == static_cast<std::int64_t>(i) + 1);
  }
}

TEST_CASE("a malformed file is refused, and the message names file and fault") {
  const auto entry = [](const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return "{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
  };
  const std::string four(4, '\0');
  std::string ones = "1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  const std::string good = entry("F32", "[1]", "[0,4]");
  const std::vector<Malformed> cases = {
      {"0 bytes, fewer than", ""},
      {"7 bytes, fewer than", std::string(7, '\0')},
      {"no object where one should be", std::string(8, '\0')},
      {"header of 100000001 bytes, more than", bytes_of(std::uint64_t{100'000'001}) + "{}"},
      {"more than 100000000", bytes_of(~std::uint64_t{0}) + "{}"},
      {"header of 3 bytes in a file of 10", bytes_of(std::uint64_t{3}) + "{}"},
      {"no object where one should be", file_of("[]")},
      {"not UTF-8", file_of("{\"\xFF\":" + good + "}", four)},
      {"array 'a' twice", file_of("{\"a\":" + good + ",\"a\":" + good + "}", four)},
      {"the metadata twice", file_of("{\"__metadata__\":{},\"__metadata__\":{}}")},
      {"no string", file_of("{\"__metadata__\":{\"a\":1}}")},
      {"key 'a' twice", file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}")},
      {"no dtype, shape or data_offsets",
       file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", four)},
      {"dtype of array 'a' twice", file_of("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", four)},
      {"dtype 'F99'", file_of("{\"a\":" + entry("F99", "[1]", "[0,4]") + "}", four)},
      {"more text after", file_of("{\"a\":" + good + "}x", four)},
      {"trailing bytes after the last array", file_of("{\"a\":" + good + "}", four + "x")},
      {"which has 3 bytes", file_of("{\"a\":" + good + "}", "xxx")},
      {"do not fit its shape", file_of("{\"a\":" + entry("F32", "[2]", "[0,4]") + "}", four)},
      {"comes next", file_of("{\"a\":" + entry("F32", "[1]", "[4,8]") + "}", four + four)},
      {"comes next", file_of("{\"a\":" + entry("F32", "[1]", "[4,0]") + "}", four)},
      {"comes next", file_of("{\"a\":" + good + ",\"b\":" + entry("F32", "[1]", "[2,6]") + "}",
                             std::string(6, '\0'))},
      {"comes next", file_of("{\"a\":" + good + ",\"b\":" + entry("F32", "[1]", "[5,9]") + "}",
                             std::string(9, '\0'))},
      {"do not fit its shape",
       file_of("{\"a\":" + entry("F32", "[9223372036854775807,2]", "[0,4]") + "}", four)},
      {"do not fit its shape",
       file_of("{\"a\":" + entry("F32", "[4611686018427387905]", "[0,4]") + "}", four)},
      {"an axis of length 18446744073709551615",
       file_of("{\"a\":" + entry("F32", "[18446744073709551615,0]", "[0,0]") + "}")},
      {"which has 4 bytes",
       file_of("{\"a\":" + entry("F32", "[1]", "[0,18446744073709551615]") + "}", four)},
      {"not an integer",
       file_of("{\"a\":" + entry("F32", "[1]", "[0,18446744073709551616]") + "}", four)},
      {"not an integer", file_of("{\"a\":" + entry("F32", "[-1]", "[0,4]") + "}", four)},
      {"not an integer", file_of("{\"a\":" + entry("F32", "[1.0]", "[0,4]") + "}", four)},
      {"fewer than two data_offsets", file_of("{\"a\":" + entry("F32", "[1]", "[0]") + "}", four)},
      {"more than two data_offsets",
       file_of("{\"a\":" + entry("F32", "[1]", "[0,4,4]") + "}", four)},
      {"do not fit its shape", file_of("{\"a\":" + entry("F4", "[3]", "[0,1]") + "}", "x")},
      {"more than 64 axes",
       file_of("{\"a\":" + entry("F32", "[" + ones + "]", "[0,4]") + "}", four)},
  };
  check_refused(cases, "a.safetensors", parse);
}

TEST_CASE("a file cut off anywhere is refused") {
  const TemporaryFolder folder;
  StoredArrays contents;
  contents.arrays.emplace_back("a", counting({2, 3}));
  contents.arrays.emplace_back("b", counting({4}, Dtype::float64));
  write_safetensors(folder / "x", contents);
  const std::string whole = contents_of(folder / "x");

  check_refused_when_cut_off(whole, parse);
}

TEST_CASE("what would not read back is not written") {
  const TemporaryFolder folder;
  const Tensor one = counting({1});
  const auto refuses = [&](const StoredArrays& contents) {
    CHECK_THROWS_AS(write_safetensors(folder / "x", contents), ArgumentError);
    CHECK(folder.entries() == 0);
  };
  const auto with = [&](const std::string& name) {
    StoredArrays contents;
    contents.arrays.emplace_back("a", one);
    contents.arrays.emplace_back(name, one);
    return contents;
  };
  refuses(with("a"));
  refuses(with("__metadata__"));
  refuses(with("\xFF"));
  StoredArrays contents = with("b");
  contents.aliases = {{"c", "nothing"}};
  refuses(contents);
  contents.aliases = {{"a", "b"}};
  refuses(contents);
  contents.aliases = {{"c", "b"}};
  contents.metadata = {{"c", "x"}};
  refuses(contents);
  contents.aliases = {};
  contents.metadata = {{"c", "b"}};  // would read back as an alias
  refuses(contents);
  contents.metadata = {{"\xFF", "x"}};
  refuses(contents);
  contents.metadata = {{"x", std::string(100'000'000, 'x')}};
  refuses(contents);
}

TEST_CASE("files that are none are refused with what the system says") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(read_safetensors(folder / "nothing"),
                       ("expected to read '" + (folder / "nothing") +
                        "', found \"No such file or directory\"; correct the path")
                           .c_str(),
                       FileAccessError);
  CHECK_THROWS_AS(read_safetensors(folder.path().string()), FileAccessError);
  CHECK_THROWS_AS(read_safetensors("/dev/zero"), FileAccessError);
  write_file(folder / "empty", "");
  CHECK_THROWS_AS(read_safetensors(folder / "empty"), FileFormatError);
}
