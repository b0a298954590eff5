#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/mutex.h"
#include "glueball/parameter.h"
#include "nn/packed_weights.h"

namespace glueball {

/// How a parameter gets its first values: fixed by initialize(), carried out when the shape is
/// known.
///
/// The initializers may be Python's: to destroy a plan, as to carry one out, may call Python, and
/// so must not happen under a lock.
struct InitPlan {
  std::shared_ptr<const Initializer> own;
  std::shared_ptr<const Initializer> fallback;
  Generator stream;

  /// The values of the parameter `name`.
  Tensor values(const std::string& name, const Shape& shape, Dtype dtype) const;
};

/// Lets one thread carry a plan out, and others wait for it.
class Filling {
 public:
  /// Whether this thread fills: its initializer runs the net which it fills.
  bool is_mine() const { return runs_ && filler_ == std::this_thread::get_id(); }
  /// Waits until nobody fills. `lock` is of the mutex that guards this object.
  void wait(std::unique_lock<Mutex<Rank::parameter>>& lock) {
    done_.wait(lock, [this] { return !runs_; });
  }
  void begin() {
    runs_ = true;
    filler_ = std::this_thread::get_id();
  }
  void end() {
    runs_ = false;
    done_.notify_all();
  }

 private:
  bool runs_ = false;
  std::thread::id filler_;
  Condition done_;
};

/// Which passes of backward a parameter's gradient is the sum of, and whether a step has used it.
class GradientPasses {
 public:
  /// Whether the pass of number `pass` adds to what is there, and marks the gradient as fresh.
  /// `version` is that of the values that it runs on.
  bool begin(std::uint64_t pass, std::uint64_t version, bool always_adds) noexcept {
    const bool same = load(pass_) == pass;
    if (!same) {
      const bool continues =
          load(is_fresh_) && load(version_) == version && load(count_) < load(most_);
      store(count_, continues ? load(count_) + 1 : 1U);
      store(version_, version);
      store(pass_, pass);
    }
    store(is_fresh_, true);
    return same || load(count_) > 1 || always_adds;
  }
  /// The gradient is another array now.
  void restart() noexcept {
    store(pass_, std::uint64_t{0});
    store(is_fresh_, false);
  }
  bool is_fresh() const noexcept { return load(is_fresh_); }
  /// Whether any pass has written since restart() or forget().
  bool has_begun() const noexcept { return load(pass_) != 0; }
  /// The gradient is zero again; whether a step may use it stays as it was.
  void forget() noexcept { store(pass_, std::uint64_t{0}); }
  void mark_used() noexcept { store(is_fresh_, false); }
  /// How many passes a step's gradient is the sum of, while nobody writes the values.
  void set_most(unsigned passes) noexcept { store(most_, std::max(passes, 1U)); }

 private:
  // Atomic for threads that share a net: the sums may be torn then, the program may not.
  template <class T>
  static T load(const std::atomic<T>& value) noexcept {
    return value.load(std::memory_order_relaxed);
  }
  template <class T>
  static void store(std::atomic<T>& value, T next) noexcept {
    value.store(next, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> pass_{0};
  std::atomic<std::uint64_t> version_{0};  ///< Of the values that it ran on.
  std::atomic<unsigned> count_{0};
  std::atomic<unsigned> most_{1};
  std::atomic<bool> is_fresh_{false};
};

/// Tells whether values are what they were when a snapshot was made, though arrays of them may be
/// written without a word. Costs no look at the values while nobody has such an array.
class ValueWatch {
 public:
  /// Of `values`, whose version is `version`.
  Parameter::Snapshot snapshot(const Tensor& values, std::uint64_t version);
  bool matches(const Parameter::Snapshot& snapshot, const Tensor& values,
               std::uint64_t version) const;

  /// Whether a snapshot was made of this version, so that witness() comes before an array is lent
  /// out.
  bool is_watched(std::uint64_t version) const noexcept { return watched_.load() == version; }
  /// Keeps the fingerprint of values that nobody has written yet. Under the parameter's lock.
  void witness(const Tensor& values, std::uint64_t version);

 private:
  static constexpr std::uint64_t no_version = ~std::uint64_t{0};

  std::atomic<std::uint64_t> watched_{no_version};    // what the last snapshot saw
  std::atomic<std::uint64_t> witnessed_{no_version};  // whose fingerprint is kept
  std::atomic<std::uint64_t> fingerprint_{0};
};

/// What a Parameter consists of besides its arrays: the inner half of glueball/parameter.h.
struct Parameter::Parts {
  GradientPasses passes;
  PackedWeights packed;
  ValueWatch watch;

  /// Guards what follows, and all replacing of the arrays. Under it nothing of Python's is called
  /// or destroyed: a holder of Python's lock may wait for this one.
  mutable Mutex<Rank::parameter> mutex;
  std::optional<Shape> shape;  ///< As far as it is known while there are no arrays.
  std::shared_ptr<const Initializer> init;
  std::optional<InitPlan> plan;
  Filling filling;
};

}  // namespace glueball
