#pragma once

#include <cstdint>
#include <memory>
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
    std::vector<Tensor> arrays;
  };

  /// The names of the rules, sorted.
  static std::vector<std::string> rules();

  /// Hyperparameters that are not named have their defaults.
  ///
  /// @throws ArgumentError for an unknown rule, an unknown hyperparameter, or a value outside its
  /// range.
  explicit Optimizer(const std::string& rule);
  /// With settings of one's own. @throws as the other.
  Optimizer(const std::string& rule, const Settings& settings,
            const Hyperparameters& hyperparameters = {});
  /// Goes on from the same states, with arrays of its own.
  Optimizer(const Optimizer& other);
  /// The same.
  Optimizer& operator=(const Optimizer& other);
  /// Takes the states over.
  Optimizer(Optimizer&&) = default;
  /// The same.
  Optimizer& operator=(Optimizer&&) = default;
  virtual ~Optimizer() = default;

  /// The name of the rule.
  std::string rule() const;

  /// To be read and changed between updates.
  Settings& settings() noexcept { return settings_; }
  /// The same, to be read.
  const Settings& settings() const noexcept { return settings_; }

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
  void set_first_count(std::int64_t count) noexcept { first_count_ = count; }

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

  /// One update of a single array, whose state the caller keeps: `state` is moved on, and its
  /// arrays are made where they are missing.
  ///
  /// `name` matters to LARS only, which does not scale those that end in bias, gamma or beta.
  /// @throws ShapeError, DtypeError if gradient or state do not fit the weight.
  void update_array(const Tensor& weight, const Tensor& gradient, State& state,
                    double learning_rate, double weight_decay, const std::string& name = {}) const;

  /// New arrays for `update_array`, as the first update of `weight` finds them.
  std::vector<Tensor> first_arrays(const Tensor& weight) const;

  /// What is kept for a parameter; its arrays share memory with the optimizer's.
  State state(const Parameter& parameter) const;
  /// Replaces it by a copy: for going on with a training. Arrays that are missing will be made.
  /// @throws ShapeError if an array does not fit the parameter, ArgumentError if there are too
  /// many; nothing changes then.
  void set_state(const Parameter& parameter, const State& state);

 private:
  struct Rule;
  static const Rule& find(const std::string& name);
  static const std::vector<Rule>& all();

  /// Where the state of the parameter with that id is in kept_; the end if there is none. `likely`
  /// is looked at first.
  std::size_t place_of(std::uint64_t id, std::size_t likely) const;
  /// The same state, made if there is none.
  State& state_of(std::uint64_t id, std::size_t likely);
  int code() const noexcept;
  /// Appends the arrays that are missing.
  void complete(std::vector<Tensor>& arrays, const Tensor& weight) const;
  /// update_array() for arrays that are known to fit.
  void apply(const Tensor& weight, const Tensor& gradient, State& state, double learning_rate,
             double weight_decay, const std::string& name) const;
  template <class T>
  void run(const Tensor& weight, const Tensor& gradient, State& state, double learning_rate,
           double weight_decay, const std::string& name) const;

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
