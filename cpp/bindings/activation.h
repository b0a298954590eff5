#pragma once

#include <optional>
#include <string>

#include "glueball/activation.h"

namespace glueball::bindings {

/// The function of a name, identity for none; `alpha` replaces its usual parameter.
ActivationFunction to_activation(const std::optional<std::string>& name,
                                 std::optional<double> alpha);

}  // namespace glueball::bindings
