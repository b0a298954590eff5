#include "files/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "glueball/error.h"

namespace glueball {
namespace {

constexpr std::size_t pending_bytes = std::size_t{1} << 16;
constexpr int most_links = 40;  // as many as Linux follows

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

/// The file that symbolic links lead to, even if it does not exist yet. Renaming over `path` itself
/// would replace the link.
std::string link_target(const std::string& path) {
  std::string target = path;
  for (int followed = 0; followed < most_links; ++followed) {
    std::string link(4096, '\0');
    const ssize_t length = ::readlink(target.c_str(), link.data(), link.size());
    if (length <= 0) return target;  // not a link, or nothing there
    link.resize(static_cast<std::size_t>(length));
    target = link.front() == '/' ? link : folder_of(target).append(link);
  }
  throw FileAccessError("to write", path, ELOOP);
}

/// A name beside `target` that no other thread or process uses, and no longer than names may be.
std::string temporary_beside(const std::string& target) {
  static std::atomic<unsigned> counter{0};
  const std::string folder = folder_of(target);
  const std::string suffix =
      "." + std::to_string(::getpid()) + "." + std::to_string(++counter) + ".tmp";
  constexpr std::size_t longest_name = 255;
  std::string name = "." + target.substr(folder.size());
  name.resize(std::min(name.size(), longest_name - suffix.size()));
  return folder + name + suffix;
}

/// errno of the first write that failed, or 0.
int write_all(int descriptor, const char* data, std::size_t bytes) noexcept {
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor, data, bytes);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    data += written;
    bytes -= static_cast<std::size_t>(written);
  }
  return 0;
}

/// errno, or 0 once everything written is on the disk.
int sync(int descriptor) noexcept {
#ifdef F_FULLFSYNC  // macOS: fsync leaves data in the disk's own cache
  if (::fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
#endif
  while (::fsync(descriptor) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  check_path(path);
  if (path.empty()) fail(ENOENT);
  target_ = link_target(path);

  mode_t mode = 0666;  // less the umask, as for every new file
  struct stat old{};
  const bool replaces = ::stat(target_.c_str(), &old) == 0;
  if (replaces) {
    if (S_ISDIR(old.st_mode)) fail(EISDIR);
    // Renaming over a device or a pipe would remove it.
    if (!S_ISREG(old.st_mode)) fail(EINVAL);
    // Renaming needs no permission on the file itself, but its owner protected it for a reason.
    if (::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0) fail(errno);
    mode = old.st_mode & 0777;
  } else if (errno != ENOENT || target_.back() == '/') {
    fail(errno == ENOENT ? EISDIR : errno);
  }

  std::string temporary;
  int fault = 0;
  do {  // a file of that name may be left from a process that was killed
    temporary = temporary_beside(target_);
    const int opened =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    fault = opened < 0 ? errno : 0;
    file_ = FileDescriptor(opened);
  } while (fault == EEXIST);
  if (fault != 0) fail(fault);
  temporary_ = std::move(temporary);
  if (replaces) {
    // Owner first: changing it may clear bits of the mode. Only root may, and only root needs to.
    if (old.st_uid != ::geteuid() || old.st_gid != ::getegid()) {
      static_cast<void>(::fchown(file_.number(), old.st_uid, old.st_gid));
    }
    if (::fchmod(file_.number(), mode) != 0) {
      const int code = errno;
      ::unlink(temporary_.c_str());
      fail(code);
    }
  }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::fail(int code) const { throw FileAccessError("to write", path_, code); }

void AtomicFile::write(const void* data, std::size_t bytes) {
  const auto* const piece = static_cast<const char*>(data);
  if (pending_.size() + bytes <= pending_bytes) {
    pending_.append(piece, bytes);
    return;
  }
  flush();
  if (const int code = write_all(file_.number(), piece, bytes); code != 0) fail(code);
}

void AtomicFile::flush() {
  const std::string piece = std::exchange(pending_, {});
  if (const int code = write_all(file_.number(), piece.data(), piece.size()); code != 0) fail(code);
}

void AtomicFile::commit() {
  flush();
  if (const int code = sync(file_.number()); code != 0) fail(code);
  const std::string folder = folder_of(target_);  // here: memory may run out
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporary_.clear();

  // The name is durable only when the folder is.
  const FileDescriptor opened(
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A folder that may be written but not read cannot be opened: its entry is left to the journal.
  if (!opened.is_open()) return;
  const int code = sync(opened.number());
  if (code != 0 && code != EINVAL && code != ENOTSUP) {  // those say: not on this kind of disk
    throw FileAccessError("to make the new name durable of", path_, code,
                          "the new file is there, but may not outlive a loss of power");
  }
}

}  // namespace glueball
