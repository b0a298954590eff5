// What a program that uses OpenMP itself sees of the layer on it.

#include <doctest/doctest.h>
#include <omp.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "glueball/parallel.h"

namespace {

using glueball::num_threads;
using glueball::parallel_for;
using glueball::set_num_threads;

// Puts OpenMP's number of threads back, whatever a test set.
class Allowed {
 public:
  explicit Allowed(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
  ~Allowed() { omp_set_num_threads(before_); }
  Allowed(const Allowed&) = delete;
  Allowed& operator=(const Allowed&) = delete;

 private:
  int before_;
};

bool is_openmp() { return glueball::threading_layer() == "openmp"; }

}  // namespace

TEST_CASE("inside a program's own region a loop stays on the thread that calls it") {
  if (!is_openmp()) return;
  std::atomic<int> moved{0};
  std::atomic<int> pieces{0};
  std::atomic<int> threads{0};
#pragma omp parallel num_threads(2)
  {
    threads = omp_get_num_threads();
    if (num_threads() != 1) ++moved;
    const auto caller = std::this_thread::get_id();
    parallel_for(1000, 1, [&](std::int64_t, std::int64_t) {
      ++pieces;
      if (std::this_thread::get_id() != caller) ++moved;
    });
  }
  CHECK(moved == 0);
  CHECK(pieces == threads);
}

TEST_CASE("set_num_threads changes no setting of OpenMP's") {
  if (!is_openmp()) return;
  const int before = num_threads();
  const int allowed = omp_get_max_threads();

  set_num_threads(allowed + 3);
  CHECK(num_threads() == allowed + 3);
  parallel_for(1000, 1, [](std::int64_t, std::int64_t) {});
  CHECK(omp_get_max_threads() == allowed);

  set_num_threads(before);
}

TEST_CASE(
    "a number that is lowered for the calling thread bounds its loops, and no other thread's") {
  if (!is_openmp()) return;
  const int before = num_threads();
  for (const int own : {2, 3}) {
    set_num_threads(own);
    CHECK(num_threads() == own);
    {
      const Allowed one(1);
      if (omp_get_num_procs() > 1) CHECK(num_threads() == 1);
      int others = 0;
      std::thread([&] { others = num_threads(); }).join();
      CHECK(others == own);
    }
    CHECK(num_threads() == own);
  }
  set_num_threads(before);
}
