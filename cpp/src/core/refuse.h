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
  /// Whatever else has a to_string(): shapes, dtypes. So this header needs to know none of them.
  template <class T>
    requires requires(const T& value) {
      { to_string(value) } -> std::same_as<std::string>;
    }
  explicit(false) Piece(const T& value) noexcept : kind_(Kind::other) {
    other_ = {&value, [](const void* it) { return to_string(*static_cast<const T*>(it)); }};
  }

  void append_to(std::string& message) const;

 private:
  enum class Kind : unsigned char { text, whole, natural, real, other };
  struct Other {
    const void* value;
    std::string (*to_text)(const void*);
  };

  union {
    const char* text_;
    std::int64_t whole_;
    double real_;
    Other other_;
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

}  // namespace glueball
