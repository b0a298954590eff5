#include "glueball/error.h"

namespace glueball {

Error::Error(const Explanation& explanation)
    : std::runtime_error("expected " + explanation.expected + ", found " + explanation.found +
                         "; " + explanation.remedy) {}

// The texts below begin as Gluon's do, word for word: programs and readers look for them.

ShapeError::ShapeError(const std::string& name, const std::string& given,
                       const std::string& present)
    : Error("Expected shape " + given + " is incompatible with given shape " + present +
            ". (Parameter '" + name + "' has shape " + present +
            "; pass a shape whose known axes are equal, or make the layer anew.)") {}

UninitializedError::UninitializedError(const std::string& parameter)
    : Error("Parameter '" + parameter +
            "' has not been initialized. Note that you should initialize parameters and create "
            "Trainer with Block.collect_params() instead of Block.params because the later does "
            "not include Parameters of nested child Blocks") {}

DeferredInitializationError::DeferredInitializationError(const std::string& parameter)
    : Error("Parameter '" + parameter +
            "' has not been initialized yet because initialization was deferred. Actual "
            "initialization happens during the first forward pass. Please pass one batch of data "
            "through the network before accessing Parameters. You can also avoid deferred "
            "initialization by specifying in_units, num_features, etc., for network layers.") {}

NoGradientError::NoGradientError(const std::string& parameter)
    : Error("Cannot get gradient array for Parameter '" + parameter + "' because grad_req='null'") {
}

}  // namespace glueball
