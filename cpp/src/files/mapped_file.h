#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "files/file_descriptor.h"

namespace glueball {

/// Opens a file that can be read to its end: no folder, pipe or device.
///
/// @throws FileAccessError if it cannot be opened, or is not a regular file; ArgumentError if the
/// name holds a zero byte.
FileDescriptor open_to_read(const std::string& path);

/// A file's bytes as memory. Private: writing into them never reaches the file.
class MappedFile {
 public:
  /// @throws as open_to_read().
  static std::shared_ptr<const MappedFile> open(const std::string& path);

  /// Maps what open_to_read() has opened, which may be closed then; `path` is for messages.
  ///
  /// @throws FileAccessError if it cannot be mapped.
  static std::shared_ptr<const MappedFile> map(int descriptor, const std::string& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const void* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  MappedFile() = default;

  void* data_ = nullptr;  // null for an empty file, which cannot be mapped
  std::size_t bytes_ = 0;
};

}  // namespace glueball
