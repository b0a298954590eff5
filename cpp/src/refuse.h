#pragma once

// How the library throws its errors.
//
// A message is put together from pieces where it is thrown, far from the code that finds a fault:
// to concatenate strings there takes some hundred bytes, and more for those that have to be
// released when an allocation fails.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "glueball/error.h"
#include "glueball/shape.h"
#include "glueball/tensor.h"

namespace glueball {

/// A part of a message: refers to what it shows, until the end of the statement. Made from it
/// without being named, so that sites read as the message does.
class Piece {
 public:
  explicit(false) Piece(const char* text) noexcept : Piece(std::string_view(text)) {}
  explicit(false) Piece(const std::string& text) noexcept : Piece(std::string_view(text)) {}
  explicit(false) Piece(std::string_view text) noexcept : kind_(Kind::text), size_(text.size()) {
    text_ = text.data();
  }
  template <std::integral I>
    requires(sizeof(I) >= sizeof(int))  // no characters
  explicit(false) Piece(I number) noexcept
      : kind_(std::signed_integral<I> ? Kind::whole : Kind::natural) {
    whole_ = static_cast<std::int64_t>(number);
  }
  /// As to_text() writes it.
  template <std::floating_point F>
  explicit(false) Piece(F number) noexcept : kind_(Kind::real) {
    real_ = static_cast<double>(number);
  }
  explicit(false) Piece(const Shape& shape) noexcept : kind_(Kind::shape) { shape_ = &shape; }
  explicit(false) Piece(Dtype dtype) noexcept : kind_(Kind::dtype) {
    whole_ = static_cast<std::int64_t>(dtype);
  }

  void append_to(std::string& message) const;

 private:
  enum class Kind : unsigned char { text, whole, natural, real, shape, dtype };

  union {
    const char* text_;
    std::int64_t whole_;
    double real_;
    const Shape* shape_;
  };
  Kind kind_;
  std::size_t size_ = 0;  ///< of a text
};

using Pieces = std::initializer_list<Piece>;

/// The pieces one after the other.
std::string joined(Pieces pieces);

/// Throws an E, one of error.h's, that says the three things.
template <class E>
[[noreturn, gnu::cold, gnu::noinline]] void refuse(Pieces expected, Pieces found, Pieces remedy);

extern template void refuse<ArgumentError>(Pieces, Pieces, Pieces);
extern template void refuse<DtypeError>(Pieces, Pieces, Pieces);
extern template void refuse<FileFormatError>(Pieces, Pieces, Pieces);
extern template void refuse<IndexError>(Pieces, Pieces, Pieces);
extern template void refuse<InputError>(Pieces, Pieces, Pieces);
extern template void refuse<ShapeError>(Pieces, Pieces, Pieces);

}  // namespace glueball
