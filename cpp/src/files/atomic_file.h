#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "files/file_descriptor.h"

namespace glueball {

/// Writes a file that is never seen half written: under another name beside it, then renamed.
///
/// When commit() returns, all of the new file is on the disk. A process killed before that leaves
/// the old file untouched, and perhaps what it wrote under the other name, which begins with a dot
/// and ends in ".tmp". Without commit() the destructor removes that.
///
/// The file gets the permissions that open() would give a new one, or those of the file that it
/// replaces. Through a symbolic link, the file that it points to is replaced, not the link.
class AtomicFile {
 public:
  /// @throws FileAccessError if the folder or the file may not be written, or something other than
  /// a regular file has that name; ArgumentError if the name is empty or holds a zero byte.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. @throws FileAccessError if the disk is full, and for every other fault.
  void write(const void* data, std::size_t bytes);

  /// Makes everything written durable, and gives the file its name.
  ///
  /// @throws FileAccessError; the old file is still there, unless only the folder's fsync failed.
  void commit();

  /// Removes what was written, as the destructor does; does nothing after commit().
  void discard() noexcept;

  /// For writing by other means; stays open as long as this lives.
  int descriptor() const noexcept { return file_.number(); }

 private:
  void flush();
  [[noreturn]] void fail(int code) const;

  std::string path_;       // as the caller named it, for messages
  std::string target_;     // where symbolic links lead
  std::string temporary_;  // empty when there is nothing to remove
  FileDescriptor file_;
  std::string pending_;  // small pieces, until they make a large one
};

}  // namespace glueball
