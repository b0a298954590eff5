#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "glueball/export.h"
#include "glueball/initializer.h"
#include "glueball/random.h"
#include "glueball/tensor.h"

namespace glueball {

/// What backward does with a parameter's gradient: overwrite it, add to it, or not compute it.
enum class GradReq : std::uint8_t {
  write,  ///< overwrite it
  add,    ///< add to it, until zero_grad()
  null,   ///< compute none, and keep no array for it
};

/// "write", "add" or "null". @throws ArgumentError for another word.
GLUEBALL_API GradReq grad_req_from(const std::string& word);
/// "write", "add" or "null".
GLUEBALL_API std::string to_string(GradReq grad_req);

class Parameter;

/// Identifies one run of backward: contributions of one run are summed, whatever grad_req says.
///
/// Numbers are unique in the process and never 0.
class GLUEBALL_API BackwardPass {
 public:
  /// A run of its own: layers write the gradients of all their parameters.
  BackwardPass() noexcept;
  /// A run that collects the gradients of `wanted`: layers write to no parameter.
  explicit BackwardPass(const std::vector<std::shared_ptr<Parameter>>& wanted);
  /// The run's number.
  std::uint64_t id() const noexcept { return id_; }
  /// What has come for a wanted parameter; undefined if nothing has.
  Tensor collected(const Parameter& parameter) const;

 private:
  friend class Parameter;
  struct Collected {
    std::shared_ptr<Parameter> parameter;
    Tensor grad;
  };

  std::uint64_t id_;
  std::shared_ptr<std::vector<Collected>> apart_;  // null: into the parameters
};

/// A named array that training changes, with its gradient and the plan for its first values.
///
/// It is in one of three states. *Uninitialized*: nobody has called `initialize()`. *Deferred*: the
/// plan is kept, but an axis of the shape is unknown. *Initialized*: `data()` and, unless grad_req
/// is null, `grad()` exist. Layers share a Parameter by holding the same shared_ptr; it is filled
/// once.
///
/// State changes are guarded by a lock, so that two threads may run a deferred net's first forward;
/// the initializer itself runs outside the lock. Writing numbers while another thread reads them is
/// the caller's concern.
class GLUEBALL_API Parameter {
 public:
  /// How far a parameter is.
  enum class State : std::uint8_t {
    uninitialized,  ///< nobody has called `initialize()`
    deferred,       ///< planned; an axis of the shape is unknown
    initialized,    ///< there are values
  };

  /// What a parameter can be told beside its name and shape.
  struct Settings {
    Dtype dtype = Dtype::float32;       ///< Of values and gradient.
    GradReq grad_req = GradReq::write;  ///< What backward does with the gradient.
    /// Fills this parameter in place of the default that `initialize()` is given.
    std::shared_ptr<const Initializer> init;
    /// Whether `initialize()` may wait for the shape.
    bool allow_deferred_init = false;
    /// False forces grad_req to null, always.
    bool differentiable = true;
    double lr_mult = 1.0;  ///< Multiplies an optimizer's learning rate.
    double wd_mult = 1.0;  ///< Multiplies an optimizer's weight decay.
  };

  /// `shape` may have unknown axes, or be unknown altogether.
  Parameter(std::string name, std::optional<Shape> shape, Settings settings);
  /// With the default settings.
  Parameter(std::string name, std::optional<Shape> shape);
  ~Parameter();

  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;

  /// What messages call it: "dense0_weight".
  const std::string& name() const noexcept { return name_; }
  /// Unique in the process and never used again, unlike an address: what maps of parameters are
  /// keyed by.
  std::uint64_t id() const noexcept { return id_; }
  /// How far it is.
  State state() const noexcept { return state_; }
  /// Whether there are values.
  bool is_initialized() const noexcept { return state_ == State::initialized; }
  /// Of values and gradient.
  Dtype dtype() const noexcept { return settings_.dtype; }
  /// What backward does with the gradient.
  GradReq grad_req() const noexcept { return settings_.grad_req; }
  /// Whether it may have a gradient at all.
  bool differentiable() const noexcept { return settings_.differentiable; }
  /// Whether `initialize()` may wait for the shape.
  bool allow_deferred_init() const noexcept { return settings_.allow_deferred_init; }
  /// Multiplies an optimizer's learning rate.
  double lr_mult() const noexcept { return settings_.lr_mult; }
  /// Multiplies an optimizer's weight decay.
  double wd_mult() const noexcept { return settings_.wd_mult; }
  /// From the next update on.
  void set_lr_mult(double value) noexcept { settings_.lr_mult = value; }
  /// From the next update on.
  void set_wd_mult(double value) noexcept { settings_.wd_mult = value; }
  /// The initializer that wins over the default of `initialize()`, or null.
  const std::shared_ptr<const Initializer>& init() const noexcept { return settings_.init; }
  /// For the next `initialize()`; a plan made before keeps its own.
  void set_init(std::shared_ptr<const Initializer> init) { settings_.init = std::move(init); }

