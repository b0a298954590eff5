#include "glueball/stored_array.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "glueball/error.h"
#include "refuse.h"
#include "text.h"

// Files are little-endian, and nothing here swaps bytes.
static_assert(std::endian::native == std::endian::little);

namespace glueball {
namespace {

struct DtypeFacts {
  const char* name;
  std::uint8_t bits;
};

constexpr std::array<DtypeFacts, 22> facts{{
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
}};
static_assert(facts.size() == static_cast<std::size_t>(StoredDtype::u64) + 1);

const DtypeFacts& facts_of(StoredDtype dtype) noexcept {
  return facts[static_cast<std::size_t>(dtype)];
}

// Two bytes each, told apart by their types.
struct Half {
  std::uint16_t bits;
};
struct BrainFloat {
  std::uint16_t bits;
};
struct Truth {
  std::uint8_t byte;
};

float number(BrainFloat value) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

/// IEEE 754 binary16, of which binary32 holds every value.
float number(Half value) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(value.bits & 0x8000U) << 16;
  const std::uint32_t rest = value.bits & 0x7FFFU;
  if (rest >= 0x7C00U) return std::bit_cast<float>(sign | 0x7F800000U | (rest & 0x3FFU) << 13);
  if (rest >= 0x0400U) return std::bit_cast<float>(sign | ((rest << 13) + ((127U - 15U) << 23)));
  // Subnormal: a multiple of 2^-24, and exact.
  const float magnitude = static_cast<float>(rest) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

float number(Truth value) noexcept { return value.byte == 0 ? 0.0F : 1.0F; }

template <class T>
T number(T value) noexcept {
  return value;
}

/// Elements may lie at any address: each is copied out.
template <class From, class To>
void convert(const void* from, To* to, std::int64_t count) noexcept {
  const auto* bytes = static_cast<const std::byte*>(from);
  for (std::int64_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, bytes + static_cast<std::size_t>(i) * sizeof value, sizeof value);
    to[i] = static_cast<To>(number(value));
  }
}

template <class To>
void convert(StoredDtype dtype, const void* from, To* to, std::int64_t count) noexcept {
  switch (dtype) {
    case StoredDtype::boolean:
      return convert<Truth>(from, to, count);
    case StoredDtype::u8:
      return convert<std::uint8_t>(from, to, count);
    case StoredDtype::i8:
      return convert<std::int8_t>(from, to, count);
    case StoredDtype::i16:
      return convert<std::int16_t>(from, to, count);
    case StoredDtype::u16:
      return convert<std::uint16_t>(from, to, count);
    case StoredDtype::f16:
      return convert<Half>(from, to, count);
    case StoredDtype::bf16:
      return convert<BrainFloat>(from, to, count);
    case StoredDtype::i32:
      return convert<std::int32_t>(from, to, count);
    case StoredDtype::u32:
      return convert<std::uint32_t>(from, to, count);
    case StoredDtype::f32:
      return convert<float>(from, to, count);
    case StoredDtype::f64:
      return convert<double>(from, to, count);
    case StoredDtype::i64:
      return convert<std::int64_t>(from, to, count);
    case StoredDtype::u64:
      return convert<std::uint64_t>(from, to, count);
    default:  // read_into() has refused the others
      return;
  }
}

void release_owner(void* owner) { delete static_cast<std::shared_ptr<const void>*>(owner); }

}  // namespace

const char* to_string(StoredDtype dtype) noexcept { return facts_of(dtype).name; }

std::size_t bits_of(StoredDtype dtype) noexcept { return facts_of(dtype).bits; }

std::optional<StoredDtype> stored_dtype_from(std::string_view name) noexcept {
  const auto* const found =
      std::ranges::find_if(facts, [name](const auto& each) { return each.name == name; });
  if (found == facts.end()) return std::nullopt;
  return static_cast<StoredDtype>(found - facts.begin());
}

std::optional<std::int64_t> stored_bytes(StoredDtype dtype,
                                         const std::vector<std::int64_t>& lengths) noexcept {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  std::int64_t product = 1;
  for (const std::int64_t length : lengths) {
    if (length < 0) return std::nullopt;
    if (length != 0 && product > largest / length) return std::nullopt;
    product *= length;
  }
  const auto bits = static_cast<std::int64_t>(bits_of(dtype));
  if (product > largest / bits) return std::nullopt;
  product *= bits;
  if (product % 8 != 0) return std::nullopt;
  return product / 8;
}

