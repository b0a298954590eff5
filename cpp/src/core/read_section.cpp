#include "core/read_section.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "core/mutex.h"

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace glueball::detail {

constinit thread_local ReaderSlot* own_slot = nullptr;
constinit std::atomic<std::uint64_t> epoch{1};
constinit std::atomic<bool> any_retired{false};
constinit std::atomic<bool> readers_fence{true};

void fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

namespace {

struct Retired {
  const void* object;
  Destroy destroy;
  std::uint64_t epoch;
};

struct Registry {
  Mutex<Rank::retired> mutex;
  ReaderSlot* slots = nullptr;
  std::vector<Retired> retired;
};

/// Never destroyed: threads may end after the program's statics are gone. In memory that is there,
/// since retire() can't fail.
Registry& registry() noexcept {
  alignas(Registry) constinit static std::byte memory[sizeof(Registry)]{};
  static auto* const all = new (memory) Registry;
  return *all;
}

#ifdef __linux__
bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }
#endif

/// Whether retire() can put a fence into every other thread, so that sections need none.
bool can_fence_others() noexcept {
#if defined(__linux__) && !defined(__SANITIZE_THREAD__)
  return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
#else
  return false;
#endif
}

/// False if other threads' loads may have passed their stores.
bool fence_others() noexcept {
  fence();
  if (readers_fence.load(std::memory_order_relaxed)) return true;
#ifdef __linux__
  return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) ||
         (can_fence_others() && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
#else
  return false;
#endif
}

/// Gives a thread's slot to the next one that starts.
struct Returner {
  ~Returner() {
    const std::lock_guard lock(registry().mutex);
    own_slot->taken = false;
    own_slot = nullptr;
  }
};

}  // namespace

ReaderSlot& register_reader() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (all.slots == nullptr && can_fence_others()) readers_fence.store(false);
  ReaderSlot* slot = all.slots;
  while (slot != nullptr && slot->taken) slot = slot->next;
  if (slot == nullptr) {
    slot = new ReaderSlot;
    slot->next = std::exchange(all.slots, slot);
  }
  slot->taken = true;
  own_slot = slot;
  static thread_local Returner returner;
  return *slot;
}

void destroy_unread() noexcept {
  Registry& all = registry();
  std::vector<Retired> unread;
  {
    const std::lock_guard lock(all.mutex);
    if (all.retired.empty() || !fence_others()) return;
    std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
    for (const ReaderSlot* slot = all.slots; slot != nullptr; slot = slot->next) {
      const std::uint64_t since = slot->since.load(std::memory_order_acquire);
      if (since != 0) oldest = std::min(oldest, since);
    }
    const auto is_read = [oldest](const Retired& each) { return each.epoch >= oldest; };
    // NOLINTNEXTLINE(modernize-use-ranges): Clang 14 cannot compile libstdc++'s.
    const auto past_read = std::partition(all.retired.begin(), all.retired.end(), is_read);
    try {
      unread.assign(past_read, all.retired.end());
    } catch (const std::bad_alloc&) {
      return;  // they wait for the next section's end
    }
    all.retired.erase(past_read, all.retired.end());
    any_retired.store(!all.retired.empty(), std::memory_order_relaxed);
  }
  for (const Retired& each : unread) each.destroy(each.object);
}

void retire(const void* object, Destroy destroy) noexcept {
  {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    // Sections that begin from here on can't find the object.
    const std::uint64_t last = epoch.fetch_add(1, std::memory_order_acq_rel);
    try {
      all.retired.push_back({object, destroy, last});
    } catch (const std::bad_alloc&) {
      return;  // lost, which nobody who still reads it will notice
    }
    any_retired.store(true, std::memory_order_relaxed);
  }
  destroy_unread();
}

}  // namespace glueball::detail
