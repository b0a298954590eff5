#include "glueball/buffer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "core/single_thread.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace glueball {
namespace {

constexpr std::size_t alignment = 64;
// The block's own bookkeeping sits in front of its data, in the same allocation.
constexpr std::size_t header_bytes = alignment;

// A sanitizer must see every block go back, or it can't tell a use after the last release.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool caching = false;
#else
constexpr bool caching = true;
#endif

/// Says how much was asked for; arrives in Python as a MemoryError.
class AllocationError : public std::bad_alloc {
 public:
  explicit AllocationError(std::size_t bytes)
      : text_("expected memory for an array of " + std::to_string(bytes) +
              " bytes, found less; use a smaller one") {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

/// Free blocks of one thread by size, eight sizes to a doubling: nearly equal requests share, and
/// no block is more than an eighth larger than what was asked for.
///
/// Blocks over `largest` bypass the cache, and no thread keeps more than `capacity` bytes.
class BlockCache {
 public:
  static constexpr std::size_t largest = std::size_t{64} << 20;
  static constexpr std::size_t capacity = std::size_t{256} << 20;

  ~BlockCache() {
    for (Block*& head : free_) {
      while (head != nullptr) std::free(std::exchange(head, head->next));
    }
    // A tensor that outlives the thread's cache (a static, say) goes straight to the system.
    closed_ = true;
  }

  void* take(std::size_t bytes) noexcept {
    if (closed_) return nullptr;
    Block*& head = free_[bucket(bytes)];
    if (head == nullptr) return nullptr;
    held_ -= bytes;
    return std::exchange(head, head->next);
  }

  bool give(void* memory, std::size_t bytes) noexcept {
    if (closed_ || bytes > largest || held_ + bytes > capacity) return false;
    Block*& head = free_[bucket(bytes)];
    head = new (memory) Block{head};
    held_ += bytes;
    return true;
  }

 private:
  struct Block {
    Block* next;
  };
  /// The list for a size that `rounded` gave: its power of two, and which eighth above that.
  static std::size_t bucket(std::size_t bytes) noexcept {
    const auto power = static_cast<std::size_t>(std::bit_width((bytes - 1) | alignment)) - 1;
    return power * 8 + (((bytes - 1) >> (power - 3)) & 7);
  }

  std::array<Block*, 64 * 8> free_{};
  std::size_t held_ = 0;
  bool closed_ = false;
};

thread_local BlockCache block_cache;

#ifdef __linux__
constexpr std::size_t huge_page = std::size_t{2} << 20;

/// Asks for one page fault every 2 MiB instead of every 4 KiB: faults take most of the time of the
/// first fill of a large array.
void prefer_huge_pages(void* memory, std::size_t bytes) noexcept {
  // Advice: without huge pages the memory is as good, and slower at first.
  static_cast<void>(::madvise(memory, bytes / huge_page * huge_page, MADV_HUGEPAGE));
}

/// `bytes`, whole pages, of zeros that begin at a huge page; null if there is no memory. munmap
/// gives them back.
void* map_block(std::size_t bytes) noexcept {
  void* mapped = ::mmap(nullptr, bytes + huge_page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::size_t skipped =
      (huge_page - reinterpret_cast<std::uintptr_t>(begin) % huge_page) % huge_page;
  if (skipped != 0) ::munmap(begin, skipped);
  ::munmap(begin + skipped + bytes, huge_page - skipped);
  prefer_huge_pages(begin + skipped, bytes);
  return begin + skipped;
}
#endif

/// At least two lines, so that no two sizes share a list of the cache.
std::size_t rounded(std::size_t bytes) noexcept {
  bytes = std::max(bytes, 2 * alignment);
  const std::size_t step = std::max(alignment, std::bit_floor(bytes - 1) / 8);
  return (bytes + step - 1) / step * step;
}

/// The size of the block for an array of so many bytes.
std::size_t block_bytes(std::size_t bytes) noexcept {
  return rounded(header_bytes + std::max<std::size_t>(bytes, 1));
}

/// Whether blocks of this size are mapped for themselves, and so are zeros at first.
constexpr bool is_mapped(std::size_t bytes) noexcept {
#ifdef __linux__
  return caching && bytes > BlockCache::largest;
#else
  static_cast<void>(bytes);
  return false;
#endif
}

void* system_block(std::size_t bytes) noexcept {
#ifdef __linux__
  if (is_mapped(bytes)) return map_block(bytes);
  if (bytes >= 2 * huge_page) {
    void* memory = std::aligned_alloc(huge_page, (bytes + huge_page - 1) / huge_page * huge_page);
    if (memory != nullptr) prefer_huge_pages(memory, bytes);
    return memory;
  }
#endif
  return std::aligned_alloc(alignment, bytes);
}

void* allocate_block(std::size_t bytes) {
  if constexpr (caching) {
    if (bytes <= BlockCache::largest) {
      if (void* memory = block_cache.take(bytes)) return memory;
    }
  }
  void* memory = system_block(bytes);
  if (memory == nullptr) throw AllocationError(bytes);
  return memory;
}

void free_block(void* memory, std::size_t bytes) noexcept {
  if constexpr (caching) {
    if (block_cache.give(memory, bytes)) return;
  }
#ifdef __linux__
  if (is_mapped(bytes)) {
    ::munmap(memory, bytes);
    return;
  }
#endif
  std::free(memory);
}

}  // namespace

Buffer* Buffer::allocate(std::size_t bytes) {
  static_assert(sizeof(Buffer) <= header_bytes);
  if (bytes > std::numeric_limits<std::size_t>::max() / 4) throw AllocationError(bytes);
  const std::size_t whole = block_bytes(bytes);
  void* memory = allocate_block(whole);
  auto* buffer = new (memory) Buffer();
  buffer->data_ = static_cast<std::byte*>(memory) + header_bytes;
  buffer->bytes_ = whole;
  return buffer;
}

Buffer* Buffer::lend(void* data, void* owner, Release release) {
  const std::size_t whole = rounded(header_bytes);
  auto* buffer = new (allocate_block(whole)) Buffer();
  buffer->data_ = data;
  buffer->owner_ = owner;
  buffer->release_ = release;
  buffer->bytes_ = whole;
  return buffer;
}

void Buffer::retain() noexcept {
  if (is_single_threaded()) {
    ++references_;
    return;
  }
  // Not relaxed: Parameter::data() looks, after it, whether somebody relies on a count of one.
  std::atomic_ref<std::int64_t>(references_).fetch_add(1, std::memory_order_seq_cst);
}

void Buffer::release() noexcept {
  // The holder of the only reference need not take it away: nobody else can look at the count.
  if (use_count() != 1) {
    if (is_single_threaded()) {
      --references_;
      return;
    }
    std::atomic_ref<std::int64_t> references(references_);
    if (references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  }
  if (release_ != nullptr) release_(owner_);
  const std::size_t bytes = bytes_;
  this->~Buffer();
  free_block(this, bytes);
}

std::int64_t Buffer::use_count() const noexcept {
  // atomic_ref of a const object arrives in C++26 only.
  auto& references = const_cast<std::int64_t&>(references_);
  // Not acquire: PackedWeights::make() says that it relies on a count of one, and then looks; an
  // acquire may come before what is stored ahead of it.
  return std::atomic_ref<std::int64_t>(references).load(std::memory_order_seq_cst);
}

bool Buffer::allocates_zeros(std::size_t bytes) noexcept { return is_mapped(block_bytes(bytes)); }

}  // namespace glueball
