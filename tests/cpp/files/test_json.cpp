#include "files/json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <variant>

using namespace glueball;

namespace {

std::string string_in(const std::string& text) {
  json::Reader reader(text);
  std::string value = reader.string();
  reader.finish();
  return value;
}

double number_in(const std::string& text) {
  json::Reader reader(text);
  const double value = reader.number();
  reader.finish();
  return value;
}

}  // namespace

TEST_CASE("a value of every kind is read") {
  const json::Value value = json::parse(
      " {\"a\" : [1, -2.5e1, true, false, null, \"x\", {}, []],\n\t\"b\":{\"c\":0}}\r\n");

  const auto& list = std::get<json::Value::Array>(value.find("a")->content);
  REQUIRE(list.size() == 8);
  CHECK(std::get<double>(list[0].content) == 1.0);
  CHECK(std::get<double>(list[1].content) == -25.0);
  CHECK(std::get<bool>(list[2].content));
  CHECK_FALSE(std::get<bool>(list[3].content));
  CHECK(std::holds_alternative<std::nullptr_t>(list[4].content));
  CHECK(std::get<std::string>(list[5].content) == "x");
  CHECK(std::get<json::Value::Object>(list[6].content).empty());
  CHECK(std::get<json::Value::Array>(list[7].content).empty());
  CHECK(std::get<double>(value.find("b")->find("c")->content) == 0.0);
  CHECK(value.find("nothing") == nullptr);
  CHECK(list[0].find("a") == nullptr);
}

TEST_CASE("escapes in strings are those of RFC 8259") {
  CHECK(string_in(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(string_in(R"("\u0041\u00e9\u20AC\ud83d\ude00")") == "Aé€😀");
  CHECK(string_in(R"("a\u0000b")") == std::string("a\0b", 3));
}

TEST_CASE("what is not JSON is refused") {
  const char* const malformed[] = {
      "",
      " ",
      "{",
      "}",
      "[",
      "]",
      "[1,]",
      "[,1]",
      "[1 2]",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{a:1}",
      "{1:2}",
      "{'a':1}",
      "tru",
      "True",
      "nul",
      "NaN",
      "Infinity",
      "+1",
      "01",
      "-",
      "-01",
      "1.",
      ".5",
      "1e",
      "1e+",
      "0x10",
      "\"",
      "\"a",
      "\"\\",
      "\"\\x\"",
      "\"\\u12\"",
      "\"\\u12g4\"",
      "\"\\ud800\"",
      "\"\\udc00\"",
      "\"\\ud800\\u0041\"",
      "\"\\ud800x\"",
      "\"\n\"",
      "\"\t\"",
      "1 1",
      "{} {}",
      "[1]x",
      "/**/1",
      "\xEF\xBB\xBF{}",
      "\"\xFF\"",
      "\xC0\x80",
      "1e999",
      "{\"a\":1,\"a\":2}",
  };
  for (const char* const text : malformed) {
    CAPTURE(text);
    CHECK_THROWS_AS(json::parse(text), json::SyntaxError);
  }
}

TEST_CASE("a fault is told with its place") {
  CHECK_THROWS_WITH(json::parse("[1, x]"), "no value where one should be (at byte 4)");
  CHECK_THROWS_WITH(json::parse("{\"k\":1,\"k\":1}"),
                    "the key 'k' twice in one object (at byte 11)");
}

TEST_CASE("depth and number of values are bounded") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK_NOTHROW(json::parse(nested(json::Reader::max_depth)));
  CHECK_THROWS_AS(json::parse(nested(json::Reader::max_depth + 1)), json::SyntaxError);
  CHECK_THROWS_AS(json::parse(std::string(1000000, '[')), json::SyntaxError);
  const std::string too_deep = nested(json::Reader::max_depth + 1);  // a Reader holds no copy
  json::Reader skipping(too_deep);
  CHECK_THROWS_AS(skipping.skip(), json::SyntaxError);

  CHECK_NOTHROW(json::parse("[1,2,3]", 4));
  CHECK_THROWS_AS(json::parse("[1,2,3,4]", 4), json::SyntaxError);
}

TEST_CASE("integers are read in full, and no other numbers") {
  const auto unsigned_in = [](const char* text) { return json::Reader(text).unsigned_integer(); };
  CHECK(unsigned_in("0") == 0);
  CHECK(unsigned_in("18446744073709551615") == 18446744073709551615ULL);
  for (const char* const other : {"18446744073709551616", "-1", "-0", "1.0", "1e3", "\"1\"", "x"}) {
    CAPTURE(other);
    CHECK_THROWS_AS(unsigned_in(other), json::SyntaxError);
  }
}

TEST_CASE("what is written reads back") {
  std::string every;
  for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
  for (const std::string& text : {std::string(), every, std::string("größe €😀")}) {
    std::string written;
    json::append(written, text);
    CHECK(string_in(written) == text);
  }
  for (const double value : {0.0, -0.0, 0.1, 1e300, 5e-324, 0.07, 3.0, -1.0 / 3}) {
    std::string written;
    json::append(written, value);
    CHECK(number_in(written) == value);
    CHECK(std::signbit(number_in(written)) == std::signbit(value));
  }
}

TEST_CASE("a control character is written as serde_json writes it") {
  std::string written;
  json::append(written, std::string_view("\x01\n\x1f\x7f/"));
  CHECK(written == "\"\\u0001\\n\\u001f\x7f/\"");
}
