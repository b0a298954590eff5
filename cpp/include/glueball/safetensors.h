#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "glueball/export.h"
#include "glueball/stored_array.h"

namespace glueball {

/// Reads a `.safetensors` file: https://huggingface.co/docs/safetensors, version 0.8.
///
/// The file is mapped, not read: its arrays are views that keep the mapping alive, and pages come
/// in as they are touched. Everything the header says is checked before anything is handed out, by
/// the rules of the `safetensors` package and a few more (docs/files.md lists them). A mapped file
/// must not be shortened by others: the system kills a process that reads what is gone.
///
/// An entry of the metadata whose value is the name of an array, and whose key is not, gives that
/// array another name: it is found among `aliases`.
///
/// @throws FileAccessError if it cannot be opened, FileFormatError naming the file and what is
/// wrong with it.
GLUEBALL_API StoredArrays read_safetensors(const std::string& path);

/// As above, for a file that is in memory: embedded in a program, or received.
///
/// `owner` keeps the bytes alive; it may be null if they outlive every array. `name` is what
/// messages call the file.
GLUEBALL_API StoredArrays parse_safetensors(const void* data, std::size_t bytes,
                                            std::shared_ptr<const void> owner,
                                            const std::string& name);

/// Writes a `.safetensors` file, at once or not at all (see docs/files.md).
///
/// The same contents give the same bytes: arrays are sorted as the `safetensors` package sorts
/// them, larger elements first, then by name; metadata and aliases by key.
///
/// @throws ArgumentError if names repeat, are not UTF-8 or are "__metadata__", an alias is of no
/// array, or the header would be larger than readers allow; FileAccessError if writing fails.
GLUEBALL_API void write_safetensors(const std::string& path, const StoredArrays& contents);

}  // namespace glueball
