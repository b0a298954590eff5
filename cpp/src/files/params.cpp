#include "glueball/params.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/refuse.h"
#include "core/text.h"
#include "files/atomic_file.h"
#include "files/mapped_file.h"
#include "glueball/error.h"

// The format, as MXNet 1.9.1's src/ndarray/ndarray.cc writes it; all numbers little-endian.
//
//   file    uint64 0x112, uint64 reserved, uint64 count, count arrays,
//           uint64 names (0 or count), names times {uint64 bytes, text}
//   array   V3: uint32 0xF993FACA, int32 storage (0: dense), shape, device, dtype, elements;
//               scalars have no axes
//           V2: uint32 0xF993FAC9, and as V3, but no axes mean that there is no array
//           V1: uint32 0xF993FAC8, shape, device, dtype, elements
//           V0: shape with 32-bit lengths, device, dtype, elements
//   shape   int32 axes, axes times int64 length
//   device  int32 type, int32 number: where the array was, not used here
//   dtype   int32

namespace glueball {
namespace {

constexpr std::uint64_t list_magic = 0x112;
constexpr std::uint32_t v1_magic = 0xF993FAC8;
constexpr std::uint32_t v2_magic = 0xF993FAC9;
constexpr std::uint32_t v3_magic = 0xF993FACA;
constexpr std::int32_t dense = 0;
constexpr std::int32_t cpu = 1;
constexpr std::int32_t most_axes = 64;  // NumPy's limit

// By MXNet's number of the type.
constexpr std::array<StoredDtype, 13> dtypes{
    StoredDtype::f32, StoredDtype::f64, StoredDtype::f16,     StoredDtype::u8,  StoredDtype::i32,
    StoredDtype::i8,  StoredDtype::i64, StoredDtype::boolean, StoredDtype::i16, StoredDtype::u16,
    StoredDtype::u32, StoredDtype::u64, StoredDtype::bf16};

// MXNet 1.9.1 refuses a file with a higher number ("Unknown type enum").
constexpr std::size_t dtypes_of_1_9_1 = 8;

/// The number to write, or nullopt where MXNet 1.9.1 has none.
std::optional<std::int32_t> code_of(StoredDtype dtype) {
  for (std::size_t code = 0; code < dtypes_of_1_9_1; ++code) {
    if (dtypes[code] == dtype) return static_cast<std::int32_t>(code);
  }
  return std::nullopt;
}

/// Walks through the bytes, never beyond their end.
class ParamsReader {
 public:
  ParamsReader(const void* data, std::size_t bytes, std::shared_ptr<const void> owner,
               const std::string& file)
      : at_(static_cast<const std::byte*>(data)),
        left_(bytes),
        owner_(std::move(owner)),
        file_(file) {}

  StoredArrays read() {
    if (take<std::uint64_t>() != list_magic) fail({"other first bytes than those of such files"});
    take<std::uint64_t>();  // reserved
    const auto count = take<std::uint64_t>();
    StoredArrays contents;
    for (std::uint64_t i = 0; i < count; ++i) {
      contents.arrays.push_back(read_array(std::to_string(i)));
    }
    read_names(contents);
    if (left_ != 0) fail({left_, " trailing bytes after the last name"});
    return contents;
  }

 private:
  [[noreturn]] void fail(Pieces fault) const {
    refuse<FileFormatError>(
        {"a .params file of MXNet's arrays as ", quoted(file_)}, fault,
        {"it is damaged, not whole, or of another kind: write or copy it again"});
  }

  const std::byte* take_bytes(std::uint64_t bytes) {
    if (bytes > left_) {
      fail({"an end ", bytes - left_, " bytes too early"});
    }
    left_ -= static_cast<std::size_t>(bytes);
    return std::exchange(at_, at_ + bytes);
  }

  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take_bytes(sizeof value), sizeof value);
    return value;
  }

  template <class Length>
  std::vector<std::int64_t> take_lengths(std::int64_t axes, const std::string& name) {
    if (axes < 0 || axes > most_axes) {
      fail({axes, " axes of array ", name, ", or an array of a later version"});
    }
    std::vector<std::int64_t> lengths;
    for (std::int64_t axis = 0; axis < axes; ++axis) {
      const auto length = static_cast<std::int64_t>(take<Length>());
      if (length < 0) fail({"an axis of unknown length of array ", name});
      lengths.push_back(length);
    }
    return lengths;
  }

