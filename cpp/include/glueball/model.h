#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "glueball/export.h"
#include "glueball/sequential.h"

namespace glueball {

/// Makes a net of a one-file model: a `.safetensors` file of parameters whose metadata say which
/// layers they belong to. Python's `net.export()` writes such files, and so does save_model().
///
/// The net is ready to call, and to train on. Parameters are named as in the net that was saved,
/// ties are kept. A model that is a single layer becomes a chain of that layer.
/// docs/model-format.md describes the format.
///
/// Everything is checked, before memory is obtained for the parameters.
///
/// @throws FileAccessError if the file cannot be opened; FileFormatError, naming the file and the
/// fault, if it is damaged, holds no model, or one of a version or with a layer that this library
/// does not know.
GLUEBALL_API std::shared_ptr<Sequential> load_model(const std::string& path);

/// As load_model(), for a file that is in memory: embedded in a program, or received.
///
/// The bytes are needed during the call only. `name` is what messages call the file.
GLUEBALL_API std::shared_ptr<Sequential> parse_model(const void* data, std::size_t bytes,
                                                     const std::string& name);

/// Writes a net to a one-file model, which load_model() and Python's `glueball.load()` read.
///
/// The file is written at once or not at all. `path` ends in ".safetensors".
///
/// @throws ArgumentError if it does not; for a layer of a class of your own, which is named; if
/// parameters differ in dtype, or two have one name; for chains nested more than 24 deep.
/// UninitializedError, DeferredInitializationError if a parameter has no values yet;
/// FileAccessError if writing fails.
GLUEBALL_API void save_model(const Sequential& net, const std::string& path);

}  // namespace glueball
