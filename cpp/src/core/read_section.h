#pragma once

// How what one thread replaces stays alive for the others that still use it.
//
// A forward, a backward or a step reads arrays that another thread may replace meanwhile (cast,
// initialize, grad_req). To count a reference to each of them would take longer than a small net's
// arithmetic. So a run says once that it reads: a ReadSection. What replaces an object hands the
// former one to retire(), which destroys it when every section has ended that began before. (Known
// as epoch-based reclamation: K. Fraser, "Practical lock-freedom", 2004.)

#include <atomic>
#include <cstdint>
#include <memory>

namespace glueball {

namespace detail {

/// What a thread says of its sections.
struct ReaderSlot {
  std::atomic<std::uint64_t> since{0};  ///< The epoch at which the outermost one began; 0: none.
  std::uint32_t depth = 0;
  bool taken = true;
  ReaderSlot* next = nullptr;
};

extern constinit thread_local ReaderSlot* own_slot;
extern constinit std::atomic<std::uint64_t> epoch;
extern constinit std::atomic<bool> any_retired;
extern constinit std::atomic<bool> readers_fence;

ReaderSlot& register_reader();
void fence() noexcept;
void destroy_unread() noexcept;

using Destroy = void (*)(const void*);
void retire(const void* object, Destroy destroy) noexcept;

}  // namespace detail

/// While one exists, nothing is destroyed that this thread found by way of an atomic pointer.
/// Sections may be nested.
class ReadSection {
 public:
  ReadSection()
      : slot_(detail::own_slot != nullptr ? *detail::own_slot : detail::register_reader()) {
    if (slot_.depth++ != 0) return;
    slot_.since.store(detail::epoch.load(std::memory_order_acquire), std::memory_order_release);
    // What follows must not be read before the store is seen: retire() makes sure of that from its
    // side, where the system can; a fence here takes as long as a tenth of a small net's forward.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (detail::readers_fence.load(std::memory_order_relaxed)) detail::fence();
  }
  ~ReadSection() {
    if (--slot_.depth != 0) return;
    slot_.since.store(0, std::memory_order_release);
    if (detail::any_retired.load(std::memory_order_relaxed)) detail::destroy_unread();
  }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;

 private:
  detail::ReaderSlot& slot_;
};

/// Destroys `object`, which no atomic pointer leads to any more, when nobody can be reading it:
/// now, or at the end of some section. The destructor must not call Python or take a lock.
template <class T>
void retire(std::unique_ptr<const T> object) noexcept {
  if (object == nullptr) return;
  detail::retire(object.release(), [](const void* it) { delete static_cast<const T*>(it); });
}

}  // namespace glueball
