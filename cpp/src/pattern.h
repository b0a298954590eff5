#pragma once

// Regular expressions over names. In a file of their own, because every file that includes <regex>
// would bring the same hundred kilobytes into the library.

#include <memory>
#include <string>

namespace glueball {

/// An ECMAScript regular expression; copies share what was compiled.
class Pattern {
 public:
  /// `user` is who needs it, in the message: "Mixed".
  ///
  /// @throws ArgumentError if `text` is no regular expression.
  Pattern(const std::string& text, const std::string& user);

  /// Whether it matches a part of `name`.
  bool is_in(const std::string& name) const;
  /// Whether it matches `name` from its start on, to wherever: as Python's re.match.
  bool begins(const std::string& name) const;

 private:
  struct Expression;
  std::shared_ptr<const Expression> expression_;
};

}  // namespace glueball