StoredArray::StoredArray(std::string name, StoredDtype dtype, std::vector<std::int64_t> lengths,
                         const void* data, std::size_t bytes, std::shared_ptr<const void> owner)
    : name_(std::move(name)),
      dtype_(dtype),
      lengths_(std::move(lengths)),
      data_(data),
      bytes_(bytes),
      owner_(std::move(owner)) {
  const auto needed = stored_bytes(dtype_, lengths_);
  if (!needed || std::cmp_not_equal(*needed, bytes_)) {
    refuse<ArgumentError>(
        {"the bytes of an array of the lengths and the dtype given as ", quoted(name_)},
        {bytes_, " bytes for dtype ", to_string(dtype_)},
        {"give bytes, lengths and dtype that agree"});
  }
}

StoredArray::StoredArray(std::string name, const Tensor& tensor)
    : StoredArray(std::move(name), stored(tensor.dtype()),
                  {tensor.shape().begin(), tensor.shape().end()}, tensor.raw(), tensor.bytes(),
                  std::make_shared<const Tensor>(tensor)) {}

std::int64_t StoredArray::size() const noexcept {
  return static_cast<std::int64_t>(bytes_ * 8 / bits_of(dtype_));
}

StoredArray StoredArray::renamed(std::string name) const {
  StoredArray copy = *this;
  copy.name_ = std::move(name);
  return copy;
}

bool StoredArray::is_convertible() const noexcept {
  switch (dtype_) {
    case StoredDtype::f4:
    case StoredDtype::f6_e2m3:
    case StoredDtype::f6_e3m2:
    case StoredDtype::f8_e5m2:
    case StoredDtype::f8_e4m3:
    case StoredDtype::f8_e8m0:
    case StoredDtype::f8_e4m3fnuz:
    case StoredDtype::f8_e5m2fnuz:
    case StoredDtype::c64:
      return false;
    default:
      return true;
  }
}

void StoredArray::check_convertible() const {
  if (is_convertible()) return;
  refuse<DtypeError>({"an array that converts to float32 or float64 as ", quoted(name_)},
                     {"dtype ", to_string(dtype_)},
                     {"convert the file with the program that wrote it"});
}

Dtype StoredArray::core_dtype() const {
  check_convertible();
  switch (dtype_) {
    case StoredDtype::i32:
    case StoredDtype::u32:
    case StoredDtype::f64:
    case StoredDtype::i64:
    case StoredDtype::u64:
      return Dtype::float64;
    default:
      return Dtype::float32;
  }
}

Tensor StoredArray::read(Dtype dtype) const {
  check_convertible();
  Tensor values = Tensor::uninitialized(shape(), dtype);
  read_into(values);
  return values;
}

void StoredArray::read_into(const Tensor& target) const {
  check_convertible();
  if (shape() != target.shape()) {
    refuse<ShapeError>({"an array of shape ", target.shape(), " as ", quoted(name_)}, {shape()},
                       {"read it into one of its own shape"});
  }
  read_elements(target, 0, size());
}

void StoredArray::read_elements(const Tensor& target, std::int64_t begin,
                                std::int64_t end) const noexcept {
  const std::size_t size = bits_of(dtype_) / 8;
  const void* const from =
      static_cast<const std::byte*>(data_) + static_cast<std::size_t>(begin) * size;
  const std::int64_t count = end - begin;
  if (count == 0) return;
  if (dtype_ == stored(target.dtype())) {
    std::memcpy(static_cast<std::byte*>(target.raw()) + static_cast<std::size_t>(begin) * size,
                from, static_cast<std::size_t>(count) * size);
  } else if (target.dtype() == Dtype::float32) {
    convert(dtype_, from, target.data<float>() + begin, count);
  } else {
    convert(dtype_, from, target.data<double>() + begin, count);
  }
}

Tensor StoredArray::view() const {
  const Dtype dtype = core_dtype();
  const bool aligned = reinterpret_cast<std::uintptr_t>(data_) % size_of(dtype) == 0;
  if (dtype_ != stored(dtype) || !aligned || bytes_ == 0) return read(dtype);
  auto owner = std::make_unique<std::shared_ptr<const void>>(owner_);
  Tensor view = Tensor::lend(const_cast<void*>(data_), shape(), dtype, owner.get(), release_owner);
  // NOLINTNEXTLINE(bugprone-unused-return-value): the view has it now.
  static_cast<void>(owner.release());
  return view;
}

const StoredArray* StoredArrays::find(std::string_view name) const noexcept {
  const auto by_name = [this](std::string_view wanted) -> const StoredArray* {
    for (const StoredArray& array : arrays) {
      if (array.name() == wanted) return &array;
    }
    return nullptr;
  };
  if (const StoredArray* const found = by_name(name)) return found;
  const auto alias = aliases.find(name);
  return alias == aliases.end() ? nullptr : by_name(alias->second);
}

}  // namespace glueball
