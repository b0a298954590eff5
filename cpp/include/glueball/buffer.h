#pragma once

#include <cstddef>
#include <cstdint>

#include "glueball/export.h"

namespace glueball {

/// A reference-counted block of memory: owned, or lent by an owner that is told when it is free.
///
/// Owned blocks are aligned to 64 bytes and come from a cache of this thread, so that a program
/// that asks for the same sizes again and again does not reach the system's allocator after the
/// first time.
class GLUEBALL_API Buffer {
 public:
  /// Called once, when the last reference to lent memory goes. Must not throw.
  using Release = void (*)(void* owner);

  /// A new block with undefined contents and one reference.
  static Buffer* allocate(std::size_t bytes);
  /// A block around memory of `owner`, with one reference.
  static Buffer* lend(void* data, void* owner, Release release);

  /// Whether a new block of so many bytes holds zeros, untouched memory of the system's, which take
  /// neither time nor memory until they are written.
  static bool allocates_zeros(std::size_t bytes) noexcept;

  /// Adds a reference. From any thread.
  void retain() noexcept;
  /// Takes a reference away; the block goes with the last. From any thread.
  void release() noexcept;

  /// The memory.
  void* data() const noexcept { return data_; }
  /// How many tensors and views refer to the block now.
  std::int64_t use_count() const noexcept;

  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

 private:
  Buffer() = default;
  ~Buffer() = default;

  void* data_ = nullptr;
  void* owner_ = nullptr;
  Release release_ = nullptr;
  std::size_t bytes_ = 0;
  std::int64_t references_ = 1;  // touched through atomic operations only, once there are threads
};

}  // namespace glueball
