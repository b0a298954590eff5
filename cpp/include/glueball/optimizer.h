#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "glueball/export.h"
#include "glueball/parameter.h"

namespace glueball {

/// Changes parameters by their gradients, by one of the rules that the library knows.
///
/// A rule goes by a name and has hyperparameters with defaults; docs/optimizers.md has the formula
/// of each. The optimizer keeps arrays (momentum ...) for each Parameter object; parameters may
/// join at any step.
///
///     Optimizer adam("adam", settings, {{"beta1", 0.95}});
///     adam.update(parameters);
///
/// Any thread may call any of this at any time, but for assignments and settings(): a lock guards
/// settings and states, so updates of one optimizer run one after the other.
class GLUEBALL_API Optimizer {
 public:
  /// What every rule has.
  struct Settings {
    double learning_rate = 0.01;  ///< What a step is multiplied by; schedules change it.
    double weight_decay = 0.0;    ///< Pulls values towards 0, by this share of them.
    double rescale_grad = 1.0;    ///< What gradients are multiplied by: 1 / batch size, say.
    /// Clips each element of rescale_grad * gradient (of some rules: with the decay already added)
    /// to [-clip, clip]; 0 or less: no clipping.
    double clip_gradient = 0.0;
  };

  /// Names and values of what a rule has beyond the Settings.
  using Hyperparameters = std::vector<std::pair<std::string, double>>;

  /// What an optimizer keeps for one parameter.
  struct State {
    /// How many updates there were.
    std::int64_t count = 0;
    /// A number that goes from one update to the next, with a meaning of its rule's (Nadam: the
    /// product of its momenta; LARS: the last learning rate).
    double carry = 1.0;
    /// Of the parameter's shape and dtype, in the order of the rule's formula; none before the
    /// first update, or where the rule needs none.
    std::vector<Tensor> arrays = {};
  };

  /// The names of the rules, sorted.
  static std::vector<std::string> rules();

  /// Hyperparameters that are not named have their defaults.
  ///
  /// @throws ArgumentError for an unknown rule, an unknown hyperparameter, or a value outside its
  /// range.
  explicit Optimizer(const std::string& rule);
  /// With these settings. @throws as the other.
  Optimizer(const std::string& rule, const Settings& settings,
            const Hyperparameters& hyperparameters = {});
  /// Goes on from the same states, with arrays of its own.
  Optimizer(const Optimizer& other);
  /// The same.
  Optimizer& operator=(const Optimizer& other);
  /// Takes the states over; what is left may only be destroyed or assigned to.
  Optimizer(Optimizer&& other) noexcept;
  /// The same.
  Optimizer& operator=(Optimizer&& other) noexcept;
  virtual ~Optimizer();

  /// The name of the rule.
  std::string rule() const;

  /// To be read and changed between updates, by one thread at a time.
  Settings& settings() noexcept { return settings_; }
  /// The same, to be read.
  const Settings& settings() const noexcept { return settings_; }
  /// The learning rate in settings(), also beside updates of other threads.
  double learning_rate() const;
  /// Changes it, from the next update on.
  void set_learning_rate(double rate);

  /// All of the rule's, with their present values, in its own order.
  Hyperparameters hyperparameters() const;
  /// The value of one. @throws ArgumentError if the rule has none of that name.
  double hyperparameter(const std::string& name) const;
  /// Changes one, from the next update on.
  ///
  /// @throws ArgumentError if the rule has none of that name, or for a value outside its range;
  /// nothing changes then.
  void set_hyperparameter(const std::string& name, double value);

  /// Counts of new parameters start here instead of at 0: for those that go on with a training.
  void set_first_count(std::int64_t count);

  /// The largest count that an `update` with the same arguments would lead to; 0 if it would
  /// change nothing.
  ///
  /// @throws as `update`.
  std::int64_t next_count(const std::vector<std::shared_ptr<Parameter>>& parameters,
                          bool ignore_stale = false) const;

  /// One update of every parameter whose grad_req is not null; gradients stay as they are.
  ///
  /// lr_mult and wd_mult are read from each parameter. With `ignore_stale`, those whose gradient no
  /// backward wrote since the last update are skipped. Gradients count as stale afterwards.
  /// Returns the largest count that it led to, as `next_count` foretells if each is there once.
  /// @throws ArgumentError for null, UninitializedError, DeferredInitializationError, before
  /// anything is changed.
  std::int64_t update(const std::vector<std::shared_ptr<Parameter>>& parameters,
                      bool ignore_stale = false);
  /// The same, with these settings from now on.
  std::int64_t update(const std::vector<std::shared_ptr<Parameter>>& parameters,
                      const Settings& settings, bool ignore_stale);

