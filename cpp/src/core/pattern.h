#pragma once

// Regular expressions over names.

#include <regex>
#include <string>

namespace glueball {

/// A regular expression in ECMAScript's syntax, without references back to a group: std::regex.
///
/// `.` is any character but line ends; `^` and `$` are the text's ends; bytes are characters.
class Pattern {
 public:
  /// Longer expressions, and deeper groups, are refused: their reader recurses, through 1 MB of
  /// stack at most.
  static constexpr std::size_t max_length = 10'000;
  static constexpr std::size_t max_nesting = 250;

  /// `user` is who needs it, in the message: "Mixed".
  ///
  /// @throws ArgumentError if `text` is not a regular expression, too long or too deep.
  Pattern(const std::string& text, const std::string& user);

  /// A glob, which matches whole names: `*` any characters, `?` one, `[ab]` one of those, `[!ab]`
  /// one that is none of those.
  ///
  /// @throws ArgumentError if `glob` has more than 1,000 bytes.
  static Pattern of_glob(const std::string& glob, const std::string& user);

  /// Whether it matches a part of `name`.
  bool is_in(const std::string& name) const;
  /// Whether it matches `name` from its start on, to wherever: as Python's re.match.
  bool begins(const std::string& name) const;

 private:
  std::regex expression_;
};

}  // namespace glueball
