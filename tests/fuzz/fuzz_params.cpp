// libFuzzer target: whatever the bytes, read_params() refuses them or hands out views inside them.

#include "glueball/params.h"
#include "touch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  glueball::fuzz::touch([&] { return glueball::parse_params(data, bytes, nullptr, "input"); });
  return 0;
}
