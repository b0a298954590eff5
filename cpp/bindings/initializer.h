#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "glueball/initializer.h"

namespace glueball::bindings {

/// The initializer that `object` is, or null for None. @throws pybind11::cast_error for anything
/// else.
std::shared_ptr<const Initializer> to_initializer(pybind11::handle object);

}  // namespace glueball::bindings
