#include "glueball/stored_array.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "core/refuse.h"
#include "core/text.h"
#include "glueball/error.h"

// Files are little-endian, and nothing here swaps bytes.
static_assert(std::endian::native == std::endian::little);

namespace glueball {
namespace {

// Types of their own, so that number() can tell them from integers.
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

struct DtypeFacts {
  const char* name;
  std::uint8_t bits;
  std::optional<Dtype> core;  ///< which of the core's holds every value, or comes closest
  // Null where there is no such dtype.
  void (*to_float)(const void* from, float* to, std::int64_t count) noexcept = nullptr;
  void (*to_double)(const void* from, double* to, std::int64_t count) noexcept = nullptr;
};

/// A dtype whose elements are read as T's.
template <class T>
constexpr DtypeFacts read_as(const char* name, Dtype core) {
  return {name, 8 * sizeof(T), core, convert<T, float>, convert<T, double>};
}

constexpr auto f32 = Dtype::float32;
constexpr auto f64 = Dtype::float64;
constexpr auto none = std::nullopt;
constexpr std::array<DtypeFacts, 22> facts{{
    read_as<Truth>("BOOL", f32),
    {"F4", 4, none},
    {"F6_E2M3", 6, none},
    {"F6_E3M2", 6, none},
    read_as<std::uint8_t>("U8", f32),
    read_as<std::int8_t>("I8", f32),
    {"F8_E5M2", 8, none},
    {"F8_E4M3", 8, none},
    {"F8_E8M0", 8, none},
    {"F8_E4M3FNUZ", 8, none},
    {"F8_E5M2FNUZ", 8, none},
    read_as<std::int16_t>("I16", f32),
    read_as<std::uint16_t>("U16", f32),
    read_as<Half>("F16", f32),
    read_as<BrainFloat>("BF16", f32),
    read_as<std::int32_t>("I32", f64),
    read_as<std::uint32_t>("U32", f64),
    read_as<float>("F32", f32),
    {"C64", 64, none},
    read_as<double>("F64", f64),
    read_as<std::int64_t>("I64", f64),
    read_as<std::uint64_t>("U64", f64),
}};
static_assert(facts.size() == static_cast<std::size_t>(StoredDtype::u64) + 1);

const DtypeFacts& facts_of(StoredDtype dtype) noexcept {
  return facts[static_cast<std::size_t>(dtype)];
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
  // Zeros count as ones until the end: an empty array has strides too, which have to be countable.
  std::int64_t product = 1;
  bool is_empty = false;
  for (const std::int64_t length : lengths) {
    if (length < 0) return std::nullopt;
    if (length == 0) {
      is_empty = true;
      continue;
    }
    if (product > largest / length) return std::nullopt;
    product *= length;
  }
  const auto bits = static_cast<std::int64_t>(bits_of(dtype));
  if (product > largest / bits) return std::nullopt;
  if (is_empty) return 0;
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

std::string StoredArray::shape_text() const {
  std::string text = "(";
  for (const std::int64_t length : lengths_) text += std::to_string(length) + ", ";
  if (lengths_.size() > 1) text.resize(text.size() - 2);
  if (lengths_.size() == 1) text.pop_back();
  return text + ")";
}

StoredArray StoredArray::renamed(std::string name) const {
  StoredArray copy = *this;
  copy.name_ = std::move(name);
  return copy;
}

bool StoredArray::is_convertible() const noexcept { return facts_of(dtype_).core.has_value(); }

void StoredArray::check_convertible() const {
  if (is_convertible()) return;
  refuse<DtypeError>({"an array that converts to float32 or float64 as ", quoted(name_)},
                     {"dtype ", to_string(dtype_)},
                     {"convert the file with the program that wrote it"});
}

Dtype StoredArray::core_dtype() const {
  check_convertible();
  return *facts_of(dtype_).core;
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
    facts_of(dtype_).to_float(from, target.data<float>() + begin, count);
  } else {
    facts_of(dtype_).to_double(from, target.data<double>() + begin, count);
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
