#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/parallel_layer.h"
#include "core/stall_guard.h"

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#endif

namespace glueball::parallel {
namespace {

// Touched by the one loop that runs at a time.
constinit StallGuard guard;

// How many threads the runtime keeps for loops of this thread, the thread itself included.
constinit thread_local int team = 1;

int num_threads(int chosen) noexcept {
  // The runtime's threads are the parent's, and a child that enters a region may wait for them for
  // ever.
  if (generation() > 0 || omp_in_parallel() != 0) return 1;
  const int allowed = omp_get_max_threads();
  static const int at_first = allowed;
  // set_num_threads() may ask for more than OMP_NUM_THREADS, not for more than somebody allowed
  // since.
  const bool is_lowered = allowed < at_first;
  const int wanted = chosen == 0 ? allowed : is_lowered ? std::min(chosen, allowed) : chosen;
  return std::min(wanted, omp_get_thread_limit());
}

/// Whether so many threads more can be there at once. The runtime ends the process if it can't
/// start one, so it is asked to start them only where the system has just had memory for as many.
bool can_start(int threads) noexcept {
  std::atomic<bool> are_counted{false};
  std::vector<std::thread> trials;
  try {
    trials.reserve(static_cast<std::size_t>(threads));
    for (int i = 0; i < threads; ++i) trials.emplace_back([&] { are_counted.wait(false); });
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the count says it
  }
  const bool all = std::cmp_equal(trials.size(), threads);
  are_counted.store(true);
  are_counted.notify_all();
  for (std::thread& trial : trials) trial.join();
  return all;
}

/// Ranges are taken one by one, so that a thread that comes late takes less: the caller then waits
/// for it to come to the barrier, and not for a share of the work.
void run(const Loop& loop, int threads) noexcept {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  if (!guard.allows_threads()) {
    loop.run_all();
    guard.ran_serially(Clock::now() - begin);
    return;
  }
  if (threads > team && !can_start(threads - team)) return loop.run_all();
  std::atomic<std::int64_t> next{0};
  std::int64_t callers = 0;
  Clock::time_point done;  // when no range was left for the caller
  // A clause, because omp_set_num_threads() would be seen by the rest of the program.
#pragma omp parallel num_threads(threads)
  {
    std::int64_t taken = 0;
    for (std::int64_t range = next.fetch_add(1, std::memory_order_relaxed); range < loop.ranges;
         range = next.fetch_add(1, std::memory_order_relaxed)) {
      loop.run(range);
      ++taken;
    }
    if (omp_get_thread_num() == 0) {
      callers = taken;
      done = Clock::now();
    }
  }
  if (threads > team) {
    team = threads;  // Starting threads takes long, once.
  } else if (callers > 0) {
    guard.ran_parallel(Clock::now() - begin, (done - begin) * loop.ranges / callers);
  }
}

}  // namespace

constinit const Layer openmp{"openmp", &num_threads, &run};

std::string openmp_runtime() {
#if defined(__unix__) || defined(__APPLE__)
  Dl_info file{};
  if (dladdr(reinterpret_cast<const void*>(&omp_get_max_threads), &file) != 0)
    return file.dli_fname;
#endif
  return "linked";
}

}  // namespace glueball::parallel
