#include "glueball/parallel.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "glueball/error.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace glueball {
namespace {

int default_threads() noexcept {
#ifdef _OPENMP
  return std::max(1, omp_get_max_threads());
#else
  return 1;
#endif
}

// 0 until somebody sets it, so that OpenMP is not asked before it is needed.
std::atomic<int> chosen_threads{0};

// OpenMP's threads stay behind in the parent, and a parallel region would wait for them for ever.
std::atomic<bool> is_forked_child{false};

#if defined(__unix__) || defined(__APPLE__)
// At load time, because some other library of the process may start OpenMP's threads before we do.
[[maybe_unused]] const int fork_handler = pthread_atfork(
    nullptr, nullptr, [] { is_forked_child.store(true, std::memory_order_relaxed); });
#endif

#ifdef _OPENMP
// Set while this thread runs a range: nested calls stay on their thread.
thread_local bool is_inside = false;

class Inside {
 public:
  Inside() noexcept : before_(is_inside) { is_inside = true; }
  ~Inside() { is_inside = before_; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  bool before_;
};

bool is_nested() noexcept { return is_inside || omp_in_parallel() != 0; }
#endif

}  // namespace

int num_threads() noexcept {
  if (is_forked_child.load(std::memory_order_relaxed)) return 1;
  int count = chosen_threads.load(std::memory_order_relaxed);
  if (count == 0) {
    count = default_threads();
    int expected = 0;
    // Another thread may have chosen meanwhile; then its choice stands.
    if (!chosen_threads.compare_exchange_strong(expected, count, std::memory_order_relaxed)) {
      count = expected;
    }
  }
  return count;
}

void set_num_threads(int count) {
  if (count < 1) {
    throw ArgumentError({.expected = "a number of threads of at least 1",
                         .found = std::to_string(count),
                         .remedy = "set 1 to stay on the calling thread"});
  }
  chosen_threads.store(count, std::memory_order_relaxed);
}

void detail::parallel_for(std::int64_t count, std::int64_t grain, RangeFunction function,
                          void* context) {
  if (count <= 0) return;
#ifdef _OPENMP
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t wanted = std::min<std::int64_t>(count / grain, num_threads());
  if (wanted > 1 && !is_nested()) {
    // Whole grains are dealt out, so that each range begins at a multiple of one.
    const std::int64_t grains = (count - 1) / grain + 1;
#pragma omp parallel num_threads(static_cast<int>(wanted)) default(none) \
    shared(count, grain, grains, function, context)
    {
      const Inside inside;
      // OpenMP may give fewer threads than it was asked for.
      const std::int64_t threads = omp_get_num_threads();
      const std::int64_t thread = omp_get_thread_num();
      const std::int64_t share = grains / threads;
      const std::int64_t larger = grains % threads;  // the first ones take one grain more
      const std::int64_t first = thread * share + std::min(thread, larger);
      const std::int64_t last = first + share + (thread < larger ? 1 : 0);
      if (first < last) function(context, first * grain, std::min(count, last * grain));
    }
    return;
  }
#else
  static_cast<void>(grain);
#endif
  function(context, 0, count);
}

}  // namespace glueball