  /// One update of a single array, whose state the caller keeps: `state` is moved on, and its
  /// arrays are made where they are missing. Reads rescale_grad and clip_gradient of settings().
  ///
  /// `name` matters to LARS only, which does not scale those that end in bias, gamma or beta.
  /// @throws ShapeError, DtypeError if gradient or state do not fit the weight.
  void update_array(const Tensor& weight, const Tensor& gradient, State& state,
                    double learning_rate, double weight_decay, const std::string& name = {}) const;
  /// The same with settings of the caller's.
  void update_array(const Tensor& weight, const Tensor& gradient, State& state,
                    const Settings& settings, const std::string& name = {}) const;

  /// New arrays for `update_array`, as the first update of `weight` finds them.
  std::vector<Tensor> first_arrays(const Tensor& weight) const;

  /// What is kept for a parameter; its arrays share memory with the optimizer's.
  State state(const Parameter& parameter) const;
  /// Replaces it by a copy: for going on with a training. Arrays that are missing will be made.
  /// @throws ShapeError if an array does not fit the parameter, ArgumentError if there are too
  /// many, for a negative count, or a carry that is not finite; nothing changes then.
  void set_state(const Parameter& parameter, const State& state);

 private:
  friend class Trainer;
  struct Rule;
  struct Lock;
  using Held = std::lock_guard<Lock>;
  Optimizer(const Optimizer& other, const Held& held);
  static const Rule& find(const std::string& name);
  static const std::vector<Rule>& all();

  /// With gradients multiplied by `rescale_grad` from now on.
  void update_rescaled(const std::vector<std::shared_ptr<Parameter>>& parameters,
                       double rescale_grad, bool ignore_stale);
  std::int64_t update_locked(const std::vector<std::shared_ptr<Parameter>>& parameters,
                             bool ignore_stale);

  // From here on, under the lock.

  /// Where the state of the parameter with that id is in kept_; the end if there is none. `likely`
  /// is looked at first.
  std::size_t place_of(std::uint64_t id, std::size_t likely) const;
  /// The same state, made if there is none.
  State& state_of(std::uint64_t id, std::size_t likely);
  int code() const noexcept;
  /// Appends the arrays that are missing.
  void complete(std::vector<Tensor>& arrays, const Tensor& weight) const;
  /// Whether at least `count` arrays are there, and all fit the weight: nearly always.
  static bool is_prepared(const State& state, const Tensor& weight, std::size_t count) noexcept;
  /// Has the arrays fit the weight, and be all there: obtains what memory an update takes.
  void prepare(State& state, const Tensor& weight) const;
  /// What apply() needs beside the state, for a weight of so many elements; none for most rules.
  Tensor memory_for_sums(std::int64_t size) const;
  /// update_array() for a state that is prepared. Takes no memory, so that of the updates of a step
  /// all are done, or none.
  template <class T>
  void apply(const Tensor& weight, const Tensor& gradient, State& state, const Settings& settings,
             const std::string& name, const Tensor& sums) const;

  std::unique_ptr<Lock> lock_;
  const Rule* rule_;
  Settings settings_;
  std::vector<double> values_;  // of the hyperparameters
  std::int64_t first_count_ = 0;
  struct Kept {
    std::uint64_t id;  // Parameter::id(): addresses are used again
    State state;
  };
  std::vector<Kept> kept_;  // in the order of the parameters' first updates
  std::unordered_map<std::uint64_t, std::size_t> places_;  // in kept_, by id
};

/// Stochastic gradient descent with momentum and weight decay: the rule "sgd".
///
/// g = clip(rescale * grad) + wd * w; momentum 0: w -= lr * g; else m = momentum * m - lr * g, w +=
/// m.
class GLUEBALL_API SGD : public Optimizer {
 public:
  /// @throws ArgumentError if momentum is negative or not finite.
  explicit SGD(const Settings& settings, double momentum = 0.0)
      : Optimizer("sgd", settings, {{"momentum", momentum}}) {}

  /// How much of the last step is in the next.
  double momentum() const { return hyperparameter("momentum"); }
  /// @throws ArgumentError if it is negative or not finite.
  void set_momentum(double momentum) { set_hyperparameter("momentum", momentum); }
};

}  // namespace glueball
