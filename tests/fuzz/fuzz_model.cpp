// libFuzzer target: whatever the text of an architecture, check_model() refuses it, or it is one of
// the arrays that are there.

#include <cstdlib>
#include <string>

#include "glueball/error.h"
#include "kernels/table.h"
#include "model_layers.h"

// Nothing is computed here: without the kernels, which take minutes to compile, this links in
// seconds.
const glueball::kernels::KernelSet& glueball::kernels::active() { std::abort(); }

namespace {

glueball::StoredArrays make_contents() {
  using glueball::Tensor;
  glueball::StoredArrays contents;
  contents.arrays.emplace_back("0.weight", Tensor({2, 3}));
  contents.arrays.emplace_back("0.bias", Tensor({2}));
  contents.arrays.emplace_back("1.0.weight", Tensor({2, 2}));
  contents.aliases.emplace("1.0.bias", "0.bias");
  return contents;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const glueball::StoredArrays arrays = make_contents();
  glueball::StoredArrays contents = arrays;
  contents.metadata.emplace("glueball.model",
                            std::string(reinterpret_cast<const char*>(data), bytes));
  try {
    glueball::check_model(contents, "input");
  } catch (const glueball::FileFormatError&) {
    return 0;
  }
  return 0;
}
