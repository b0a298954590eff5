#include "pattern.h"

#include <regex>

#include "glueball/error.h"

namespace glueball {

struct Pattern::Expression {
  std::regex regex;
};

Pattern::Pattern(const std::string& text, const std::string& user) {
  try {
    expression_ = std::make_shared<const Expression>(
        Expression{std::regex(text, std::regex::ECMAScript | std::regex::optimize)});
  } catch (const std::regex_error& error) {
    throw ArgumentError({.expected = "ECMAScript regular expressions for " + user,
                         .found = "'" + text + "' (" + error.what() + ")",
                         .remedy = "put a backslash before characters that stand for themselves"});
  }
}

bool Pattern::is_in(const std::string& name) const {
  return std::regex_search(name, expression_->regex);
}

bool Pattern::begins(const std::string& name) const {
  return std::regex_search(name, expression_->regex, std::regex_constants::match_continuous);
}

}  // namespace glueball
