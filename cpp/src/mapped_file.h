#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace glueball {

/// A file's bytes as memory. Private: writing into them never reaches the file.
class MappedFile {
 public:
  /// @throws FileAccessError if it cannot be opened, or is no regular file; ArgumentError if the
  /// name holds a zero byte.
  static std::shared_ptr<const MappedFile> open(const std::string& path);

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
