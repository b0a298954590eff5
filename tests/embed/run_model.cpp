// Runs a net that Python exported: run_model NET X Y AGAIN reads the net and the array "x" in X,
// writes the output as "y" to Y, and the net once more to AGAIN.
#include <glueball/glueball.h>

#include <cstdio>
#include <memory>

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    const std::shared_ptr<glueball::Sequential> net = glueball::load_model(argv[1]);
    const glueball::StoredArrays inputs = glueball::read_safetensors(argv[2]);
    glueball::StoredArrays outputs;
    outputs.arrays.emplace_back("y", (*net)(inputs.find("x")->view()));
    glueball::write_safetensors(argv[3], outputs);
    glueball::save_model(*net, argv[4]);
  } catch (const glueball::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return 0;
}
