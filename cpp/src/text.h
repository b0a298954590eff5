#pragma once

// How numbers are written in messages.

#include <cstdio>
#include <string>

namespace glueball {

/// As C's "%g": "0.01", "-3", "nan".
inline std::string to_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

}  // namespace glueball
