// The test program's entry point; every other file here only adds test cases.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

// What CTest is told to take as "skipped".
constexpr int skipped = 77;

// Asks the processor itself and not the library, whose answer is under test.
bool can_run(std::string_view isa) {
#if defined(__x86_64__)
  if (isa == "v2") return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  if (isa == "v3") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == "v4") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  }
#endif
  return isa == "baseline";
}

}  // namespace

#ifdef __SANITIZE_THREAD__
// Numbers that one thread writes while another reads them may be torn, as docs/threads.md says: not
// for the sanitizer to report where arrays' numbers are computed and copied. All else is.
extern "C" const char* __tsan_default_suppressions() {
  return "race:glueball::kernels::\n"
         "race:glueball::Tensor::copy_from\n"
         "race:glueball::Normalisation::backward\n"
         "race:glueball::BatchNorm::find_moments\n"
         "race:glueball::BatchNorm::finish_forward\n"
         "race:World::check\n";
}
#endif

int main(int argc, char** argv) {
  const char* isa = std::getenv("GLUEBALL_ISA");
  if (isa != nullptr && !can_run(isa)) {
    std::printf("skipped: this processor does not run %s\n", isa);
    return skipped;
  }
  doctest::Context context(argc, argv);
  return context.run();
}
