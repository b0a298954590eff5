#include "glueball/shape.h"

#include <algorithm>
#include <cstdint>

#include "core/refuse.h"

namespace glueball {
namespace {

constexpr std::int64_t most_elements = std::int64_t{1} << 60;  // whose bytes 63 bits can count

}  // namespace

void Shape::throw_invalid(const std::int64_t* lengths, std::size_t rank) {
  if (rank > max_rank) {
    refuse<ArgumentError>({"at most ", max_rank, " axes"}, {rank}, {"merge some axes into one"});
  }
  Shape shape;
  shape.rank_ = rank;
  std::copy_n(lengths, rank, shape.lengths_.begin());
  refuse<ArgumentError>({"lengths of axes that are 0 or more (-1 for an unknown one)"}, {shape},
                        {"correct the shape"});
}

bool Shape::is_known() const noexcept { return std::ranges::find(*this, unknown) == end(); }

std::int64_t Shape::elements() const {
  // The usual case, without a loop: small arrays are made faster than they are counted otherwise.
  constexpr std::int64_t moderate = std::int64_t{1} << 30;
  const auto is_usual = [](std::int64_t length) { return length >= 0 && length < moderate; };
  if (rank_ == 2 && is_usual(lengths_[0]) && is_usual(lengths_[1])) {
    return lengths_[0] * lengths_[1];
  }
  if (rank_ == 1 && is_usual(lengths_[0])) return lengths_[0];
  // Zeros count as ones: strides are the products of lengths, in an empty array too.
  std::int64_t product = 1;
  bool is_empty = false;
  for (const std::int64_t length : *this) {
    if (length == unknown) {
      refuse<ShapeError>({"a shape whose axes are all known"}, {*this},
                         {"give the lengths, or pass data first"});
    }
    is_empty = is_empty || length == 0;
    if (length > most_elements / product) {
      refuse<ShapeError>({"a shape whose axes that are not empty have at most 2^60 elements"},
                         {*this}, {"use a smaller one"});
    }
    product *= std::max(length, std::int64_t{1});
  }
  return is_empty ? 0 : product;
}

bool Shape::is_compatible(const Shape& other) const noexcept {
  return rank_ == other.rank_ &&
         std::ranges::equal(*this, other, [](std::int64_t a, std::int64_t b) {
           return a == b || a == unknown || b == unknown;
         });
}

Shape Shape::merged(const Shape& other) const {
  if (!is_compatible(other)) {
    refuse<ShapeError>({"a shape that agrees with ", *this}, {other},
                       {"make the known axes equal"});
  }
  Shape merged = *this;
  for (std::size_t axis = 0; axis < rank_; ++axis) {
    if (merged.lengths_[axis] == unknown) merged.lengths_[axis] = other.lengths_[axis];
  }
  return merged;
}

Shape Shape::with(std::size_t axis, std::int64_t length) const {
  if (axis >= rank_) {
    refuse<ArgumentError>({"an axis of ", *this}, {"axis ", axis}, {"count axes from 0"});
  }
  Shape changed = *this;
  changed.lengths_[axis] = length;
  return changed;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + (shape.rank() == 1 ? ",)" : ")");
}

std::string to_string(const std::optional<Shape>& shape) {
  return shape ? to_string(*shape) : "None";
}

}  // namespace glueball
