// Takes the place of `new`, and, by the linker's --wrap, of what the library calls in C.
#include "failing_allocations.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

namespace glueball::testing {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constinit std::atomic<std::int64_t> left{never};  // requests until one fails
constinit std::atomic<bool> fails_on{false};
constinit std::atomic<bool> failed{false};

bool fails() noexcept {
  if (left.load() == never) return false;
  const std::int64_t before = left.fetch_sub(1);
  const bool now = before == 0 || (before < 0 && fails_on.load());
  if (now) failed.store(true);
  return now;
}

}  // namespace

FailingAllocations::FailingAllocations(std::int64_t first, Failing which) {
  failed.store(false);
  fails_on.store(which == Failing::all_from);
  left.store(first);
}

FailingAllocations::~FailingAllocations() { left.store(never); }

bool FailingAllocations::has_failed() const { return failed.load(); }

}  // namespace glueball::testing

using glueball::testing::fails;

extern "C" {

void* __real_aligned_alloc(std::size_t alignment, std::size_t bytes);
void* __real_mmap(void* at, std::size_t bytes, int access, int flags, int file, off_t offset);

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return fails() ? nullptr : __real_aligned_alloc(alignment, bytes);
}

void* __wrap_mmap(void* at, std::size_t bytes, int access, int flags, int file, off_t offset) {
  if (fails()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return __real_mmap(at, bytes, access, flags, file, offset);
}
}

namespace {

void* obtain(std::size_t bytes, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
}

void* obtain(std::size_t bytes) {
  if (void* const memory = obtain(bytes, std::nothrow)) return memory;
  throw std::bad_alloc();
}

void* obtain(std::size_t bytes, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  const std::size_t whole = (bytes + step - 1) / step * step;
  if (void* const memory = fails() ? nullptr : __real_aligned_alloc(step, whole)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return obtain(bytes); }
void* operator new[](std::size_t bytes) { return obtain(bytes); }
void* operator new(std::size_t bytes, std::align_val_t to) { return obtain(bytes, to); }
void* operator new[](std::size_t bytes, std::align_val_t to) { return obtain(bytes, to); }
// The library's std::stable_sort asks in this way. ASan's own would give memory that free()
// refuses.
void* operator new(std::size_t bytes, const std::nothrow_t& no) noexcept {
  return obtain(bytes, no);
}
void* operator new[](std::size_t bytes, const std::nothrow_t& no) noexcept {
  return obtain(bytes, no);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
