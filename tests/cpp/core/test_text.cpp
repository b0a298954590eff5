#include "core/text.h"

#include <doctest/doctest.h>

#include <string>

using namespace glueball;

TEST_CASE("UTF-8 is what RFC 3629 says") {
  for (const char* const good : {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                 "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  // Overlong forms, surrogates, numbers that are too large, and sequences that begin or end
  // wrongly.
  for (const char* const bad :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xC2", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xE2\x28\xA1", "\xF0\x90\x80",
        "\xFF"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("names in messages stay on one line, are UTF-8 and of bounded length") {
  CHECK(quoted("0.weight") == "'0.weight'");
  CHECK(quoted("größe") == "'größe'");
  CHECK(quoted(std::string("a\nb\0c\xFF", 6)) == "'a\\x0ab\\x00c\\xff'");

  std::string longest;
  for (int i = 0; i < 100000; ++i) longest += "ä";
  const std::string shown = quoted("x" + longest);
  CHECK(shown.size() < 300);
  CHECK(is_utf8(shown));
  CHECK(shown.find("...") != std::string::npos);
}
