#pragma once

// How numbers and names are written in messages.

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace glueball {

/// As C's "%g": "0.01", "-3", "nan".
inline std::string to_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

/// Bytes of the UTF-8 sequence that `text` begins with; 0 if it begins with none.
///
/// Overlong forms, surrogates and what lies above U+10FFFF are none: RFC 3629.
std::size_t utf8_sequence(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// A name that comes from outside, as messages show it: in quotes, of bounded length, on one line,
/// with \xNN for bytes that are control characters or no UTF-8.
std::string quoted(std::string_view name);

}  // namespace glueball
