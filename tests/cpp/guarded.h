#pragma once

// Arrays beside pages that nobody may touch: an access beyond their ends stops the program, also
// one by an instruction that sanitizers don't see, as a masked load.

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

namespace glueball::test {

/// Which end of an array is beside such a page.
enum class Guard { before, behind };

/// Room for arrays of up to `capacity` elements between two such pages.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::size_t capacity)
      : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
        inside_((capacity * sizeof(T) + page_ - 1) / page_ * page_),
        map_(::mmap(nullptr, inside_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(map_ != MAP_FAILED);
    REQUIRE(::mprotect(first(), inside_, PROT_READ | PROT_WRITE) == 0);
  }
  ~Guarded() { ::munmap(map_, inside_ + 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  /// An array of `count` elements.
  T* array(std::size_t count, Guard guard) const {
    REQUIRE(count * sizeof(T) <= inside_);
    std::byte* const at = guard == Guard::before ? first() : first() + inside_ - count * sizeof(T);
    return reinterpret_cast<T*>(at);
  }

 private:
  std::byte* first() const { return static_cast<std::byte*>(map_) + page_; }

  std::size_t page_;
  std::size_t inside_;
  void* map_;
};

}  // namespace glueball::test
