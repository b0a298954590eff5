#include "core/text.h"

namespace glueball {
namespace {

unsigned char byte_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

// Longer names are cut in the middle: both ends of a path tell something.
constexpr std::size_t longest_shown = 200;

std::string escaped(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    std::size_t length = utf8_sequence(text);
    const unsigned char first = byte_at(text, 0);
    if (length == 0 || first < 0x20 || first == 0x7F) {
      char code[8];
      std::snprintf(code, sizeof code, "\\x%02x", first);
      shown += code;
      length = 1;
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return shown;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const unsigned char first = byte_at(text, 0);
  if (first < 0x80) return 1;
  // The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF.
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  }
  if (length == 0 || text.size() < length) return 0;
  if (byte_at(text, 1) < low || byte_at(text, 1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_at(text, i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string quoted(std::string_view name) {
  if (name.size() <= longest_shown) return "'" + escaped(name) + "'";
  std::size_t head = longest_shown / 2;
  std::size_t tail = name.size() - longest_shown / 2;
  // Not through the middle of a character.
  while (head > 0 && (byte_at(name, head) & 0xC0) == 0x80) --head;
  while (tail < name.size() && (byte_at(name, tail) & 0xC0) == 0x80) ++tail;
  return "'" + escaped(name.substr(0, head)) + "..." + escaped(name.substr(tail)) + "'";
}

}  // namespace glueball
