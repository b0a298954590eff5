// Takes the place of the C library's allocator, counts, and hands over to it.
#include "count_allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#ifndef __GLIBC__
#error "expected the GNU C library, whose allocator can be called by other names"
#endif

namespace {
std::atomic<std::int64_t> count{0};
}

std::int64_t allocations() noexcept { return count.load(); }

extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t number, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

// `new` calls malloc.
void* malloc(std::size_t bytes) noexcept {
  ++count;
  return __libc_malloc(bytes);
}

void* calloc(std::size_t number, std::size_t bytes) noexcept {
  ++count;
  return __libc_calloc(number, bytes);
}

void* realloc(void* memory, std::size_t bytes) noexcept {
  ++count;
  return __libc_realloc(memory, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  ++count;
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) noexcept {
  ++count;
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
}