  /// Changes what backward does; null drops the gradient, and leaving null makes one of zeros.
  void set_grad_req(GradReq grad_req);

  /// The shape as far as it is known; nullopt when not even the rank is.
  const std::optional<Shape>& shape() const noexcept { return shape_; }

  /// Fills unknown axes from `shape`. Initializes nothing.
  ///
  /// @throws ShapeError in Gluon's words if a known axis differs; nothing changes then.
  void set_shape(const Shape& shape);

  /// Gives the first values now, or plans them if an axis is unknown.
  ///
  /// `own` wins over the parameter's own `init`, which wins over `fallback`. `stream` is where the
  /// random numbers come from (parameter_stream()), fixed now even if the filling waits. Does
  /// nothing and returns false if there are values already and not `force`. New values are new
  /// arrays: old views keep the old numbers.
  ///
  /// @throws ArgumentError if the shape is unknown and waiting is not allowed; whatever the
  /// initializer throws, and the parameter is then as it was before the call.
  bool initialize(std::shared_ptr<const Initializer> own,
                  std::shared_ptr<const Initializer> fallback, Generator stream,
                  bool force = false);

  /// Carries out the plan if the shape is known by now; does nothing when already initialized.
  ///
  /// @throws UninitializedError, DeferredInitializationError, or whatever the initializer throws,
  /// and the parameter stays deferred.
  void finish_deferred();

  /// The values, to read and to write.
  ///
  /// Layers may keep copies of the values in an order of their own. They do so only while nobody
  /// holds an array that this returned: keep the Tensor, not only a pointer into it, for as long as
  /// you write. @throws UninitializedError, DeferredInitializationError.
  Tensor data() const {
    Tensor data = values();
    drop_panels();  // after the copy: make_panels() looks how many there are
    if (watched_version_.load() == version_) witness();
    return data;
  }
  /// The values, only to be read: what layers use. @throws as data().
  const Tensor& values() const {
    if (state_ != State::initialized) throw_not_initialized();
    return data_;
  }
  /// The gradient: zeros before any backward. @throws as data(), or NoGradientError.
  const Tensor& grad() const;
  /// Whether there is a gradient to read.
  bool has_grad() const noexcept { return grad_.defined(); }
  /// Counts how often the arrays were replaced by others: tells a holder of views that they are
  /// old.
  std::uint64_t generation() const noexcept { return generation_; }
  /// Counts the writes of the values by set_data(), cast(), optimizers and mark_written().
  std::uint64_t version() const noexcept { return version_; }
  /// May be called by who writes the values through a view: snapshots are then known to be old
  /// without looking at the values.
  void mark_written() noexcept { ++version_; }

  /// For layers whose backward needs the values of its forward: what the forward keeps, and
  /// backward compares.
  struct Snapshot {
    std::uint64_t version = 0;  ///< version() at that time.
    /// Of the values, where they could be written through a view without being counted.
    std::optional<std::uint64_t> fingerprint;
  };
  /// The present state of the values. Costs nothing while nobody has an array of them, else a pass
  /// over them. @throws as data().
  Snapshot snapshot();
  /// Whether the values are what they were, however they may have been written.
  bool matches(const Snapshot& snapshot) const;

  /// Copies values into the existing array, or into a new one if there is none; the shape becomes
  /// known.
  ///
  /// @throws ShapeError if the shape does not fit, UninitializedError if nobody called
  /// `initialize()`, unless `create`. Nothing changes then.
  void set_data(const Tensor& values, bool create = false);

  /// The arrays of an initialized parameter; `grad` is undefined where none is kept.
  struct Arrays {
    Tensor data;  ///< The values.
    Tensor grad;  ///< The gradient.
  };

  /// Arrays of this parameter's kind, for adopt(): `data` is undefined memory, `grad` zeros.
  Arrays allocate(const Shape& shape, Dtype dtype) const;

  /// Takes arrays from allocate(), filled by the caller, as its own: initialized, without any
  /// initializer having run and without a copy. Old views keep the old numbers.
  void adopt(Arrays arrays) noexcept;

