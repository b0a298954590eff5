#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "glueball/export.h"
#include "glueball/tensor.h"

namespace glueball {

/// Element types that files hold; the core computes with two of them (Dtype).
///
/// In the order that safetensors gives them: by alignment, then as they were added to it.
enum class StoredDtype : std::uint8_t {
  boolean,      ///< one byte, 0 or 1
  f4,           ///< packed floats of 4 bits
  f6_e2m3,      ///< packed floats of 6 bits
  f6_e3m2,      ///< packed floats of 6 bits
  u8,           ///< unsigned integers
  i8,           ///< signed integers
  f8_e5m2,      ///< floats of 8 bits
  f8_e4m3,      ///< floats of 8 bits
  f8_e8m0,      ///< powers of two
  f8_e4m3fnuz,  ///< floats of 8 bits
  f8_e5m2fnuz,  ///< floats of 8 bits
  i16,          ///< signed integers
  u16,          ///< unsigned integers
  f16,          ///< IEEE 754 binary16
  bf16,         ///< the upper halves of binary32
  i32,          ///< signed integers
  u32,          ///< unsigned integers
  f32,          ///< Dtype::float32
  c64,          ///< pairs of binary32
  f64,          ///< Dtype::float64
  i64,          ///< signed integers
  u64,          ///< unsigned integers
};

/// safetensors' name: "F32", "BOOL".
GLUEBALL_API const char* to_string(StoredDtype dtype) noexcept;

/// The dtype of safetensors' name, or nullopt.
GLUEBALL_API std::optional<StoredDtype> stored_dtype_from(std::string_view name) noexcept;

/// Bits in one element: 4 and 6 for the packed floats, else whole bytes.
GLUEBALL_API std::size_t bits_of(StoredDtype dtype) noexcept;

/// The type that files use for the core's own.
constexpr StoredDtype stored(Dtype dtype) noexcept {
  return dtype == Dtype::float32 ? StoredDtype::f32 : StoredDtype::f64;
}

/// One array in a file: what it is called, and a view of its bytes.
///
/// Copies share the bytes, and keep their memory alive: a file's mapping, or a tensor
/// that is about to be written. Elements are row-major and little-endian; they need not be aligned.
class GLUEBALL_API StoredArray {
 public:
  /// An array without elements and without a name.
  StoredArray() = default;

  /// A view of `bytes` bytes at `data`, which live as long as `owner` does.
  ///
  /// @throws ArgumentError if the bytes are not those of such an array.
  StoredArray(std::string name, StoredDtype dtype, std::vector<std::int64_t> lengths,
              const void* data, std::size_t bytes, std::shared_ptr<const void> owner);

  /// A view of a tensor's elements, which it keeps alive.
  StoredArray(std::string name, const Tensor& tensor);

  /// What it is called in the file.
  const std::string& name() const noexcept { return name_; }
  /// The type of its elements.
  StoredDtype dtype() const noexcept { return dtype_; }
  /// The axes' lengths. (Not a Shape: files may hold arrays of more axes than the core.)
  const std::vector<std::int64_t>& lengths() const noexcept { return lengths_; }
  /// The lengths as a Shape. @throws ArgumentError if there are more axes than one can have.
  Shape shape() const { return Shape(lengths_); }
  /// "(2, 3)", for messages, however many axes there are.
  std::string shape_text() const;
  /// The first byte of the first element.
  const void* data() const noexcept { return data_; }
  /// How many bytes the elements take.
  std::size_t bytes() const noexcept { return bytes_; }
  /// How many elements there are.
  std::int64_t size() const noexcept;

  /// The same bytes under another name.
  StoredArray renamed(std::string name) const;

  /// Whether elements convert to float32 and float64: all but complex ones and floats of 8 bits and
  /// fewer.
  bool is_convertible() const noexcept;

  /// The elements as a new array of `dtype`. @throws DtypeError if they do not convert.
  Tensor read(Dtype dtype) const;

  /// Writes the elements, converted, over those of `target`.
  ///
  /// @throws ShapeError if the shapes differ, DtypeError if the elements do not convert.
  void read_into(const Tensor& target) const;

  /// Which of the core's dtypes holds the elements: float64 for float64 and integers of 32 bits and
  /// more (those of 64 are rounded beyond 2^53), else float32. @throws DtypeError if none does.
  Dtype core_dtype() const;

  /// The elements without a copy, where the core computes with the file's dtype and they are
  /// aligned for it; else read(core_dtype()).
  ///
  /// Writing into the result never reaches the file: a mapping is private.
  Tensor view() const;

  /// Elements [begin, end) of read_into(), unchecked: for several threads to share the work.
  void read_elements(const Tensor& target, std::int64_t begin, std::int64_t end) const noexcept;

 private:
  void check_convertible() const;

  std::string name_;
  StoredDtype dtype_ = StoredDtype::f32;
  std::vector<std::int64_t> lengths_ = {0};
  const void* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::shared_ptr<const void> owner_;
};

/// How many bytes the elements of such an array take; nullopt if the number does not fit in 63
/// bits, is not an integer, or a length is negative.
GLUEBALL_API std::optional<std::int64_t> stored_bytes(
    StoredDtype dtype, const std::vector<std::int64_t>& lengths) noexcept;

/// What a file holds.
struct GLUEBALL_API StoredArrays {
  /// In the file's order. Names are unique.
  std::vector<StoredArray> arrays;
  /// Whether the file gives names at all; else they are "0", "1" ..., and it holds a list.
  bool named = true;
  /// Other names of arrays above: {alias, name}.
  std::map<std::string, std::string, std::less<>> aliases;
  /// Whatever else the file says of itself: {key, text}. safetensors only.
  std::map<std::string, std::string, std::less<>> metadata;

  /// The array of a name or an alias, or null.
  const StoredArray* find(std::string_view name) const noexcept;
};

}  // namespace glueball
