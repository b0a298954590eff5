#pragma once

// JSON in files' headers: RFC 8259, strictly. Everything is bounded: nothing recurses deeper than
// `max_depth`, and what is kept is proportional to the text.

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/refuse.h"

namespace glueball::json {

/// What is wrong, and where: "a string that does not end (at byte 17)".
class SyntaxError : public std::runtime_error {
 public:
  SyntaxError(const std::string& fault, std::size_t offset)
      : std::runtime_error(fault + " (at byte " + std::to_string(offset) + ")") {}
};

/// Walks through a text value by value, keeping nothing: for large headers.
///
/// Every function throws SyntaxError if the next value is of another kind, or malformed.
class Reader {
 public:
  enum class Kind : std::uint8_t { object, array, string, number, boolean, null };
  static constexpr int max_depth = 127;  // as Rust's serde_json, which reads safetensors

  /// @throws SyntaxError if `text` is not UTF-8. It has to outlive the reader.
  explicit Reader(std::string_view text);

  /// Which kind the next value is.
  Kind peek();

  /// Calls `member(key)` for each member, which has to read the value, and to decide whether keys
  /// may repeat.
  template <class Member>
  void object(Member&& member) {
    open('{', "object");
    for (bool first = true; next('}', first); first = false) {
      std::string key = string();
      expect(':');
      member(std::move(key));
    }
    --depth_;
  }

  /// Calls `element()` for each element, which has to read it.
  template <class Element>
  void array(Element&& element) {
    open('[', "list");
    for (bool first = true; next(']', first); first = false) element();
    --depth_;
  }

  std::string string();
  /// An integer from 0 to 2^64 - 1, written without sign, point or exponent.
  std::uint64_t unsigned_integer();
  /// Any number in the range of double, rounded to one.
  double number();
  bool boolean();
  void null();
  /// Reads a value of any kind, and drops it.
  void skip();

  /// Checks that nothing but white space follows.
  void finish();

  /// Bytes read so far.
  std::size_t offset() const noexcept { return at_; }
  [[noreturn]] void fail(Pieces fault) const;

 private:
  void skip_space() noexcept;
  void open(char bracket, const char* what);
  bool next(char bracket, bool first);
  void expect(char wanted);
  void word(std::string_view wanted);
  std::string_view number_text();
  void escape(std::string& out);
  unsigned hex4();

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

/// A value of any kind, for texts that are small. Numbers are doubles, as in JavaScript.
struct Member;
struct Value {
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;
  std::variant<std::nullptr_t, bool, double, std::string, Array, Object> content;

  /// The member of this name, or null if there is none, or this is not an object.
  const Value* find(std::string_view key) const noexcept;
};
struct Member {
  std::string key;
  Value value;
};

/// The value of a whole text. @throws SyntaxError, also for a key that repeats, and for more than
/// `max_values` values.
Value parse(std::string_view text, std::size_t max_values = 100000);

/// Appends a string with its quotes; `text` is UTF-8. Escapes are those of Rust's serde_json, so
/// that headers are equal byte by byte to those of the `safetensors` package.
void append(std::string& out, std::string_view text);
/// Appends the shortest number that reads back as `value`, which is finite.
void append(std::string& out, double value);

}  // namespace glueball::json
