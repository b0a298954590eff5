#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>
#include <type_traits>

#include "core/parallel_layer.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>

#include <csignal>
#endif
#ifdef __linux__
#include <sched.h>
#include <unistd.h>
#endif

namespace glueball::parallel {
namespace {

// How long a thread looks for work, or for the end of it, before it sleeps. It bridges the gap
// between the loops of one training step (waking a sleeper takes longer than that on a virtual
// machine), and is all that a neighbour can lose.
constexpr std::chrono::microseconds patience{30};

void pause_briefly() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits until `value` is no longer `old`: looks for a while, then sleeps.
template <class T>
void wait_for_change(const std::atomic<T>& value, T old) noexcept {
  const auto end = std::chrono::steady_clock::now() + patience;
  do {
    for (int i = 0; i < 32; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause_briefly();
    }
  } while (std::chrono::steady_clock::now() < end);
  value.wait(old, std::memory_order_acquire);
}

/// OMP_NUM_THREADS, as people set it for every library, else the processors this process may use.
int default_threads() noexcept {
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    int count = 0;
    std::from_chars(text, text + std::strlen(text), count);
    if (count > 0) return count;
  }
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

#ifdef __linux__
/// Keeps the pool's threads off the processor of the thread that calls.
///
/// A system may wake a thread on the processor of the one that wakes it, though another has nothing
/// to do (virtual machines do so with two processors): the two then share one for milliseconds,
/// which is longer than most loops. So each thread may run where the caller may, but for the
/// caller's own processor. That takes a system call where the caller has moved, and none otherwise.
class Placement {
 public:
  /// Called by thread number `thread` of the pool, once.
  void enter(std::size_t thread) noexcept {
    if (thread < seats_.size()) seats_[thread].id.store(::gettid(), std::memory_order_release);
  }

  /// Called by the thread that is about to wake the first `count` threads.
  void leave_to_caller(int count) noexcept {
    const int here = sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE) return;
    const auto used = std::min(static_cast<std::size_t>(count), seats_.size());
    for (std::size_t i = 0; i < used; ++i) {
      Seat& seat = seats_[i];
      if (seat.barred == here) continue;
      const pid_t id = seat.id.load(std::memory_order_acquire);
      if (id == 0) continue;
      bar(id, here);
      seat.barred = here;
    }
  }

 private:
  static constexpr int nowhere = -1;
  struct Seat {
    std::atomic<pid_t> id{0};  // 0 until the thread runs
    int barred = nowhere;
  };

  static void bar(pid_t thread, int processor) noexcept {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    CPU_CLR(static_cast<std::size_t>(processor), &allowed);
    if (CPU_COUNT(&allowed) > 0) sched_setaffinity(thread, sizeof allowed, &allowed);
  }

  std::array<Seat, 64> seats_{};  // Threads beyond them run where the system has them.
};
#else
class Placement {
 public:
  void enter(std::size_t) noexcept {}
  void leave_to_caller(int) noexcept {}
};
#endif

/// Threads that run the ranges of one loop at a time, together with the thread that calls.
///
/// The caller never waits for a thread to wake up: it takes ranges itself until none is left, and
/// then waits only for those that others have begun. So a machine that is busy with other things
/// costs what it costs, and no more; OpenMP's barriers cost a scheduler's time slice then.
class Pool {
 public:
  constexpr Pool() = default;

  /// Whether the threads are in the process that this one was forked from.
  bool is_stranded() const noexcept {
    return workers_.load(std::memory_order_relaxed) > 0 &&
           generation_.load(std::memory_order_relaxed) != generation();
  }

  /// One loop at a time.
  void run(const Loop& loop, int threads) noexcept {
    grow(threads - 1);

    loop_ = loop;
    const int workers = workers_.load(std::memory_order_relaxed);
    unfinished_.store(static_cast<std::uint32_t>(loop.ranges), std::memory_order_relaxed);
    helpers_.store(std::min(threads, workers + 1) - 1, std::memory_order_relaxed);
    const std::uint64_t round = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
    ticket_.store(round << 32 | static_cast<std::uint64_t>(loop.ranges), std::memory_order_release);
    placement_.leave_to_caller(workers);
    round_.store(static_cast<std::uint32_t>(round), std::memory_order_release);
    round_.notify_all();

    work();
    for (std::uint32_t left = unfinished_.load(std::memory_order_acquire); left != 0;
         left = unfinished_.load(std::memory_order_acquire)) {
      wait_for_change(unfinished_, left);
    }
  }

 private:
  /// Takes ranges of the present loop, and runs them, until all are taken.
  void work() noexcept {
    // The loop's number and how many ranges nobody has taken. The taker of one may read the loop's
    // description: it can't change before that range is finished.
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while ((ticket & 0xffffffff) != 0) {
      if (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acquire)) continue;
      loop_.run(loop_.ranges - static_cast<std::int64_t>(ticket & 0xffffffff));
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  [[noreturn]] void serve(std::size_t number) noexcept {
    placement_.enter(number);
    std::uint32_t seen = 0;
    while (true) {
      wait_for_change(round_, seen);
      seen = round_.load(std::memory_order_acquire);
      // Fewer threads than the pool has may be asked for.
      if (helpers_.fetch_sub(1, std::memory_order_relaxed) > 0) work();
    }
  }

  /// False if the system allows no more, or has no memory: the callers' own threads do the work
  /// then.
  bool start_worker(int number) noexcept {
    try {
      std::thread([this, number] { serve(static_cast<std::size_t>(number)); }).detach();
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  /// Has at least `wanted` workers afterwards, or as many as the system allows.
  void grow(int wanted) noexcept {
    int workers = workers_.load(std::memory_order_relaxed);
    if (workers >= wanted) return;
    generation_.store(generation(), std::memory_order_relaxed);
#if defined(__unix__) || defined(__APPLE__)
    // Signals are for the program's own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
    while (workers < wanted && start_worker(workers)) ++workers;
    workers_.store(workers, std::memory_order_relaxed);
#if defined(__unix__) || defined(__APPLE__)
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
#endif
  }

  std::atomic<int> workers_{0};
  std::atomic<int> generation_{0};  // that the workers were started in
  Placement placement_;
  Loop loop_{};  // the present one
  std::atomic<int> helpers_{0};
  std::atomic<std::uint64_t> ticket_{0};
  std::atomic<std::uint32_t> unfinished_{0};
  std::atomic<std::uint32_t> round_{0};
};

// Its threads sleep in it until the process ends. Nothing destroys it, so nothing has to be
// registered when a program starts.
static_assert(std::is_trivially_destructible_v<Pool>);
constinit Pool threads;

int num_threads(int chosen) noexcept {
  if (threads.is_stranded()) return 1;
  static const int by_default = default_threads();
  return chosen != 0 ? chosen : by_default;
}

}  // namespace

constinit const Layer pool{"pool", &num_threads,
                           [](const Loop& loop, int count) noexcept { threads.run(loop, count); }};

}  // namespace glueball::parallel
