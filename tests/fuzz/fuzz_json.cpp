// libFuzzer target: headers' JSON. What is read can be written, and then reads back as it was.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "files/json.h"

namespace {

using glueball::json::Value;

void write(std::string& out, const Value& value) {
  if (const auto* const text = std::get_if<std::string>(&value.content)) {
    glueball::json::append(out, *text);
  } else if (const auto* const number = std::get_if<double>(&value.content)) {
    glueball::json::append(out, *number);
  } else if (const auto* const truth = std::get_if<bool>(&value.content)) {
    out += *truth ? "true" : "false";
  } else if (const auto* const list = std::get_if<Value::Array>(&value.content)) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      write(out, (*list)[i]);
    }
    out += ']';
  } else if (const auto* const members = std::get_if<Value::Object>(&value.content)) {
    out += '{';
    for (std::size_t i = 0; i < members->size(); ++i) {
      if (i > 0) out += ',';
      glueball::json::append(out, (*members)[i].key);
      out += ':';
      write(out, (*members)[i].value);
    }
    out += '}';
  } else {
    out += "null";
  }
}

std::string rewritten(std::string_view text) {
  std::string out;
  write(out, glueball::json::parse(text));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  std::string once;
  try {
    once = rewritten({reinterpret_cast<const char*>(data), bytes});
  } catch (const glueball::json::SyntaxError&) {
    return 0;
  }
  if (rewritten(once) != once) std::abort();
  return 0;
}
