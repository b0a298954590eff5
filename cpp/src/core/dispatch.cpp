#include "core/dispatch.h"

#include <cstdlib>
#include <string>
#include <string_view>

#include "glueball/error.h"

namespace glueball::kernels {

// Each is defined by kernels/table.cpp, compiled for that instruction set, where the build has it.
#define GLUEBALL_DECLARE(isa)    \
  namespace isa {                \
  const KernelSet& kernel_set(); \
  }
GLUEBALL_DECLARE(v1)
GLUEBALL_DECLARE(v2)
GLUEBALL_DECLARE(v3)
GLUEBALL_DECLARE(v4)
GLUEBALL_DECLARE(baseline)
#undef GLUEBALL_DECLARE

// The compiler's own tests of cpuid, which also ask whether the operating system saves the
// registers. GCC knows the levels by name. Clang 14 does not: there, by what no processor of a
// lower level has.
#ifdef __clang__
#define GLUEBALL_RUNS_V2 (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
#define GLUEBALL_RUNS_V3                                              \
  (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && \
   __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
#define GLUEBALL_RUNS_V4                                                                          \
  (GLUEBALL_RUNS_V3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
   __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&                    \
   __builtin_cpu_supports("avx512vl"))
#else
#define GLUEBALL_RUNS_V2 __builtin_cpu_supports("x86-64-v2")
#define GLUEBALL_RUNS_V3 __builtin_cpu_supports("x86-64-v3")
#define GLUEBALL_RUNS_V4 __builtin_cpu_supports("x86-64-v4")
#endif

std::vector<const KernelSet*> runnable() {
  std::vector<const KernelSet*> sets;
#if GLUEBALL_HAVE_V4
  if (GLUEBALL_RUNS_V4) sets.push_back(&v4::kernel_set());
#endif
#if GLUEBALL_HAVE_V3
  if (GLUEBALL_RUNS_V3) sets.push_back(&v3::kernel_set());
#endif
#if GLUEBALL_HAVE_V2
  if (GLUEBALL_RUNS_V2) sets.push_back(&v2::kernel_set());
#endif
#if GLUEBALL_HAVE_V1
  sets.push_back(&v1::kernel_set());
#endif
#if GLUEBALL_HAVE_BASELINE
  sets.push_back(&baseline::kernel_set());
#endif
  return sets;
}

namespace {

const KernelSet& choose() {
  const std::vector<const KernelSet*> sets = runnable();
  std::string names;
  for (const KernelSet* set : sets) names += (names.empty() ? "" : ", ") + std::string(set->name);

  if (sets.empty()) {
    throw ArgumentError(
        {.expected = "a processor with one of the instruction sets that glueball was built for",
         .found = "one with none of them",
         .remedy = "build with -DGLUEBALL_ISAS=baseline"});
  }
  const char* wanted = std::getenv("GLUEBALL_ISA");
  if (wanted == nullptr || *wanted == '\0') return *sets.front();
  for (const KernelSet* set : sets) {
    if (std::string_view(wanted) == set->name) return *set;
  }
  throw ArgumentError({.expected = "the environment variable GLUEBALL_ISA to be one of " + names +
                                   ", which this processor and this build have",
                       .found = "'" + std::string(wanted) + "'",
                       .remedy = "unset it, or choose one of those"});
}

}  // namespace

const KernelSet& active() {
  static const KernelSet& set = choose();
  return set;
}

}  // namespace glueball::kernels
