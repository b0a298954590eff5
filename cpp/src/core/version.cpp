#include "glueball/version.h"

#include <Eigen/Version>

#include "core/dispatch.h"

namespace glueball {

const char* version() noexcept { return GLUEBALL_VERSION; }

const char* eigen_version() noexcept { return EIGEN_VERSION_STRING; }

const char* instruction_set() { return kernels::active().name; }

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const kernels::KernelSet* set : kernels::runnable()) names.emplace_back(set->name);
  return names;
}

}  // namespace glueball
