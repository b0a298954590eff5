#include "core/pattern.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "glueball/error.h"

using glueball::ArgumentError;
using glueball::Pattern;

TEST_CASE("patterns over names match where Python's re does") {
  const std::vector<std::string> names = {"dense0_weight",
                                          "dense1_bias",
                                          "net_dense2_weight",
                                          "encoder.0.weight",
                                          "gamma",
                                          "batchnorm0_running_mean",
                                          "",
                                          "aaab",
                                          "x",
                                          "weight bias",
                                          "7 ."};
  struct Row {
    std::string pattern;
    std::string search;  ///< for each name, x where re.search finds the pattern in it
    std::string match;   ///< the same of re.match
  };
  const std::vector<Row> rows = {{R"(.*weight)", "x-xx-----x-", "x-xx-----x-"},
                                 {R"(dense0_.*|dense1_bias)", "xx---------", "xx---------"},
                                 {R"(^dense\d+_(weight|bias)$)", "xx---------", "xx---------"},
                                 {R"((?:net_)?dense[0-2]_\w+)", "xxx--------", "xxx--------"},
                                 {R"(bias$)", "-x-------x-", "-----------"},
                                 {R"(\bweight\b)", "---x-----x-", "---------x-"},
                                 {R"([^_]+_weight)", "x-x--------", "x----------"},
                                 {R"((?=.*weight)dense1)", "-----------", "-----------"},
                                 {R"(dense(?!0))", "-xx--------", "-x---------"},
                                 {R"(d.n?se{1,2})", "xxx--------", "xx---------"},
                                 {R"(gamma|beta|running_(mean|var))", "----xx-----", "----x------"},
                                 {R"(\.weight)", "---x-------", "-----------"},
                                 {R"()", "xxxxxxxxxxx", "xxxxxxxxxxx"},
                                 {R"(a||b)", "xxxxxxxxxxx", "xxxxxxxxxxx"},
                                 {R"((a|b|)+x)", "--------x--", "--------x--"},
                                 {R"((e|n)+?s)", "xxx--------", "-----------"},
                                 {R"((a*)*b)", "-x---x-x-x-", "-----x-x---"},
                                 {R"(\D\S\W)", "---x-----x-", "-----------"},
                                 {R"(\Bense)", "xxx--------", "-----------"}};
  for (const Row& row : rows) {
    const Pattern pattern(row.pattern, "test");
    for (std::size_t i = 0; i < names.size(); ++i) {
      CAPTURE(row.pattern);
      CAPTURE(names[i]);
      CHECK(pattern.is_in(names[i]) == (row.search[i] == 'x'));
      CHECK(pattern.begins(names[i]) == (row.match[i] == 'x'));
    }
  }
}

TEST_CASE("what is not a regular expression is refused, and named") {
  for (const std::string pattern : {"(", ")", "[a", "*a", "a{", "a{2,1}", "[z-a]", "[[:nothing:]]",
                                    "\\", "\\x0", "(?<n>a)", "(a)\\1"}) {
    CAPTURE(pattern);
    CHECK_THROWS_WITH_AS(
        Pattern(pattern, "select"),
        doctest::Contains(
            ("expected ECMAScript regular expressions for select, found '" + pattern + "' (")
                .c_str()),
        ArgumentError);
  }
}

TEST_CASE("expressions may be long, up to a bound") {
  std::string names;
  for (int i = 0; i < 500; ++i) names += "layer" + std::to_string(i) + "_weight|";
  names += "last";
  CHECK(Pattern(names, "select").begins("layer277_weight"));
  CHECK_FALSE(Pattern(names, "select").begins("layer_weight"));

  const std::size_t most = Pattern::max_length;
  CHECK(Pattern(std::string(most, 'a'), "select").is_in(std::string(most, 'a')));
  CHECK_THROWS_WITH_AS(Pattern(std::string(most + 1, 'a'), "select"),
                       "expected a regular expression of at most 10000 bytes for select, found one "
                       "of 10001; shorten it",
                       ArgumentError);
}

TEST_CASE("groups may be deep, up to a bound") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + std::string(depth, ')');
  };
  const std::size_t most = Pattern::max_nesting;
  CHECK(Pattern(nested(most), "select").is_in(""));
  CHECK(Pattern(R"(\()" + nested(most), "select").is_in("("));
  CHECK_THROWS_WITH_AS(Pattern(nested(most + 1), "select"),
                       "expected groups at most 250 deep for select, found groups 251 deep; write "
                       "it with fewer parentheses",
                       ArgumentError);
}

#ifdef __GLIBCXX__
TEST_CASE("long names, and expressions with many ways to a match, take no time and no stack") {
  CHECK_FALSE(Pattern("(a|aa|a*)*b", "select").is_in(std::string(2000, 'a')));
  CHECK(Pattern(".*x", "select").is_in(std::string(100000, 'a') + "x"));
}
#endif
