#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "glueball/backward_pass.h"
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

/// A named array that training changes, with its gradient and the plan for its first values.
///
/// It is in one of three states. *Uninitialized*: nobody has called `initialize()`. *Deferred*: the
/// plan is kept, but an axis of the shape is unknown. *Initialized*: `data()` and, unless grad_req
/// is null, `grad()` exist. Layers share a Parameter by holding the same shared_ptr; it is filled
/// once.
///
/// Any thread may call any of this at any time. State changes are guarded by a lock, outside which
/// the initializer runs, and arrays are replaced, never changed in kind: a run of another thread's
/// goes on with those that it found. Numbers that one thread writes while another reads them may
/// be torn.
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
  /// Gives a copy that is put beside its original a name of its own. Not while another thread uses
  /// it.
  void rename(std::string name) { name_ = std::move(name); }
  /// Unique in the process and never used again, unlike an address: what maps of parameters are
  /// keyed by.
  std::uint64_t id() const noexcept { return id_; }
  /// How far it is.
  State state() const noexcept {
    // In this order: a plan is made before arrays are, and never taken back.
    const bool planned = planned_.load(std::memory_order_acquire);
    if (is_initialized()) return State::initialized;
    return planned ? State::deferred : State::uninitialized;
  }
  /// Whether there are values. There are always then.
  bool is_initialized() const noexcept { return find_arrays() != nullptr; }
  /// Of values and gradient.
  Dtype dtype() const noexcept { return dtype_.load(std::memory_order_relaxed); }
  /// What backward does with the gradient.
  GradReq grad_req() const noexcept { return grad_req_.load(std::memory_order_relaxed); }
  /// Whether it may have a gradient at all.
  bool differentiable() const noexcept { return differentiable_; }
  /// Whether `initialize()` may wait for the shape.
  bool allow_deferred_init() const noexcept { return allow_deferred_init_; }
  /// Multiplies an optimizer's learning rate.
  double lr_mult() const noexcept { return lr_mult_.load(std::memory_order_relaxed); }
  /// Multiplies an optimizer's weight decay.
  double wd_mult() const noexcept { return wd_mult_.load(std::memory_order_relaxed); }
  /// From the next update on.
  void set_lr_mult(double value) noexcept { lr_mult_.store(value, std::memory_order_relaxed); }
  /// From the next update on.
  void set_wd_mult(double value) noexcept { wd_mult_.store(value, std::memory_order_relaxed); }
  /// The initializer that wins over the default of `initialize()`, or null.
  std::shared_ptr<const Initializer> init() const;
  /// For the next `initialize()`; a plan made before keeps its own.
  void set_init(std::shared_ptr<const Initializer> init);

  /// Changes what backward does; null drops the gradient, and leaving null makes one of zeros.
  void set_grad_req(GradReq grad_req);

  /// The shape as far as it is known; nullopt when not even the rank is. A copy: another thread's
  /// first forward may make more of it known.
  std::optional<Shape> shape() const;

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
  Tensor data() const;
  /// The arrays of an initialized parameter; `grad` is undefined where none is kept.
  struct Arrays {
    Tensor data;  ///< The values.
    Tensor grad;  ///< The gradient.
  };

  /// The arrays as they are now, for layers and optimizers: what runs looks once, and goes on with
  /// what it found. Replaced ones stay alive until the forward, backward or update ends that this
  /// is called in; elsewhere, where another thread may replace them, take data() and grad().
  /// @throws as data().
  const Arrays& arrays() const {
    const Arrays* const arrays = find_arrays();
    if (arrays == nullptr) throw_not_initialized();
    return *arrays;
  }
  /// The same, or null before there are any.
  const Arrays* find_arrays() const noexcept { return arrays_.load(std::memory_order_acquire); }
  /// The values, only to be read: what layers use, as arrays(). @throws as data().
  const Tensor& values() const { return arrays().data; }
  /// The gradient: zeros before any backward. @throws as data(), or NoGradientError.
  Tensor grad() const;
  /// Whether there is a gradient to read.
  bool has_grad() const noexcept;
  /// Counts how often the arrays were replaced by others: tells a holder of views that they are
  /// old.
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_relaxed); }
  /// Counts the writes of the values by set_data(), cast(), optimizers and mark_written().
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_relaxed); }
  /// For code that writes the values through a view: snapshots are then known to be old without
  /// looking at the values.
  void mark_written() noexcept {
    // Not fetch_add, which takes as long as an update of a small array: of two at a time one
    // counts.
    version_.store(version() + 1, std::memory_order_relaxed);
  }

  /// What the values were at a time: for layers whose backward needs the values of its forward,
  /// which the forward keeps, and backward compares.
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

  /// Arrays of this parameter's kind, for adopt(): `data` is undefined memory, `grad` zeros.
  std::unique_ptr<Arrays> allocate(const Shape& shape, Dtype dtype) const;

  /// Takes arrays from allocate(), filled by the caller, as its own: initialized, without any
  /// initializer having run and without a copy. Old views keep the old numbers.
  void adopt(std::unique_ptr<const Arrays> arrays) noexcept;

  /// Sets the gradient to zero; does nothing where there is none.
  void zero_grad();

  /// Where the backward `pass` writes. Marks the gradient as fresh.
  ///
  /// @throws InputError if the parameter was cast or got another shape since an earlier gradient of
  /// a pass that collects.
  GradTarget grad_target(const BackwardPass& pass) { return grad_target(pass, arrays()); }
  /// The same, for a backward that has looked at the arrays already.
  GradTarget grad_target(const BackwardPass& pass, const Arrays& arrays);

  /// How many passes of backward a step's gradient is the sum of, while nobody writes the values:
  /// one for each part of a batch whose losses are walked one by one, as Gluon's programs for
  /// several devices do. 1 unless set.
  void set_passes_per_step(unsigned passes);

  /// Whether a backward wrote the gradient since the last `mark_stale()` (an optimizer's step).
  bool grad_is_fresh() const noexcept;
  /// Whether a backward wrote the gradient since it was made, or last set to zero by `zero_grad()`.
  bool grad_was_computed() const noexcept;
  /// What an optimizer calls after its step: the gradient is used up, and the values are new.
  void mark_stale() noexcept;

  /// Whether layers read the values rounded to bfloat16 in inference.
  bool rounds_inference() const noexcept;
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

  /// Its parts, for the library's own layers: nn/parameter.h.
  struct Parts;
  /// The parts; they live as long as the parameter.
  Parts& parts() const noexcept { return *parts_; }

 private:
  struct Replaced;

  std::unique_ptr<Arrays> with_gradient(Tensor data) const;
  void publish(std::unique_ptr<const Arrays> arrays, Replaced& replaced) noexcept;
  [[noreturn]] void throw_not_initialized() const;

  std::uint64_t id_;
  std::string name_;
  bool differentiable_;
  bool allow_deferred_init_;
  std::atomic<Dtype> dtype_;
  std::atomic<GradReq> grad_req_;
  std::atomic<double> lr_mult_;
  std::atomic<double> wd_mult_;
  std::atomic<bool> planned_{false};
  // What it leads to never changes but for the numbers: it is replaced as a whole.
  std::atomic<const Arrays*> arrays_{nullptr};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::uint64_t> version_{0};
  std::unique_ptr<Parts> parts_;
};

}  // namespace glueball
