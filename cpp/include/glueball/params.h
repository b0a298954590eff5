#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "glueball/export.h"
#include "glueball/stored_array.h"

namespace glueball {

/// Reads a file of Apache MXNet's arrays: what `mxnet.nd.save` and Gluon's `save_parameters` wrote.
///
/// Dense arrays of every version of MXNet are read (its formats V0 to V3), with names or as a list.
/// The file is mapped, and checked whole, as by read_safetensors().
///
/// @throws FileAccessError if it cannot be opened, FileFormatError naming the file and what is
/// wrong with it: sparse arrays, too.
GLUEBALL_API StoredArrays read_params(const std::string& path);

/// As above, for a file that is in memory; see parse_safetensors().
GLUEBALL_API StoredArrays parse_params(const void* data, std::size_t bytes,
                                       std::shared_ptr<const void> owner, const std::string& name);

/// Writes a file that MXNet 1.9.1 reads, at once or not at all.
///
/// Arrays are written in format V2; scalars and arrays without elements, which it cannot express,
/// in V3, which MXNet reads in NumPy mode. Aliases are written as arrays of their own. There is no
/// room for metadata.
///
/// @throws ArgumentError for a dtype that MXNet 1.9.1 does not read (it reads float16, float32,
/// float64, uint8, int8, int32, int64 and bool), names that repeat, are not UTF-8 or contain a zero
/// byte, and metadata; FileAccessError if writing fails.
GLUEBALL_API void write_params(const std::string& path, const StoredArrays& contents);

}  // namespace glueball
