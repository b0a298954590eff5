#pragma once

// What runs the ranges of a loop on several threads. Nothing but parallel.cpp includes this beside
// the layers themselves.

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>

namespace glueball::parallel {

/// The first exception of a loop's body, which may leave neither a parallel region nor a thread of
/// the pool: it is kept until all threads have ended the loop, and thrown to the caller then.
class Failure {
 public:
  /// Keeps the exception that is being handled, unless there is one already.
  void keep() noexcept {
    if (!kept_.exchange(true, std::memory_order_relaxed)) first_ = std::current_exception();
  }
  /// Whether what is left of the loop is in vain.
  bool is_kept() const noexcept { return kept_.load(std::memory_order_relaxed); }
  /// For the caller, when no thread is in the loop any more.
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::atomic<bool> kept_{false};
  std::exception_ptr first_;
};

/// A loop over [0, count), cut into ranges that each begin at a multiple of the grain.
struct Loop {
  void (*function)(void* context, std::int64_t begin, std::int64_t end);
  void* context;
  std::int64_t count;
  std::int64_t grain;
  std::int64_t ranges;
  Failure* failure;

  /// Runs range number `range`, unless another has failed; loops nested in it stay on its thread.
  void run(std::int64_t range) const noexcept;
  /// Runs all of it as one range, likewise.
  void run_all() const noexcept;

 private:
  void run_part(std::int64_t begin, std::int64_t end) const noexcept;
};

struct Layer {
  const char* name;
  /// How many threads a loop of the calling thread may use; `chosen` is what set_num_threads() was
  /// told, 0 if nothing.
  int (*num_threads)(int chosen) noexcept;
  /// Runs a loop on up to `threads` threads, the caller's included. One loop at a time.
  void (*run)(const Loop& loop, int threads) noexcept;
};

extern const Layer pool;
#if GLUEBALL_HAVE_OPENMP
extern const Layer openmp;
/// The file of the runtime that the process has loaded.
std::string openmp_runtime();
#endif

/// How often the process was forked to become this one, since it first asked for threads. Those
/// that were started at a lower number are the parent's.
int generation() noexcept;

}  // namespace glueball::parallel
