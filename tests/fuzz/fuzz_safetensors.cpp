// libFuzzer target: whatever the bytes, read_safetensors() refuses them or hands out views inside
// them.

#include "glueball/safetensors.h"
#include "touch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  glueball::fuzz::touch([&] { return glueball::parse_safetensors(data, bytes, nullptr, "input"); });
  return 0;
}
