#include "pattern.h"

#include <doctest/doctest.h>

#include <random>
#include <regex>
#include <string>
#include <vector>

#include "glueball/error.h"

using glueball::ArgumentError;
using glueball::Pattern;

namespace {

// What std::regex says, which reads the same syntax.
bool is_in(const std::string& pattern, const std::string& text) {
  return std::regex_search(text, std::regex(pattern));
}
bool begins(const std::string& pattern, const std::string& text) {
  return std::regex_search(text, std::regex(pattern), std::regex_constants::match_continuous);
}

void compare(const std::string& pattern, const std::string& text) {
  CAPTURE(pattern);
  CAPTURE(text);
  const Pattern ours(pattern, "test");
  CHECK(ours.is_in(text) == is_in(pattern, text));
  CHECK(ours.begins(text) == begins(pattern, text));
}

}  // namespace

TEST_CASE("patterns over names match where std::regex does") {
  const std::vector<std::string> patterns = {".*weight",
                                             "dense0_.*|dense1_bias",
                                             "^dense\\d+_(weight|bias)$",
                                             "(?:net_)?dense[0-2]_\\w+",
                                             "bias$",
                                             "\\bweight\\b",
                                             "[^_]+_weight",
                                             "(?=.*weight)dense1",
                                             "dense(?!0)",
                                             "d.n?se{1,2}",
                                             "gamma|beta|running_(mean|var)",
                                             "\\.weight",
                                             "[[:alpha:]]+\\d",
                                             "[a\\-z]+",
                                             "[\\w.]+",
                                             "",
                                             "a||b",
                                             "()",
                                             "(a|b|)+x",
                                             "\\x64ense",
                                             "\\u0064ense",
                                             "[]a]?",
                                             "x{0}dense",
                                             "(e|n)+?s",
                                             "(a*)*b",
                                             "(?:(?:(?:dense)))",
                                             "\\D\\S\\W",
                                             "\\Bense"};
  const std::vector<std::string> texts = {"dense0_weight",
                                          "dense1_bias",
                                          "net_dense2_weight",
                                          "encoder.0.weight",
                                          "gamma",
                                          "batchnorm0_running_mean",
                                          "",
                                          "b",
                                          "aaab",
                                          "x",
                                          "bias",
                                          "a-z",
                                          "weight bias",
                                          "7 ."};
  for (const std::string& pattern : patterns) {
    if (pattern == "[]a]?") continue;  // an empty bracket in ECMAScript, and a ] in POSIX
    for (const std::string& text : texts) compare(pattern, text);
  }
}

TEST_CASE("patterns made at random match where std::regex does") {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> pieces = {"a",     "b",     "ab",  ".",       "[ab]",
                                           "[^a]",  "\\w",   "\\b", "(?:a|b)", "(a|)",
                                           "(?=a)", "(?!b)", "^",   "$",       "_"};
  const std::vector<std::string> repetitions = {"",    "",     "",      "*",  "+", "?",
                                                "{2}", "{1,}", "{0,2}", "*?", "+?"};
  for (int i = 0; i < 1000; ++i) {
    std::string pattern;
    for (std::size_t k = below(5); k > 0; --k) {
      const std::string piece = pieces[below(pieces.size())];
      const bool takes = piece != "\\b" && piece != "^" && piece != "$" && piece[1] != '?';
      const bool whole =
          piece.size() == 1 || piece[0] == '[' || piece[0] == '(' || piece[0] == '\\';
      pattern += piece;
      if (takes && whole) pattern += repetitions[below(repetitions.size())];
      if (below(6) == 0) pattern += "|";
    }
    if (below(3) == 0) pattern = "(" + pattern + ")" + (below(2) == 0 ? "{1,2}" : "b");
    for (int j = 0; j < 4; ++j) {
      std::string text;
      for (std::size_t k = below(7); k > 0; --k) text += "ab_"[below(3)];
      compare(pattern, text);
    }
  }
}

TEST_CASE("what is no expression is refused, with the reason") {
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"(", "a ( without its )"},
      {")", "a ) without its ("},
      {"[a", "a [ without its ]"},
      {"*a", "a repetition of nothing"},
      {"a**", "a repetition of a repetition"},
      {"a{", "a { without a number"},
      {"a{1", "a { without its }"},
      {"a{2,1}", "a {m,n} with m above n"},
      {"[z-a]", "a range that does not ascend"},
      {"[[:nothing:]]", "an unknown [:class:]"},
      {"\\", "a \\ with nothing behind"},
      {"\\q", "an unknown escape"},
      {"\\x0", "an escape without its digits"},
      {"(?<n>a)", "a group of an unknown kind"}};
  for (const auto& [pattern, reason] : faults) {
    const auto& shown_pattern = pattern;  // Clang 14 captures no structured binding.
    CAPTURE(shown_pattern);
    // GNU's std::regex lets these two pass, against ECMAScript's grammar.
    if (pattern != "a**" && pattern != "\\q") {
      CHECK_THROWS_AS(std::regex{pattern}, std::regex_error);
    }
    CHECK_THROWS_WITH_AS(
        Pattern(pattern, "select"),
        doctest::Contains(("expected ECMAScript regular expressions for select, found '" + pattern +
                           "' (" + reason)
                              .c_str()),
        ArgumentError);
  }
}

TEST_CASE("what std::regex can but patterns can't is refused, not misread") {
  CHECK_THROWS_WITH_AS(Pattern("(a)\\1", "select"),
                       doctest::Contains("a reference back to a group"), ArgumentError);
  CHECK_THROWS_WITH_AS(Pattern("(((a{200}){200}){200}){200}", "select"),
                       doctest::Contains("more repetitions than 20000 steps hold"), ArgumentError);
  CHECK_THROWS_WITH_AS(Pattern(std::string(300, '(') + std::string(300, ')'), "select"),
                       doctest::Contains("groups more than 200 deep"), ArgumentError);
}

TEST_CASE(
    "hundreds of alternatives, and expressions that make others take for ever, are no trouble") {
  std::string names;
  for (int i = 0; i < 1000; ++i) names += "layer" + std::to_string(i) + "_weight|";
  names += "last";
  CHECK(Pattern(names, "select").begins("layer777_weight"));
  CHECK_FALSE(Pattern(names, "select").begins("layer_weight"));

  CHECK_FALSE(Pattern("(a|aa|a*)*b", "select").is_in(std::string(2000, 'a')));
  CHECK(Pattern(".*x", "select").is_in(std::string(100000, 'a') + "x"));
}
