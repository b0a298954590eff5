#include "glueball/error.h"

#include <cerrno>
#include <system_error>

#include "core/text.h"

namespace glueball {
namespace {

const char* remedy_for(int code, const std::string& purpose) {
  switch (code) {
    case ENOENT:
      return purpose == "to read" ? "correct the path"
                                  : "correct the path, or make the folder first";
    case EACCES:
    case EPERM:
    case EROFS:
      return "change the permissions, or choose another place";
    case EISDIR:
      return "give the name of a file in it";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space, or choose another place";
    default:
      return "choose another file or place";
  }
}

}  // namespace

Error::Error(const Explanation& explanation)
    : std::runtime_error("expected " + explanation.expected + ", found " + explanation.found +
                         "; " + explanation.remedy) {}

// The texts below begin as Gluon's do, word for word: programs and readers look for them.

ShapeError::ShapeError(const std::string& name, const std::string& given,
                       const std::string& present)
    : Error("Expected shape " + given + " is incompatible with given shape " + present +
            ". (Parameter '" + name + "' has shape " + present +
            "; pass a shape whose known axes are equal, or make a new layer.)") {}

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

FileAccessError::FileAccessError(const std::string& purpose, const std::string& path, int code,
                                 const std::string& remedy)
    : Error(Explanation{purpose + " " + quoted(path),
                        "\"" + std::error_code(code, std::generic_category()).message() + "\"",
                        remedy.empty() ? remedy_for(code, purpose) : remedy}),
      path_(path),
      code_(code) {}

}  // namespace glueball
