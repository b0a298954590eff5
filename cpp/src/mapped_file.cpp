#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <limits>

#include "file_descriptor.h"
#include "glueball/error.h"

namespace glueball {

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  check_path(path);
  const char* const purpose = "to read";
  // Not blocking, or a pipe that nobody writes to would hold us here.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) throw FileAccessError(purpose, path, errno);
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) throw FileAccessError(purpose, path, errno);
  if (S_ISDIR(status.st_mode)) throw FileAccessError(purpose, path, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    throw FileAccessError(purpose, path, ENODEV, "devices and pipes are not read: copy to a file");
  }
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (bytes > std::numeric_limits<std::size_t>::max()) throw FileAccessError(purpose, path, EFBIG);

  std::shared_ptr<MappedFile> mapped(new MappedFile());
  if (bytes == 0) return mapped;
  void* const data = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_NORESERVE, file.number(), 0);
  if (data == MAP_FAILED) throw FileAccessError(purpose, path, errno);
  mapped->data_ = data;
  mapped->bytes_ = static_cast<std::size_t>(bytes);
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace glueball
