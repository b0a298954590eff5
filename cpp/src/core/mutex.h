#pragma once

// The library's locks, and the order in which a thread takes them. Where assertions are on, a step
// back in that order ends the program, also if no other thread is there to make it a deadlock.

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace glueball {

/// A thread that holds a lock takes only locks further down in this list. Python's own comes before
/// all of them: who holds one of these calls nothing of Python's and drops nothing of Python's.
enum class Rank : std::uint8_t {
  none,
  optimizer,  ///< Optimizer: its settings and states
  parameter,  ///< Parameter: its shape and plan, and the replacing of its arrays
  retired,    ///< read_section.cpp: what others may still read
};

namespace locks {

/// The last in the list of those that this thread holds.
Rank& held() noexcept;
/// Ends the program, with a message, if this thread holds `rank` or one further down.
void check(Rank rank) noexcept;

}  // namespace locks

#ifdef NDEBUG

template <Rank>
using Mutex = std::mutex;
using Condition = std::condition_variable;

/// Before Python's lock is taken.
inline void check_no_lock_is_held() noexcept {}

#else

template <Rank rank>
class Mutex {
 public:
  void lock() {
    locks::check(rank);
    mutex_.lock();
    note();
  }
  bool try_lock() {
    if (!mutex_.try_lock()) return false;
    note();
    return true;
  }
  void unlock() {
    locks::held() = before_;
    mutex_.unlock();
  }

 private:
  void note() noexcept {
    before_ = locks::held();
    locks::held() = rank;
  }

  std::mutex mutex_;
  Rank before_ = Rank::none;  // of the thread that holds it
};
using Condition = std::condition_variable_any;

inline void check_no_lock_is_held() noexcept { locks::check(Rank::none); }

#endif

}  // namespace glueball
