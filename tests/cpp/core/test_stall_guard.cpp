#include "core/stall_guard.h"

#include <doctest/doctest.h>

#include <chrono>

namespace {

using glueball::parallel::StallGuard;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Runs loops of `alone` on their caller until several threads are allowed: the time that they took.
nanoseconds time_until_allowed(StallGuard& guard, nanoseconds alone) {
  nanoseconds time{0};
  for (; !guard.allows_threads(); time += alone) guard.ran_serially(alone);
  return time;
}

}  // namespace

TEST_CASE("the first loop may use threads, and so may the next after a good one") {
  StallGuard guard;
  CHECK(guard.allows_threads());

  guard.ran_parallel(microseconds(60), microseconds(100));
  CHECK(guard.allows_threads());
}

TEST_CASE("after a stall loops stay serial for 32 times what was lost, however long they are") {
  for (const auto alone : {microseconds(20), microseconds(1000)}) {
    StallGuard guard;
    guard.ran_parallel(alone + milliseconds(4), alone);

    const nanoseconds time = time_until_allowed(guard, alone);
    CHECK(time >= 32 * milliseconds(4));
    CHECK(time <= 32 * milliseconds(4) + 64 * alone);
  }
}

TEST_CASE("after long savings one stall changes nothing, and a second one at once does") {
  StallGuard guard;
  for (int i = 0; i < 100000; ++i) guard.ran_parallel(microseconds(50), microseconds(100));

  guard.ran_parallel(milliseconds(5), microseconds(100));
  CHECK(guard.allows_threads());
  guard.ran_parallel(milliseconds(5), microseconds(100));
  CHECK_FALSE(guard.allows_threads());
}

TEST_CASE("a slice that a loop of many loses counts in part") {
  StallGuard guard;
  guard.ran_parallel(milliseconds(30), milliseconds(45));
  guard.ran_parallel(milliseconds(49), milliseconds(45));
  CHECK(guard.allows_threads());
}

TEST_CASE("a stall each time slice outweighs what the loops between them save") {
  StallGuard guard;
  int allowed = 0;
  for (int i = 0; i < 100; ++i) {
    for (int loop = 0; loop < 80 && guard.allows_threads(); ++loop) {
      guard.ran_parallel(microseconds(50), microseconds(100));
    }
    if (!guard.allows_threads()) break;
    guard.ran_parallel(milliseconds(4), microseconds(100));
    ++allowed;
  }
  CHECK(allowed == 1);
}

TEST_CASE("what it takes to wake a thread is weighed against what other loops save") {
  StallGuard guard;
  for (int i = 0; i < 1000; ++i) {
    guard.ran_parallel(microseconds(80), microseconds(20));
    guard.ran_parallel(microseconds(500), microseconds(600));
  }
  guard.ran_parallel(microseconds(80), microseconds(20));
  CHECK(guard.allows_threads());

  StallGuard idle;  // nothing but short loops that find the threads asleep
  idle.ran_parallel(microseconds(80), microseconds(20));
  CHECK_FALSE(idle.allows_threads());
}
