#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "glueball/error.h"

namespace glueball::testing {

/// Bytes that are not a file of some format, and words that say what is wrong with them.
struct Malformed {
  const char* fault;
  std::string bytes;
};

/// Checks that `parse` refuses each case, and that the message names the file and the fault.
template <class Parse>
void check_refused(const std::vector<Malformed>& cases, const std::string& file, Parse parse) {
  for (const Malformed& each : cases) {
    CAPTURE(each.fault);
    try {
      parse(each.bytes);
      FAIL_CHECK("no error");
    } catch (const FileFormatError& error) {
      const std::string text = error.what();
      CAPTURE(text);
      CHECK(text.find("as '" + file + "', found ") != std::string::npos);
      CHECK(text.find(each.fault) != std::string::npos);
    }
  }
}

/// Checks that `parse` takes a file, and refuses what is left of it when its end is cut off
/// anywhere.
template <class Parse>
void check_refused_when_cut_off(const std::string& whole, Parse parse) {
  CHECK_NOTHROW(parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(parse(whole.substr(0, size)), FileFormatError);
  }
}

}  // namespace glueball::testing