  StoredArray read_array(const std::string& name) {
    const auto magic = take<std::uint32_t>();
    std::vector<std::int64_t> lengths;
    if (magic == v2_magic || magic == v3_magic) {
      const auto storage = take<std::int32_t>();
      if (storage != dense) {
        fail({"array ", name, " of storage type ", storage,
              ", sparse; convert it: tostype('default')"});
      }
      lengths = take_lengths<std::int64_t>(take<std::int32_t>(), name);
    } else if (magic == v1_magic) {
      lengths = take_lengths<std::int64_t>(take<std::int32_t>(), name);
    } else {
      lengths = take_lengths<std::uint32_t>(magic, name);
    }
    if (lengths.empty() && magic != v3_magic) fail({"no array as number ", name});
    take<std::int32_t>();  // the device's type
    take<std::int32_t>();  // and number
    const auto code = take<std::int32_t>();
    if (code < 0 || static_cast<std::size_t>(code) >= dtypes.size()) {
      fail({"dtype number ", code, " of array ", name});
    }
    const StoredDtype dtype = dtypes[static_cast<std::size_t>(code)];
    const auto bytes = stored_bytes(dtype, lengths);
    if (!bytes) fail({"a shape of array ", name, " that is too large for any file"});
    const std::byte* const data = take_bytes(static_cast<std::uint64_t>(*bytes));
    return {name, dtype, std::move(lengths), data, static_cast<std::size_t>(*bytes), owner_};
  }

  void read_names(StoredArrays& contents) {
    const auto count = take<std::uint64_t>();
    contents.named = count != 0;
    if (!contents.named) return;
    if (count != contents.arrays.size()) {
      fail({count, " names of ", contents.arrays.size(), " arrays"});
    }
    std::unordered_set<std::string_view> names;
    for (StoredArray& array : contents.arrays) {
      const auto bytes = take<std::uint64_t>();
      const auto* const text = reinterpret_cast<const char*>(take_bytes(bytes));
      const std::string_view name(text, static_cast<std::size_t>(bytes));
      if (!is_utf8(name)) fail({"the name ", quoted(name), ", which is not UTF-8"});
      if (!names.insert(name).second) fail({"array ", quoted(name), " twice"});
      array = array.renamed(std::string(name));
    }
  }

  const std::byte* at_;
  std::size_t left_;
  std::shared_ptr<const void> owner_;
  const std::string& file_;
};

void check_names(const StoredArrays& contents) {
  std::unordered_set<std::string_view> names;
  const auto check = [&names](const std::string& name) {
    if (!is_utf8(name) || name.find('\0') != std::string::npos) {
      refuse<ArgumentError>({"names in UTF-8 without zero bytes"}, {quoted(name)},
                            {"rename the array"});
    }
    if (!names.insert(name).second) {
      refuse<ArgumentError>({"arrays of different names"}, {quoted(name), " twice"},
                            {"rename one"});
    }
  };
  for (const StoredArray& array : contents.arrays) check(array.name());
  for (const auto& [alias, name] : contents.aliases) {
    check(alias);
    if (contents.find(name) == nullptr) {
      refuse<ArgumentError>({"aliases of arrays that are there"},
                            {quoted(alias), " of ", quoted(name)}, {"correct the aliases"});
    }
  }
}

template <class T>
void put(AtomicFile& file, T value) {
  file.write(&value, sizeof value);
}

void write_array(AtomicFile& file, const StoredArray& array) {
  put(file, array.lengths().empty() || array.size() == 0 ? v3_magic : v2_magic);
  put(file, dense);
  put(file, static_cast<std::int32_t>(array.lengths().size()));
  for (const std::int64_t length : array.lengths()) put(file, length);
  put(file, cpu);
  put(file, std::int32_t{0});
  put(file, code_of(array.dtype()).value());
  file.write(array.data(), array.bytes());
}

}  // namespace

StoredArrays parse_params(const void* data, std::size_t bytes, std::shared_ptr<const void> owner,
                          const std::string& name) {
  return ParamsReader(data, bytes, std::move(owner), name).read();
}

StoredArrays read_params(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_params(file->data(), file->bytes(), file, path);
}

void write_params(const std::string& path, const StoredArrays& contents) {
  if (!contents.metadata.empty()) {
    refuse<ArgumentError>({"no metadata for a .params file, which has no room for it"},
                          {quoted(contents.metadata.begin()->first)},
                          {"write a .safetensors file"});
  }
  check_names(contents);
  std::vector<StoredArray> arrays = contents.arrays;
  for (const auto& [alias, name] : contents.aliases) {
    arrays.push_back(contents.find(name)->renamed(alias));
  }
  for (const StoredArray& array : arrays) {
    if (code_of(array.dtype())) continue;
    refuse<ArgumentError>({"arrays of dtypes that MXNet 1.9.1 reads in a .params file"},
                          {quoted(array.name()), " of dtype ", to_string(array.dtype())},
                          {"convert it, or write a .safetensors file"});
  }

  AtomicFile file(path);
  put(file, list_magic);
  put(file, std::uint64_t{0});
  put(file, static_cast<std::uint64_t>(arrays.size()));
  for (const StoredArray& array : arrays) write_array(file, array);
  put(file, static_cast<std::uint64_t>(contents.named ? arrays.size() : 0));
  if (contents.named) {
    for (const StoredArray& array : arrays) {
      put(file, static_cast<std::uint64_t>(array.name().size()));
      file.write(array.name().data(), array.name().size());
    }
  }
  file.commit();
}

}  // namespace glueball
