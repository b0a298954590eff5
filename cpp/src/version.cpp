#include "glueball/version.h"

#include "kernels/table.h"

namespace glueball {

const char* version() noexcept { return GLUEBALL_VERSION; }

const char* instruction_set() { return kernels::active().name; }

}  // namespace glueball
