#include "files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <new>

#include "glueball/error.h"

namespace glueball {

namespace {

constexpr const char* purpose = "to read";

struct stat status_of(int descriptor, const std::string& path) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) throw FileAccessError(purpose, path, errno);
  return status;
}

}  // namespace

FileDescriptor open_to_read(const std::string& path) {
  check_path(path);
  // Not blocking: a pipe without a writer would hold us here.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) throw FileAccessError(purpose, path, errno);
  const mode_t mode = status_of(file.number(), path).st_mode;
  if (S_ISDIR(mode)) throw FileAccessError(purpose, path, EISDIR);
  if (!S_ISREG(mode)) {
    throw FileAccessError(purpose, path, ENODEV, "devices and pipes are not read: copy to a file");
  }
  return file;
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  return map(open_to_read(path).number(), path);
}

std::shared_ptr<const MappedFile> MappedFile::map(int descriptor, const std::string& path) {
  const auto bytes = static_cast<std::uint64_t>(status_of(descriptor, path).st_size);
  if (bytes > std::numeric_limits<std::size_t>::max()) throw FileAccessError(purpose, path, EFBIG);

  std::shared_ptr<MappedFile> mapped(new MappedFile());
  if (bytes == 0) return mapped;
  void* const data = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_NORESERVE, descriptor, 0);
  if (data == MAP_FAILED && errno == ENOMEM) throw std::bad_alloc();
  if (data == MAP_FAILED) throw FileAccessError(purpose, path, errno);
  mapped->data_ = data;
  mapped->bytes_ = static_cast<std::size_t>(bytes);
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace glueball
