#pragma once

#include <vector>

#include "kernels/table.h"

namespace glueball::kernels {

/// The kernel sets that this library was built with and this processor can run, best first.
std::vector<const KernelSet*> runnable();

}  // namespace glueball::kernels
