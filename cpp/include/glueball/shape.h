#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "glueball/export.h"

namespace glueball {

/// The lengths of an array's axes; some may be unknown until data is seen.
///
/// Holds its numbers inline, so that making and copying one never allocates.
class GLUEBALL_API Shape {
 public:
  /// Marks an axis whose length is not known yet. (Zero is a length: an empty array has it.)
  static constexpr std::int64_t unknown = -1;
  /// Most axes an array can have.
  static constexpr std::size_t max_rank = 8;

  /// The shape of a scalar: no axes.
  Shape() = default;

  /// @throws ArgumentError if there are more than `max_rank` axes, or a length below -1.
  Shape(std::initializer_list<std::int64_t> lengths) : Shape(lengths.begin(), lengths.size()) {}
  /// The same, from `rank` numbers.
  Shape(const std::int64_t* lengths, std::size_t rank) : rank_(rank) {
    bool valid = rank <= max_rank;
    for (std::size_t axis = 0; valid && axis < rank; ++axis) {
      lengths_[axis] = lengths[axis];
      valid = lengths[axis] >= unknown;
    }
    if (!valid) throw_invalid(lengths, rank);
  }
  /// The same, from a vector.
  explicit Shape(const std::vector<std::int64_t>& lengths)
      : Shape(lengths.data(), lengths.size()) {}

  /// The number of axes.
  std::size_t rank() const noexcept { return rank_; }
  /// The length of an axis, which must be below rank(); `unknown` where it is not known.
  std::int64_t operator[](std::size_t axis) const noexcept { return lengths_[axis]; }

  /// For loops over the lengths.
  const std::int64_t* begin() const noexcept { return lengths_.data(); }
  /// One past the last length.
  const std::int64_t* end() const noexcept { return lengths_.data() + rank_; }

  /// Makes it the shape of a scalar.
  void clear() noexcept { rank_ = 0; }

  /// True when no axis is unknown.
  bool is_known() const noexcept;

  /// How many elements an array of this shape holds.
  ///
  /// @throws ShapeError if an axis is unknown, or the product of the lengths is above 2^60, with
  /// lengths of 0 counted as 1: an empty array has strides too.
  std::int64_t elements() const;

  /// True when ranks are equal and each axis is equal, or unknown on either side.
  bool is_compatible(const Shape& other) const noexcept;

  /// This shape with its unknown axes taken from `other`.
  ///
  /// @throws ShapeError if the two are not compatible.
  Shape merged(const Shape& other) const;

  /// A copy whose axis has another length. @throws ArgumentError if there is no such axis.
  Shape with(std::size_t axis, std::int64_t length) const;

  /// True when ranks and all axes are equal; an unknown axis equals an unknown one only.
  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    bool equal = a.rank_ == b.rank_;
    for (std::size_t axis = 0; equal && axis < a.rank_; ++axis) {
      equal = a.lengths_[axis] == b.lengths_[axis];
    }
    return equal;
  }
  /// Not ==.
  friend bool operator!=(const Shape& a, const Shape& b) noexcept { return !(a == b); }

 private:
  [[noreturn]] static void throw_invalid(const std::int64_t* lengths, std::size_t rank);

  std::array<std::int64_t, max_rank> lengths_{};
  std::size_t rank_ = 0;
};

/// As Python prints a tuple: "(2, 3)", "(4,)", "()"; unknown axes are "-1".
GLUEBALL_API std::string to_string(const Shape& shape);
/// The same, or "None" where not even the rank is known.
GLUEBALL_API std::string to_string(const std::optional<Shape>& shape);

}  // namespace glueball
