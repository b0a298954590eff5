#include "core/pattern.h"

#include <algorithm>

#include "core/refuse.h"

namespace glueball {
namespace {

// How deeply the groups of an expression are nested. Text in brackets counts too, at worst one more
// a byte.
std::size_t nesting(const std::string& text) {
  std::size_t depth = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;  // what is escaped groups nothing
    } else if (text[i] == '(') {
      most = std::max(most, ++depth);
    } else if (text[i] == ')' && depth > 0) {
      --depth;
    }
  }
  return most;
}

/// The expression that a glob stands for. A bracket that nothing closes stands for itself.
std::string expression_of(const std::string& glob) {
  std::string text = "^";
  for (std::size_t i = 0; i < glob.size(); ++i) {
    const std::size_t first = i + (glob.substr(i + 1, 1) == "!" ? 2 : 1);
    const std::size_t close = glob[i] == '[' ? glob.find(']', first + 1) : std::string::npos;
    if (glob[i] == '*') {
      text += "[^]*";
    } else if (glob[i] == '?') {
      text += "[^]";
    } else if (close != std::string::npos) {
      text += first == i + 2 ? "[^" : "[";
      for (std::size_t at = first; at < close; ++at) {
        if (glob[at] == '\\' || glob[at] == '^' || glob[at] == '[' || glob[at] == ']') text += '\\';
        text += glob[at];
      }
      text += ']';
      i = close;
    } else {
      if (std::string("\\^$.|+()[]{}").find(glob[i]) != std::string::npos) text += '\\';
      text += glob[i];
    }
  }
  return text + "$";
}

std::regex compile(const std::string& text) {
  auto syntax = std::regex::ECMAScript;
#ifdef __GLIBCXX__
  // Its other matcher recurses for each character of the name, and tries every way to a match.
  syntax |= std::regex_constants::__polynomial;
#endif
  std::regex expression;
  expression.imbue(std::locale::classic());  // not the program's: names have no language
  expression.assign(text, syntax);
  return expression;
}

}  // namespace

Pattern::Pattern(const std::string& text, const std::string& user) {
  if (text.size() > max_length) {
    refuse<ArgumentError>({"a regular expression of at most ", max_length, " bytes for ", user},
                          {"one of ", text.size()}, {"shorten it"});
  }
  if (const std::size_t depth = nesting(text); depth > max_nesting) {
    refuse<ArgumentError>({"groups at most ", max_nesting, " deep for ", user},
                          {"groups ", depth, " deep"}, {"write it with fewer parentheses"});
  }
  try {
    expression_ = compile(text);
  } catch (const std::regex_error& error) {
    refuse<ArgumentError>({"ECMAScript regular expressions for ", user},
                          {"'", text, "' (", error.what(), ")"},
                          {"put a backslash before characters that stand for themselves"});
  }
}

Pattern Pattern::of_glob(const std::string& glob, const std::string& user) {
  constexpr std::size_t longest = 1000;
  if (glob.size() > longest) {
    refuse<ArgumentError>({"a glob of at most ", longest, " bytes for ", user},
                          {"one of ", glob.size()}, {"shorten it"});
  }
  return {expression_of(glob), user};
}

bool Pattern::is_in(const std::string& name) const { return std::regex_search(name, expression_); }

bool Pattern::begins(const std::string& name) const {
  return std::regex_search(name, expression_, std::regex_constants::match_continuous);
}

}  // namespace glueball
