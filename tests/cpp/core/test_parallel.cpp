#include "glueball/parallel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif
#ifdef __linux__
#include <sched.h>
#endif

#include "core/parallel_layer.h"
#include "glueball/error.h"

namespace {

using glueball::num_threads;
using glueball::openmp_runtime;
using glueball::parallel_for;
using glueball::set_num_threads;
using glueball::set_threading_layer;
using glueball::threading_layer;
using glueball::threading_layers;

// Puts the number of threads back, whatever a test set.
class Threads {
 public:
  explicit Threads(int count) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

std::vector<std::pair<std::int64_t, std::int64_t>> ranges_of(std::int64_t count,
                                                             std::int64_t grain) {
  std::mutex mutex;
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
  parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::scoped_lock lock(mutex);
    ranges.emplace_back(begin, end);
  });
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

}  // namespace

TEST_CASE("ranges cover everything once, begin at multiples of the grain, and are not shorter") {
  for (const int threads : {1, 2, 3, 7}) {
    const Threads scope(threads);
    for (const std::int64_t grain : {1, 3, 64}) {
      for (const std::int64_t count : {1, 2, 63, 64, 65, 127, 128, 200, 1000}) {
        CAPTURE(threads);
        CAPTURE(grain);
        CAPTURE(count);
        const auto ranges = ranges_of(count, grain);

        std::int64_t next = 0;
        for (std::size_t i = 0; i < ranges.size(); ++i) {
          const auto [begin, end] = ranges[i];
          CHECK(begin == next);
          CHECK(begin % grain == 0);
          CHECK(end > begin);
          if (i + 1 < ranges.size()) CHECK(end - begin >= grain);
          next = end;
        }
        CHECK(next == count);
        if (threads == 1) CHECK(ranges.size() == 1);
      }
    }
  }
}

TEST_CASE("a loop has the same ranges whatever runs them, and every layer runs each once") {
  constexpr std::int64_t count = 94;
  struct Seen {
    std::array<std::atomic<int>, count> runs{};
    std::atomic<std::int64_t> size{0};  // of the range that ran last
  } seen;
  const auto body = [](void* context, std::int64_t begin, std::int64_t end) {
    auto* there = static_cast<Seen*>(context);
    there->size = end - begin;
    for (std::int64_t i = begin; i < end; ++i) ++there->runs[static_cast<std::size_t>(i)];
  };
  glueball::parallel::Failure failure;
  const glueball::parallel::Loop loop{body, &seen, count, 4, 8, &failure};
  for (std::int64_t range = 0; range < 8; ++range) {
    loop.run(range);
    CHECK(seen.size == (range < 7 ? 12 : 10));
  }

  std::vector<const glueball::parallel::Layer*> layers{&glueball::parallel::pool};
#if GLUEBALL_HAVE_OPENMP
  layers.push_back(&glueball::parallel::openmp);
#endif
  int runs = 1;
  for (const glueball::parallel::Layer* layer : layers) {
    for (int repeat = 0; repeat < 100; ++repeat, ++runs) layer->run(loop, 2);
  }
  for (const std::atomic<int>& each : seen.runs) CHECK(each == runs);
}

TEST_CASE("a layer is one that this build has, and stays once a loop has run") {
  const std::string layer = threading_layer();
  const std::vector<std::string> layers = threading_layers();
  CHECK(std::find(layers.begin(), layers.end(), layer) != layers.end());
  CHECK(openmp_runtime().empty() == (layers.front() == "pool"));
  CHECK_THROWS_AS(set_threading_layer("tbb"), glueball::ArgumentError);

  const Threads scope(2);
  ranges_of(1000, 1);
  set_threading_layer(layer);
  if (layers.size() == 1) return;
  const std::string other = layer == "pool" ? "openmp" : "pool";
  CHECK_THROWS_WITH_AS(
      set_threading_layer(other),
      ("expected the threading layer to be chosen before the first parallel loop, found '" + other +
       "' after loops have run on '" + layer +
       "'; call set_threading_layer() before anything else, or set GLUEBALL_THREADS")
          .c_str(),
      glueball::Error);
  CHECK(threading_layer() == layer);
}

TEST_CASE("nothing to do is not done") {
  CHECK(ranges_of(0, 8).empty());
  CHECK(ranges_of(-3, 8).empty());
}

TEST_CASE("a count below two grains stays on the calling thread, in one piece") {
  const Threads scope(4);
  const auto caller = std::this_thread::get_id();
  int calls = 0;
  parallel_for(127, 64, [&](std::int64_t begin, std::int64_t end) {
    ++calls;
    CHECK(begin == 0);
    CHECK(end == 127);
    CHECK(std::this_thread::get_id() == caller);
  });
  CHECK(calls == 1);
}

TEST_CASE("nested calls run on their calling thread") {
  const Threads scope(2);
  std::atomic<int> pieces{0};
  std::atomic<bool> moved{false};
  parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
    const auto outer = std::this_thread::get_id();
    parallel_for(100, 1, [&](std::int64_t, std::int64_t) {
      ++pieces;
      if (std::this_thread::get_id() != outer) moved = true;
    });
  });
  CHECK_FALSE(moved);
  CHECK(pieces <= 2);
  CHECK(pieces >= 1);
}

TEST_CASE("the number of threads is at least one, and set only to such") {
  CHECK(num_threads() >= 1);
  const Threads scope(3);
  CHECK(num_threads() == 3);

  CHECK_THROWS_WITH_AS(set_num_threads(0),
                       "expected a number of threads of at least 1, found 0; set 1 to stay on the "
                       "calling thread",
                       glueball::ArgumentError);
  CHECK(num_threads() == 3);
}

TEST_CASE("several threads may each run a parallel loop") {
  const Threads scope(2);
  std::atomic<std::int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      parallel_for(1000, 10, [&](std::int64_t begin, std::int64_t end) { sum += end - begin; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(sum == 4000);
}

#if defined(__unix__) || defined(__APPLE__)
TEST_CASE("after fork() the child does not wait for threads that stayed in the parent") {
  const Threads scope(2);
  ranges_of(1000, 1);  // the threads exist now

  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a child that hangs dies of it
    std::int64_t sum = 0;
    parallel_for(1000, 1, [&](std::int64_t begin, std::int64_t end) { sum += end - begin; });
    _exit(num_threads() == 1 && sum == 1000 ? 0 : 1);
  }
  REQUIRE(child > 0);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(num_threads() == 2);
}
#endif

#ifdef __linux__
TEST_CASE("a thread that was asleep does not wake up on its caller's processor") {
  cpu_set_t allowed;
  REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  if (CPU_COUNT(&allowed) < 2) return;      // there is no other
  if (threading_layer() != "pool") return;  // OpenMP's threads are where OMP_PROC_BIND says
  const Threads threads(2);
  struct Place {
    std::thread::id thread;
    int processor = -1;
  };
  for (int round = 0; round < 20; ++round) {
    // Longer than the threads look for work.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::array<Place, 16> places;
    const int before = sched_getcpu();
    parallel_for(std::ssize(places), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        places[static_cast<std::size_t>(i)] = {std::this_thread::get_id(), sched_getcpu()};
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
        while (std::chrono::steady_clock::now() < until) {
        }
      }
    });
    // The system may move the caller meanwhile.
    if (sched_getcpu() != before) continue;
    for (const Place& place : places) {
      if (place.thread != std::this_thread::get_id()) CHECK(place.processor != before);
    }
  }
}
#endif