  /// Sets the gradient to zero; does nothing where there is none.
  void zero_grad();

  /// Where a layer's backward writes.
  struct GradTarget {
    /// The gradient, which the parameter or the pass keeps; null if grad_req is null, or the pass
    /// does not want it.
    const Tensor* grad = nullptr;
    bool accumulate = false;  ///< Whether to add to it or overwrite it.
  };
  /// Where the backward `pass` writes. Marks the gradient as fresh.
  ///
  /// @throws InputError if the parameter was cast or got another shape since an earlier gradient of
  /// a pass that collects.
  GradTarget grad_target(const BackwardPass& pass);

  /// How many passes of backward a step's gradient is the sum of, while nobody writes the values:
  /// one for each part of a batch whose losses are walked one by one, as Gluon's programs for
  /// several devices do. 1 unless set.
  void set_passes_per_step(unsigned passes);

  /// Whether a backward wrote the gradient since the last `mark_stale()` (an optimizer's step).
  bool grad_is_fresh() const noexcept { return grad_fresh_; }
  /// What an optimizer calls after its step: the gradient is used up, and the values are new.
  void mark_stale() noexcept {
    grad_fresh_ = false;
    ++version_;
    drop_panels();
  }

  /// For layers: the values of a weight (units, in_units) packed for products with its transpose,
  /// as bfloat16 (two to an element) if rounds_inference(), or null if there are none or they may
  /// be old.
  const Tensor* panels() const noexcept {
    return panels_state_.load(std::memory_order_acquire) == PanelsState::valid ? &panels_ : nullptr;
  }
  /// What panels() gave last, also if they may be old by now: for layers that asked before they
  /// began, beside threads that get data() only to read. Nobody writes beside a forward, so that
  /// they hold what they held.
  const Tensor& last_panels() const noexcept { return panels_; }
  /// As panels(), but packs them if need be. Null while somebody holds what data() returned, since
  /// writes through it would not be seen. @throws as data().
  const Tensor* make_panels();

  /// Whether layers read the values rounded to bfloat16 in inference.
  bool rounds_inference() const noexcept { return rounds_inference_; }
  /// Makes layers read the values rounded to bfloat16 (to the nearest, ties to even) in inference,
  /// or not: half the memory traffic, sums still in float32. The values, training and gradients
  /// stay as they are. Of use for the weight of a dense layer; others read their values as they
  /// are.
  ///
  /// @throws DtypeError if the values are float64.
  void set_rounds_inference(bool rounds);

  /// Converts values and gradient to new arrays; a plan made before is carried out in the new
  /// dtype.
  void cast(Dtype dtype);

 private:
  static constexpr std::uint64_t no_version = ~std::uint64_t{0};
  enum class PanelsState : std::uint8_t { none, in_the_making, valid };

  void witness() const;
  void drop_panels() const noexcept {
    if (panels_state_.load() != PanelsState::none) panels_state_.store(PanelsState::none);
  }

  struct Plan {
    std::shared_ptr<const Initializer> own;
    std::shared_ptr<const Initializer> fallback;
    Generator stream;
  };

  Tensor filled(const Plan& plan) const;
  Arrays with_gradient(Tensor data) const;
  void publish(Arrays arrays) noexcept;
  [[noreturn]] void throw_not_initialized() const;
  static std::uint64_t next_id() noexcept;

  std::uint64_t id_ = next_id();
  std::string name_;
  std::optional<Shape> shape_;
  Settings settings_;
  std::atomic<State> state_{
      State::uninitialized};  // set last, so that who reads it sees the arrays
  Tensor data_;
  Tensor grad_;
  Tensor panels_;
  mutable std::atomic<PanelsState> panels_state_{PanelsState::none};
  bool rounds_inference_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t version_ = 0;
  // The version that the last snapshot saw, and that whose fingerprint is kept: of what data() lent
  // out before anybody could write into it.
  std::atomic<std::uint64_t> watched_version_{no_version};
  mutable std::atomic<std::uint64_t> witnessed_version_{no_version};
  mutable std::uint64_t witnessed_ = 0;
  std::uint64_t grad_pass_ = 0;
  // The version of the values that it ran on, and how many passes the gradient is the sum of.
  std::uint64_t grad_version_ = 0;
  unsigned grad_passes_ = 0;
  unsigned passes_per_step_ = 1;
  bool grad_fresh_ = false;
  bool filling_ = false;
  std::thread::id filler_;
  std::optional<Plan> plan_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
};

}  // namespace glueball
