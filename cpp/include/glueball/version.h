#pragma once

#include <string>
#include <vector>

#include "glueball/export.h"

/// @file
/// Which glueball this is.

/// The version of the headers, "major.minor.patch".
#define GLUEBALL_VERSION "0.1.0"

namespace glueball {

/// The library's version, as compiled.
GLUEBALL_API const char* version() noexcept;

/// The version of Eigen that the library was compiled with: "5.0.1".
GLUEBALL_API const char* eigen_version() noexcept;

/// The instruction set whose kernels run: "v2", "v3" or "v4" of x86-64, or "baseline".
///
/// @throws ArgumentError if the environment variable GLUEBALL_ISA names one that cannot run here.
GLUEBALL_API const char* instruction_set();

/// The instruction sets that the library was built for and this processor has, best first: what
/// GLUEBALL_ISA may name.
GLUEBALL_API std::vector<std::string> instruction_sets();

}  // namespace glueball
