#include "glueball/parallel.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "core/parallel_layer.h"
#include "core/refuse.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace glueball {
namespace {

// One range a thread would make all wait for the one that the system wakes late. With more, a late
// thread takes less.
constexpr std::int64_t ranges_per_thread = 4;

// Best first: the first is the default.
constexpr std::array layers{
#if GLUEBALL_HAVE_OPENMP
    &parallel::openmp,
#endif
    &parallel::pool,
};

std::string names_of_layers() {
  std::string names;
  for (const parallel::Layer* layer : layers) {
    names += (names.empty() ? "'" : " or '") + std::string(layer->name) + "'";
  }
  return names;
}

const parallel::Layer* find(std::string_view name) noexcept {
  const auto* found =
      std::ranges::find_if(layers, [name](const auto* layer) { return layer->name == name; });
  return found == layers.end() ? nullptr : *found;
}

constexpr const char* variable = "GLUEBALL_THREADS";

[[noreturn, gnu::cold]] void refuse_name(Piece what, std::string_view name) {
  const bool is_left_out = name == "openmp";
  refuse<ArgumentError>(
      {what, names_of_layers(), is_left_out ? ", which this build has" : ""}, {"'", name, "'"},
      {is_left_out ? "build with -DGLUEBALL_OPENMP=ON, or choose 'pool'" : "choose one of those"});
}

// Null until set_threading_layer() or the first that asks.
constinit std::atomic<const parallel::Layer*> chosen_layer{nullptr};
// Whether a loop has run on a layer's threads: the choice then stands.
constinit std::atomic<bool> has_begun{false};
// 0 until somebody sets it.
constinit std::atomic<int> chosen_threads{0};
// Held while a loop runs on several threads: another caller's stays on its own thread meanwhile.
constinit std::mutex busy;
// Set while this thread runs a range: nested loops stay on their thread.
constinit thread_local bool is_inside = false;

constinit std::atomic<int> forks{0};

void watch_forks() noexcept {
#if defined(__unix__) || defined(__APPLE__)
  constinit static std::atomic<bool> is_watching{false};
  if (is_watching.exchange(true, std::memory_order_relaxed)) return;
  pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
#endif
}

/// The layer that was chosen, else the one that GLUEBALL_THREADS names, else the best; null if that
/// variable names none.
const parallel::Layer* layer_or_null() noexcept {
  const parallel::Layer* layer = chosen_layer.load(std::memory_order_acquire);
  if (layer != nullptr) return layer;
  watch_forks();
  const char* wanted = std::getenv(variable);
  layer = wanted == nullptr || *wanted == '\0' ? layers.front() : find(wanted);
  const parallel::Layer* none = nullptr;
  // Another thread may have chosen meanwhile; then its choice stands.
  if (layer != nullptr && !chosen_layer.compare_exchange_strong(none, layer)) layer = none;
  return layer;
}

const parallel::Layer& layer_in_use() {
  const parallel::Layer* layer = layer_or_null();
  if (layer == nullptr) {
    const char* const named = std::getenv(variable);
    refuse_name("the environment variable GLUEBALL_THREADS to be ", named == nullptr ? "" : named);
  }
  return *layer;
}

class Inside {
 public:
  Inside() noexcept : before_(is_inside) { is_inside = true; }
  ~Inside() { is_inside = before_; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  bool before_;
};

}  // namespace

namespace parallel {

/// Whole grains are dealt out.
void Loop::run(std::int64_t range) const noexcept {
  if (failure->is_kept()) return;
  const std::int64_t grains = (count - 1) / grain + 1;
  const std::int64_t share = grains / ranges;
  const std::int64_t larger = grains % ranges;  // the first ones take one grain more
  const std::int64_t first = range * share + std::min(range, larger);
  const std::int64_t last = first + share + (range < larger ? 1 : 0);
  run_part(first * grain, std::min(count, last * grain));
}

void Loop::run_all() const noexcept { run_part(0, count); }

void Loop::run_part(std::int64_t begin, std::int64_t end) const noexcept {
  const Inside inside;
  try {
    function(context, begin, end);
  } catch (...) {
    failure->keep();
  }
}

int generation() noexcept { return forks.load(std::memory_order_relaxed); }

}  // namespace parallel

std::vector<std::string> threading_layers() {
  std::vector<std::string> names;
  names.reserve(layers.size());
  for (const parallel::Layer* layer : layers) names.emplace_back(layer->name);
  return names;
}

std::string threading_layer() { return layer_in_use().name; }

void set_threading_layer(const std::string& name) {
  const parallel::Layer* layer = find(name);
  if (layer == nullptr) refuse_name("a threading layer, ", name);
  const std::scoped_lock alone(busy);
  if (has_begun.load(std::memory_order_relaxed) && layer != &layer_in_use()) {
    throw Error(
        {.expected = "the threading layer to be chosen before the first parallel loop",
         .found = "'" + name + "' after loops have run on '" + threading_layer() + "'",
         .remedy = "call set_threading_layer() before anything else, or set GLUEBALL_THREADS"});
  }
  watch_forks();
  chosen_layer.store(layer, std::memory_order_release);
}

std::string openmp_runtime() {
#if GLUEBALL_HAVE_OPENMP
  return parallel::openmp_runtime();
#else
  return {};
#endif
}

int num_threads() noexcept {
  const parallel::Layer* layer = layer_or_null();
  return (layer != nullptr ? layer : layers.front())
      ->num_threads(chosen_threads.load(std::memory_order_relaxed));
}

void set_num_threads(int count) {
  if (count < 1) {
    refuse<ArgumentError>({"a number of threads of at least 1"}, {count},
                          {"set 1 to stay on the calling thread"});
  }
  num_threads();  // The layer sees what was allowed before this.
  chosen_threads.store(count, std::memory_order_relaxed);
}

void detail::parallel_for(std::int64_t count, std::int64_t grain, RangeFunction function,
                          void* context) {
  if (count <= 0) return;
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t most = count / grain;
  if (most > 1 && !is_inside) {
    const parallel::Layer& layer = layer_in_use();
    const int allowed = layer.num_threads(chosen_threads.load(std::memory_order_relaxed));
    const int threads = static_cast<int>(std::min<std::int64_t>(most, allowed));
    if (threads > 1) {
      const std::unique_lock<std::mutex> alone(busy, std::try_to_lock);
      if (alone.owns_lock()) {
        has_begun.store(true, std::memory_order_relaxed);
        const std::int64_t ranges = std::min(most, threads * ranges_per_thread);
        parallel::Failure failure;
        layer.run({function, context, count, grain, ranges, &failure}, threads);
        failure.rethrow();
        return;
      }
    }
  }
  function(context, 0, count);
}

}  // namespace glueball
