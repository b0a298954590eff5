#pragma once

// One-file models as a whole: docs/model-format.md. Internal: not installed.

#include <string>

#include "files/json.h"
#include "glueball/stored_array.h"

namespace glueball {

/// Where a file's metadata have the architecture.
inline constexpr const char* model_key = "glueball.model";
/// How deep chains may nest: deeper ones are an attack or a mistake. JSON's own bound is higher.
inline constexpr int max_model_nesting = 24;

/// Checks all that the file says about its model, without allocating parameters, and returns the
/// architecture. A file that passes can be loaded.
///
/// @throws FileFormatError, as load_model() does.
json::Value check_model(const StoredArrays& contents, const std::string& file);

/// Writes a model: its arrays, and the JSON text of its layers.
///
/// @throws FileFormatError if it could not be read again; as write_safetensors().
void write_model(const std::string& path, StoredArrays contents, const std::string& net);

}  // namespace glueball
