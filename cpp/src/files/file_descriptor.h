#pragma once

#include <unistd.h>

#include <string>
#include <utility>

#include "core/refuse.h"
#include "core/text.h"
#include "glueball/error.h"

namespace glueball {

/// Closes what open() gave.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) noexcept : number_(number) {}
  ~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  int number() const noexcept { return number_; }
  bool is_open() const noexcept { return number_ >= 0; }
  /// Gives the number away: the caller closes it.
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

/// Refuses a name with a zero byte: the system would take the part before it for another file.
inline void check_path(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    refuse<ArgumentError>({"a file name without zero bytes"}, {quoted(path)}, {"correct it"});
  }
}

}  // namespace glueball
