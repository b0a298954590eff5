#pragma once

#include <algorithm>
#include <chrono>

namespace glueball::parallel {

/// Decides whether the next loop is worth a barrier.
///
/// Where a neighbour holds the other processor, a thread comes to the barrier a time slice late, 4
/// to 20 ms, and the caller can do nothing but wait. So there is an account of time. A loop that
/// several threads ran pays in a part of what it saved over the caller alone; one that stalled pays
/// all that it lost. While the account is overdrawn, loops stay on their caller and pay in a part
/// of the time they take. So time decides, and neither the number of loops nor their length: stalls
/// cost a busy machine 1 part in 32, and a quiet one, where they are rare, is never held up by
/// them. docs/performance.md has what was measured.
class StallGuard {
 public:
  using Time = std::chrono::nanoseconds;

  /// Whether the next loop may use several threads.
  bool allows_threads() const noexcept { return balance_ >= Time::zero(); }

  /// A loop ran on its caller only, and took `time`.
  void ran_serially(Time time) noexcept { balance_ += time / serial_part; }

  /// A loop took `time` on several threads; its caller alone would have taken `alone`.
  // NOLINTNEXTLINE(readability-convert-member-functions-to-static): it writes the balance.
  void ran_parallel(Time time, Time alone) noexcept {
    const Time lost = time - alone;
    const bool has_stalled = lost > stall && lost > alone / 4;
    balance_ = std::min(most, balance_ - (has_stalled ? lost : lost / parallel_part));
  }

 private:
  // Waking a sleeping thread takes less than this, even on a virtual machine; a time slice more.
  // What is below, won or lost, comes with every loop, and counts in part. So does a slice that a
  // loop of many loses: half of a thread's help is help.
  static constexpr Time stall = std::chrono::microseconds(250);
  // Beside a neighbour a thread runs every other time slice: the loops then win about as much as
  // the stalls lose, which must not count as winning.
  static constexpr int parallel_part = 8;
  static constexpr int serial_part = 32;
  // What two stalls of a quiet machine's may take.
  static constexpr Time most = std::chrono::milliseconds(8);

  Time balance_{0};
};

}  // namespace glueball::parallel
