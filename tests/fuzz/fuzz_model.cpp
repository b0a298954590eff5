// libFuzzer target: whatever the text of an architecture, parse_model() refuses the file that it is
// in, or makes the net, of the arrays that are there.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "files/json.h"
#include "glueball/error.h"
#include "glueball/model.h"

namespace {

/// A file of three arrays, one of them under two names.
std::string file_with(std::string_view architecture) {
  std::string header = R"({"__metadata__":{"1.0.bias":"0.bias","glueball.model":)";
  glueball::json::append(header, architecture);
  header += R"(},"0.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
            R"("1.0.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[24,40]},)"
            R"("0.bias":{"dtype":"F32","shape":[2],"data_offsets":[40,48]}})";
  const std::uint64_t length = header.size();
  std::array<char, sizeof length> start;
  std::memcpy(start.data(), &length, sizeof length);
  return std::string(start.data(), start.size()) + header + std::string(48, '\0');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string file = file_with({reinterpret_cast<const char*>(data), bytes});
  try {
    const auto net = glueball::parse_model(file.data(), file.size(), "input");
    if (net == nullptr) std::abort();
  } catch (const glueball::FileFormatError&) {
    return 0;
  }
  return 0;
}
