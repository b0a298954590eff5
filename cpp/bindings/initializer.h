#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>

#include "glueball/initializer.h"

namespace glueball::bindings {

/// The initializer that `object` is, kept alive, or null for None. @throws TypeError for anything
/// else.
///
/// `parameter`: the id() of the parameter whose plan gets it, so that Python's collector sees it.
std::shared_ptr<const Initializer> to_initializer(pybind11::handle object,
                                                  std::uint64_t parameter = 0);

/// Visits the Python initializers in a parameter's plan, as tp_traverse has it.
int traverse_plan(std::uint64_t parameter, visitproc visit, void* arg);

}  // namespace glueball::bindings
