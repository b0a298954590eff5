#pragma once

// Regular expressions over names.

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace glueball {

/// A regular expression in ECMAScript's syntax, without references back to a group.
///
/// Our own, because std::regex would be a tenth of the library, takes exponential time for some
/// expressions and overflows the stack for long texts. This one takes time in proportion to the
/// expression's length times the text's: whether there is a match does not depend on the way to
/// it, so no state is tried twice (R. Cox, "Regular expression matching: the virtual machine
/// approach", 2009).
///
/// `.` is any character but line ends; `^` and `$` are the text's ends; bytes are characters.
class Pattern {
 public:
  /// `user` is who needs it, in the message: "Mixed".
  ///
  /// @throws ArgumentError if `text` is no regular expression.
  Pattern(const std::string& text, const std::string& user);

  /// Whether it matches a part of `name`.
  bool is_in(std::string_view name) const;
  /// Whether it matches `name` from its start on, to wherever: as Python's re.match.
  bool begins(std::string_view name) const;

 private:
  friend class PatternReader;

  enum class Code : std::uint8_t {
    accept,
    set,        ///< one character of sets_[a]
    fork,       ///< go on at a, and at b
    jump,       ///< go on at a
    begin,      ///< at the text's start
    end,        ///< at its end
    word_edge,  ///< between a word's character and another, or the text's end; or not so, if b is 1
    ahead,      ///< what follows up to a accepts here (or does not, if b is 1); go on at a
  };
  struct Step {
    Code code;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
  };

  bool run(std::size_t step, std::string_view text, std::size_t begin, bool anywhere) const;

  std::vector<Step> steps_;
  std::vector<std::bitset<256>> sets_;
};

}  // namespace glueball
