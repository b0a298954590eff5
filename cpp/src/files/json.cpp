#include "files/json.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <unordered_set>

#include "core/text.h"

namespace glueball::json {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

Value read_value(Reader& reader, std::size_t& left) {
  if (left-- == 0) reader.fail({"more values than allowed"});
  switch (reader.peek()) {
    case Reader::Kind::object: {
      Value::Object members;
      std::unordered_set<std::string> keys;
      reader.object([&](std::string key) {
        if (!keys.insert(key).second)
          reader.fail({"the key ", quoted(key), " twice in one object"});
        members.push_back({std::move(key), read_value(reader, left)});
      });
      return {std::move(members)};
    }
    case Reader::Kind::array: {
      Value::Array elements;
      reader.array([&] { elements.push_back(read_value(reader, left)); });
      return {std::move(elements)};
    }
    case Reader::Kind::string:
      return {reader.string()};
    case Reader::Kind::number:
      return {reader.number()};
    case Reader::Kind::boolean:
      return {reader.boolean()};
    case Reader::Kind::null:
      break;
  }
  reader.null();
  return {nullptr};
}

}  // namespace

Reader::Reader(std::string_view text) : text_(text) {
  if (!is_utf8(text)) throw SyntaxError("bytes that are not UTF-8", 0);
}

void Reader::fail(Pieces fault) const { throw SyntaxError(joined(fault), at_); }

void Reader::skip_space() noexcept {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
    ++at_;
  }
}

Reader::Kind Reader::peek() {
  skip_space();
  if (at_ == text_.size()) fail({"an end where a value should be"});
  switch (text_[at_]) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      if (text_[at_] == '-' || is_digit(text_[at_])) return Kind::number;
      fail({"no value where one should be"});
  }
}

void Reader::open(char bracket, const char* what) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != bracket) fail({"no ", what, " where one should be"});
  if (depth_ == max_depth) {
    fail({"values nested more than ", max_depth, " deep"});
  }
  ++depth_;
  ++at_;
}

bool Reader::next(char bracket, bool first) {
  skip_space();
  if (at_ < text_.size() && text_[at_] == bracket) {
    ++at_;
    return false;
  }
  if (!first) expect(',');
  return true;
}

void Reader::expect(char wanted) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != wanted) {
    fail({"no '", std::string_view(&wanted, 1), "' where one should be"});
  }
  ++at_;
}

void Reader::word(std::string_view wanted) {
  skip_space();
  if (text_.substr(at_, wanted.size()) != wanted) fail({"no ", wanted});
  at_ += wanted.size();
}

std::string Reader::string() {
  skip_space();
  if (at_ == text_.size() || text_[at_] != '"') fail({"no string where one should be"});
  ++at_;
  std::string out;
  for (;;) {
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != '"' && text_[end] != '\\' &&
           static_cast<unsigned char>(text_[end]) >= 0x20) {
      ++end;
    }
    out += text_.substr(at_, end - at_);
    at_ = end;
    if (at_ == text_.size()) fail({"a string that does not end"});
    if (text_[at_] == '"') {
      ++at_;
      return out;
    }
    if (text_[at_] != '\\') fail({"a control character in a string"});
    escape(out);
  }
}

void Reader::escape(std::string& out) {
  ++at_;
  if (at_ == text_.size()) fail({"a string that does not end"});
  const char kind = text_[at_++];
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  if (const std::size_t found = letters.find(kind); found != std::string_view::npos) {
    out += meanings[found];
    return;
  }
  if (kind != 'u') fail({"an escape that JSON does not have"});
  unsigned code = hex4();
  if (code >= 0xDC00 && code <= 0xDFFF) fail({"half of a surrogate pair"});
  if (code >= 0xD800 && code <= 0xDBFF) {
    if (text_.substr(at_, 2) != "\\u") fail({"half of a surrogate pair"});
    at_ += 2;
    const unsigned low = hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail({"half of a surrogate pair"});
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(out, code);
}

unsigned Reader::hex4() {
  const std::string_view digits = text_.substr(at_, 4);
  unsigned code = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  if (digits.size() != 4 || result.ptr != digits.data() + 4) {
    fail({"no four hexadecimal digits after \\u"});
  }
  at_ += 4;
  return code;
}

std::string_view Reader::number_text() {
  skip_space();
  const std::size_t begin = at_;
  const auto digits = [&] {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    if (at_ == from) fail({"no digit where one should be"});
  };
  const auto is = [&](char c) { return at_ < text_.size() && text_[at_] == c; };
  if (is('-')) ++at_;
  if (is('0')) {
    ++at_;
    if (at_ < text_.size() && is_digit(text_[at_])) fail({"a number with a leading zero"});
  } else {
    digits();
  }
  if (is('.')) {
    ++at_;
    digits();
  }
  if (is('e') || is('E')) {
    ++at_;
    if (is('+') || is('-')) ++at_;
    digits();
  }
  return text_.substr(begin, at_ - begin);
}

std::uint64_t Reader::unsigned_integer() {
  const std::string_view text = number_text();
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) {
    fail({"not an integer from 0 to 2^64 - 1 but ", quoted(text)});
  }
  return value;
}

double Reader::number() {
  const std::string_view text = number_text();
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc::result_out_of_range) {
    fail({"a number beyond the range of double: ", quoted(text)});
  }
  return value;
}

bool Reader::boolean() {
  if (peek() != Kind::boolean) fail({"neither true nor false"});
  const bool value = text_[at_] == 't';
  word(value ? "true" : "false");
  return value;
}

void Reader::null() { word("null"); }

void Reader::skip() {
  switch (peek()) {
    case Kind::object:
      return object([this](const std::string&) { skip(); });
    case Kind::array:
      return array([this] { skip(); });
    case Kind::string:
      string();
      return;
    case Kind::number:
      number();
      return;
    case Kind::boolean:
      boolean();
      return;
    case Kind::null:
      null();
  }
}

void Reader::finish() {
  skip_space();
  if (at_ != text_.size()) fail({"more text after the value"});
}

const Value* Value::find(std::string_view key) const noexcept {
  const auto* const members = std::get_if<Object>(&content);
  if (members == nullptr) return nullptr;
  const auto found =
      std::ranges::find_if(*members, [key](const auto& member) { return member.key == key; });
  return found == members->end() ? nullptr : &found->value;
}

Value parse(std::string_view text, std::size_t max_values) {
  Reader reader(text);
  Value value = read_value(reader, max_values);
  reader.finish();
  return value;
}

void append(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    constexpr std::string_view meanings = "\"\\\b\f\n\r\t";
    constexpr std::string_view letters = "\"\\bfnrt";
    if (const std::size_t found = meanings.find(c); found != std::string_view::npos) {
      out += '\\';
      out += letters[found];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
}

void append(std::string& out, double value) {
  char text[32];
  const auto result = std::to_chars(text, text + sizeof text, value);
  out.append(text, result.ptr);
}

}  // namespace glueball::json
