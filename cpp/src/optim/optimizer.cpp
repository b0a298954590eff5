#include "glueball/optimizer.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "core/mutex.h"
#include "core/read_section.h"
#include "core/refuse.h"
#include "core/text.h"
#include "core/with_type.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "optim/flush_to_zero.h"

namespace glueball {
namespace {

constexpr std::int64_t grain = 1 << 16;

constexpr std::int64_t blocks_of(std::int64_t size) { return (size + grain - 1) / grain; }
constexpr double infinity = std::numeric_limits<double>::infinity();
/// What float32 can hold: an infinite rate or bound makes NaN of weights.
constexpr double largest_setting = std::numeric_limits<float>::max();

/// One hyperparameter: its default, and the values that it may have.
struct Hyperparameter {
  const char* name;
  double standard;
  double lowest = 0.0;
  double highest = largest_setting;
  bool open = false;  ///< `highest` itself is out of range
};

constexpr Hyperparameter rate_of_decay(const char* name, double standard) {
  return {name, standard, 0.0, 1.0, true};
}

constexpr Hyperparameter flag(const char* name, double standard) {
  return {name, standard, 0.0, 1.0};
}

/// As Gluon's LARS: vectors that shift or scale have sizes that say nothing about their gradients.
bool scales_layer(std::string_view name) {
  return !(name.ends_with("bias") || name.ends_with("gamma") || name.ends_with("beta"));
}

void check_same_shape(const Tensor& array, const Tensor& weight, const char* what) {
  if (array.shape() != weight.shape()) {
    refuse<ShapeError>({what, " of the weight's shape, ", weight.shape()}, {array.shape()},
                       {"pass arrays of one shape"});
  }
  if (array.dtype() != weight.dtype()) {
    refuse<DtypeError>({what, " of the weight's dtype, ", weight.dtype()}, {array.dtype()},
                       {"cast it first"});
  }
}

/// Whether an update changes the parameter.
bool is_due(const std::shared_ptr<Parameter>& parameter, bool ignore_stale) {
  if (parameter == nullptr) {
    refuse<ArgumentError>({"parameters to update"}, {"null among them"}, {"leave it out"});
  }
  if (parameter->grad_req() == GradReq::null) return false;
  (void)parameter->values();  // throws if there is none
  return !ignore_stale || parameter->grad_is_fresh();
}

}  // namespace

struct Optimizer::Lock : Mutex<Rank::optimizer> {};

/// A name, its kernels, and what can be set. Hyperparameters are in the order in which
/// the kernel reads them.
struct Optimizer::Rule {
  const char* name;
  kernels::RuleCode code;
  std::vector<Hyperparameter> hyperparameters;
  /// The kernel for when hyperparameter number `variant_by` is not 0.
  kernels::RuleCode variant = code;
  std::size_t variant_by = 0;

  [[gnu::cold]] std::size_t index(const std::string& wanted) const {
    for (std::size_t i = 0; i < hyperparameters.size(); ++i) {
      if (hyperparameters[i].name == wanted) return i;
    }
    std::string names;
    for (const Hyperparameter& each : hyperparameters) {
      names += (names.empty() ? "" : ", ") + std::string(each.name);
    }
    refuse<ArgumentError>({"a hyperparameter of the rule '", name, "' (",
                           (names.empty() ? "there are none" : names), ")"},
                          {"'", wanted, "'"}, {"correct the name"});
  }

  [[gnu::cold]] void check(std::size_t i, double value) const {
    const Hyperparameter& each = hyperparameters[i];
    const bool below = each.open ? value < each.highest : value <= each.highest;
    if (value >= each.lowest && below) return;
    const std::string article =
        std::string_view("aeiou").find(each.name[0]) == std::string_view::npos ? "a " : "an ";
    std::string range = article + each.name + " of " + to_text(each.lowest) + " or more";
    if (each.highest == largest_setting) {
      if (value > each.highest) range += ", that float32 can hold";
    } else {
      range += each.open ? " and below " : " and at most ";
      range += to_text(each.highest);
    }
    refuse<ArgumentError>({range}, {value}, {"the default is ", each.standard});
  }
};

[[gnu::cold]] const std::vector<Optimizer::Rule>& Optimizer::all() {
  using namespace kernels;
  constexpr double epsilon = 1e-8;
  const auto beta1 = rate_of_decay("beta1", 0.9);
  const auto beta2 = rate_of_decay("beta2", 0.999);
  const Hyperparameter momentum{"momentum", 0.0};
  static const std::vector<Rule> rules = {
      {"adadelta", rule_adadelta, {rate_of_decay("rho", 0.9), {"epsilon", 1e-5}}},
      {"adagrad", rule_adagrad, {{"eps", 1e-7}}},
      {"adam", rule_adam, {beta1, beta2, {"epsilon", epsilon}}},
      {"adamax", rule_adamax, {beta1, beta2}},
      {"adamw", rule_adamw, {beta1, beta2, {"epsilon", epsilon}, flag("correct_bias", 1.0)}},
      {"dcasgd", rule_dcasgd, {momentum, {"lamda", 0.04}}, rule_dcasgd_momentum},
      {"ftml", rule_ftml, {rate_of_decay("beta1", 0.6), beta2, {"epsilon", epsilon}}},
      {"ftrl", rule_ftrl, {{"lamda1", 0.01}, {"beta", 1.0}}},
      {"lamb",
       rule_lamb,
       {beta1,
        beta2,
        {"epsilon", 1e-6},
        flag("bias_correction", 1.0),
        {"lower_bound", 0.0},
        {"upper_bound", infinity, 0.0, infinity}}},
      {"lars",
       rule_lars,
       {momentum, {"eta", 0.001}, {"eps", 0.0}, flag("momentum_correction", 1.0)},
       rule_lars_momentum},
      {"nadam", rule_nadam, {beta1, beta2, {"epsilon", epsilon}, {"schedule_decay", 0.004}}},
      {"nag", rule_sgd, {momentum}, rule_nag_momentum},
      {"rmsprop",
       rule_rmsprop,
       {rate_of_decay("gamma1", 0.9),
        rate_of_decay("gamma2", 0.9),
        {"epsilon", epsilon},
        flag("centered", 0.0),
        {"clip_weights", 0.0}},
       rule_rmsprop_centered,
       3},
      {"sgd", rule_sgd, {momentum}, rule_sgd_momentum},
      {"signum", rule_signum, {{"momentum", 0.9}, {"wd_lh", 0.0}}, rule_signum_momentum},
  };
  return rules;
}

const Optimizer::Rule& Optimizer::find(const std::string& name) {
  for (const Rule& rule : all()) {
    if (rule.name == name) return rule;
  }
  std::string names;
  for (const Rule& rule : all()) names += (names.empty() ? "" : ", ") + std::string(rule.name);
  refuse<ArgumentError>({"one of the rules ", names}, {"'", name, "'"}, {"correct the name"});
}

std::vector<std::string> Optimizer::rules() {
  std::vector<std::string> names;
  std::transform(all().begin(), all().end(), std::back_inserter(names),
                 [](const Rule& rule) { return rule.name; });
  return names;
}

Optimizer::Optimizer(const std::string& rule) : Optimizer(rule, Settings()) {}

Optimizer::Optimizer(const std::string& rule, const Settings& settings,
                     const Hyperparameters& hyperparameters)
    : lock_(std::make_unique<Lock>()), rule_(&find(rule)), settings_(settings) {
  for (const Hyperparameter& each : rule_->hyperparameters) values_.push_back(each.standard);
  for (const auto& [name, value] : hyperparameters) set_hyperparameter(name, value);
}

Optimizer::Optimizer(const Optimizer& other) : Optimizer(other, Held(*other.lock_)) {}

Optimizer::Optimizer(const Optimizer& other, const Held&)
    : lock_(std::make_unique<Lock>()),
      rule_(other.rule_),
      settings_(other.settings_),
      values_(other.values_),
      first_count_(other.first_count_),
      kept_(other.kept_),
      places_(other.places_) {
  // Copies of Tensors share their numbers: the two would move each other's momentum.
  for (Kept& kept : kept_) {
    for (Tensor& array : kept.state.arrays) array = array.clone();
  }
}

Optimizer& Optimizer::operator=(const Optimizer& other) {
  if (this != &other) *this = Optimizer(other);
  return *this;
}

Optimizer::Optimizer(Optimizer&& other) noexcept = default;

Optimizer& Optimizer::operator=(Optimizer&& other) noexcept = default;

Optimizer::~Optimizer() = default;

std::string Optimizer::rule() const { return rule_->name; }

double Optimizer::learning_rate() const {
  const Held held(*lock_);
  return settings_.learning_rate;
}

void Optimizer::set_learning_rate(double rate) {
  const Held held(*lock_);
  settings_.learning_rate = rate;
}

void Optimizer::set_first_count(std::int64_t count) {
  const Held held(*lock_);
  first_count_ = count;
}

Optimizer::Hyperparameters Optimizer::hyperparameters() const {
  const Held held(*lock_);
  Hyperparameters found;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    found.emplace_back(rule_->hyperparameters[i].name, values_[i]);
  }
  return found;
}

double Optimizer::hyperparameter(const std::string& name) const {
  const std::size_t index = rule_->index(name);
  const Held held(*lock_);
  return values_[index];
}

void Optimizer::set_hyperparameter(const std::string& name, double value) {
  const std::size_t i = rule_->index(name);
  rule_->check(i, value);
  const Held held(*lock_);
  values_[i] = value;
}

int Optimizer::code() const noexcept {
  return values_[rule_->variant_by] != 0.0 ? rule_->variant : rule_->code;
}

std::int64_t Optimizer::next_count(const std::vector<std::shared_ptr<Parameter>>& parameters,
                                   bool ignore_stale) const {
  const ReadSection section;
  const Held held(*lock_);
  std::int64_t largest = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!is_due(parameters[i], ignore_stale)) continue;
    const std::size_t place = place_of(parameters[i]->id(), i);
    const std::int64_t count = place == kept_.size() ? first_count_ : kept_[place].state.count;
    largest = std::max(largest, count + 1);
  }
  return largest;
}

std::size_t Optimizer::place_of(std::uint64_t id, std::size_t likely) const {
  // Nearly always: the same parameters are updated again in the same order.
  if (likely < kept_.size() && kept_[likely].id == id) return likely;
  const auto found = places_.find(id);
  return found == places_.end() ? kept_.size() : found->second;
}

Optimizer::State& Optimizer::state_of(std::uint64_t id, std::size_t likely) {
  const std::size_t place = place_of(id, likely);
  if (place != kept_.size()) return kept_[place].state;
  kept_.push_back({id, {.count = first_count_}});
  try {
    places_.emplace(id, kept_.size() - 1);
  } catch (...) {
    kept_.pop_back();
    throw;
  }
  return kept_.back().state;
}

std::int64_t Optimizer::update(const std::vector<std::shared_ptr<Parameter>>& parameters,
                               bool ignore_stale) {
  const Held held(*lock_);
  return update_locked(parameters, ignore_stale);
}

std::int64_t Optimizer::update(const std::vector<std::shared_ptr<Parameter>>& parameters,
                               const Settings& settings, bool ignore_stale) {
  const Held held(*lock_);
  settings_ = settings;
  return update_locked(parameters, ignore_stale);
}

void Optimizer::update_rescaled(const std::vector<std::shared_ptr<Parameter>>& parameters,
                                double rescale_grad, bool ignore_stale) {
  const Held held(*lock_);
  settings_.rescale_grad = rescale_grad;
  update_locked(parameters, ignore_stale);
}

bool Optimizer::is_prepared(const State& state, const Tensor& weight, std::size_t count) noexcept {
  return state.arrays.size() >= count &&
         std::ranges::all_of(state.arrays, [&](const Tensor& array) {
           return array.shape() == weight.shape() && array.dtype() == weight.dtype();
         });
}

std::int64_t Optimizer::update_locked(const std::vector<std::shared_ptr<Parameter>>& parameters,
                                      bool ignore_stale) {
  const ReadSection section;
  // All are looked at, and all memory is obtained, before one is changed: half an update would be
  // worse than none.
  const auto states = static_cast<std::size_t>(kernels::table<float>().rules[code()].states);
  std::int64_t most = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!is_due(parameters[i], ignore_stale)) continue;
    const Parameter::Arrays& arrays = parameters[i]->arrays();
    if (!arrays.grad.defined()) continue;
    State& state = state_of(parameters[i]->id(), i);
    if (!is_prepared(state, arrays.data, states)) prepare(state, arrays.data);
    most = std::max(most, arrays.data.size());
  }
  const Tensor sums = memory_for_sums(most);
  const FlushToZero flush;  // here, so that there is nothing to change for each parameter
  std::int64_t largest = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::shared_ptr<Parameter>& parameter = parameters[i];
    if (!is_due(parameter, ignore_stale)) continue;
    const Parameter::Arrays& arrays = parameter->arrays();
    if (!arrays.grad.defined()) continue;  // another thread has just said grad_req null
    const Tensor& weight = arrays.data;
    State& state = state_of(parameter->id(), i);
    // Not if another thread has replaced the arrays since.
    if (!is_prepared(state, weight, states)) prepare(state, weight);
    Settings settings = settings_;
    settings.learning_rate *= parameter->lr_mult();
    settings.weight_decay *= parameter->wd_mult();
    with_type(weight.dtype(), [&]<class T>(T) {
      apply<T>(weight, arrays.grad, state, settings, parameter->name(), sums);
    });
    parameter->mark_stale();
    largest = std::max(largest, state.count);
  }
  return largest;
}

void Optimizer::update_array(const Tensor& weight, const Tensor& gradient, State& state,
                             double learning_rate, double weight_decay,
                             const std::string& name) const {
  Settings settings;
  {
    const Held held(*lock_);
    settings = settings_;
  }
  settings.learning_rate = learning_rate;
  settings.weight_decay = weight_decay;
  update_array(weight, gradient, state, settings, name);
}

void Optimizer::update_array(const Tensor& weight, const Tensor& gradient, State& state,
                             const Settings& settings, const std::string& name) const {
  const Held held(*lock_);
  check_same_shape(gradient, weight, "a gradient");
  for (const Tensor& array : state.arrays) check_same_shape(array, weight, "a state");
  prepare(state, weight);
  const Tensor sums = memory_for_sums(weight.size());
  const FlushToZero flush;
  with_type(weight.dtype(),
            [&]<class T>(T) { apply<T>(weight, gradient, state, settings, name, sums); });
}

std::vector<Tensor> Optimizer::first_arrays(const Tensor& weight) const {
  const Held held(*lock_);
  std::vector<Tensor> arrays;
  complete(arrays, weight);
  return arrays;
}

void Optimizer::complete(std::vector<Tensor>& arrays, const Tensor& weight) const {
  // Both dtypes have the same rules.
  const kernels::UpdateRule<float>& rule = kernels::table<float>().rules[code()];
  while (arrays.size() < static_cast<std::size_t>(rule.states)) {
    const bool copies = rule.first_state_is_weight && arrays.empty();
    arrays.push_back(copies ? weight.clone() : Tensor(weight.shape(), weight.dtype()));
  }
}

void Optimizer::prepare(State& state, const Tensor& weight) const {
  for (Tensor& array : state.arrays) {
    // A parameter that was initialized again with another shape starts over; one that was cast goes
    // on.
    if (array.shape() != weight.shape()) {
      State first{.count = first_count_};
      complete(first.arrays, weight);
      state = std::move(first);
      return;
    }
    if (array.dtype() != weight.dtype()) array = array.cast(weight.dtype());
  }
  complete(state.arrays, weight);
}

Tensor Optimizer::memory_for_sums(std::int64_t size) const {
  if (kernels::table<float>().rules[code()].norms == nullptr) return {};
  return Tensor::uninitialized({2 * blocks_of(size)}, Dtype::float64);
}

template <class T>
void Optimizer::apply(const Tensor& weight, const Tensor& gradient, State& state,
                      const Settings& settings, const std::string& name, const Tensor& sums) const {
  const kernels::UpdateRule<T>& rule = kernels::table<T>().rules[code()];
  ++state.count;
  // The formula's limit for a rate that goes to 0 is that nothing moves.
  if (rule.divides_by_rate && settings.learning_rate == 0.0) return;

  kernels::UpdateArguments arguments{};
  arguments.learning_rate = settings.learning_rate;
  arguments.weight_decay = settings.weight_decay;
  arguments.rescale = settings.rescale_grad;
  arguments.clip = settings.clip_gradient;
  std::ranges::copy(values_, arguments.hyper);
  if (rule_->code == kernels::rule_lars) arguments.hyper[4] = scales_layer(name) ? 1.0 : 0.0;
  arguments.count = static_cast<double>(state.count);
  arguments.carry = state.carry;

  T* const w = weight.data<T>();
  const T* const g = gradient.data<T>();
  T* arrays[kernels::max_states] = {};
  for (int i = 0; i < rule.states; ++i) {
    arrays[i] = state.arrays[static_cast<std::size_t>(i)].template data<T>();
  }
  const auto shifted = [&](std::int64_t begin, T** pointers) {
    for (int i = 0; i < kernels::max_states; ++i) {
      pointers[i] = arrays[i] == nullptr ? nullptr : arrays[i] + begin;
    }
  };
  const std::int64_t size = weight.size();
  if (rule.norms != nullptr) {
    // Sums of whole grains, added in order: the same for any number of threads.
    const std::int64_t blocks = blocks_of(size);
    auto* const parts = sums.data<double>();
    std::fill_n(parts, 2 * blocks, 0.0);
    parallel_for(blocks, 1, [&](std::int64_t first, std::int64_t last) {
      const FlushToZero flush;  // the caller's does not hold for other threads
      for (std::int64_t block = first; block < last; ++block) {
        const std::int64_t begin = block * grain;
        T* pointers[kernels::max_states];
        shifted(begin, pointers);
        rule.norms(w + begin, g + begin, pointers, std::min(grain, size - begin), arguments,
                   parts + 2 * block);
      }
    });
    for (std::int64_t i = 0; i < 2 * blocks; i += 2) {
      arguments.weight_square += parts[i];
      arguments.measured_square += parts[i + 1];
    }
  }
  if (size < 2 * grain) {  // on this thread, which flushes already
    rule.update(w, g, arrays, size, arguments);
  } else {
    parallel_for(size, grain, [&](std::int64_t begin, std::int64_t end) {
      const FlushToZero flush;
      T* pointers[kernels::max_states];
      shifted(begin, pointers);
      rule.update(w + begin, g + begin, pointers, end - begin, arguments);
    });
  }
  if (rule.next_carry != nullptr) state.carry = rule.next_carry(arguments);
}

Optimizer::State Optimizer::state(const Parameter& parameter) const {
  const Held held(*lock_);
  const std::size_t place = place_of(parameter.id(), 0);
  return place == kept_.size() ? State{.count = first_count_} : kept_[place].state;
}

void Optimizer::set_state(const Parameter& parameter, const State& state) {
  if (state.arrays.size() > kernels::max_states) {
    refuse<ArgumentError>(
        {"at most ", kernels::max_states, " state arrays for Parameter '", parameter.name(), "'"},
        {state.arrays.size()}, {"load the states that were saved with this optimizer"});
  }
  // Counts are computed with as doubles, and one more has to be a count as well.
  constexpr std::int64_t most = std::int64_t{1} << 53;
  if (state.count < 0 || state.count > most || !std::isfinite(state.carry)) {
    refuse<ArgumentError>({"a count from 0 to ", most,
                           " and a finite number to carry for Parameter '", parameter.name(), "'"},
                          {state.count, " and ", state.carry},
                          {"load the states that were saved with this optimizer"});
  }
  for (const Tensor& array : state.arrays) {
    if (parameter.shape() && parameter.shape()->is_compatible(array.shape())) continue;
    refuse<ShapeError>(
        {"a state of the shape of Parameter '", parameter.name(), "', ", parameter.shape()},
        {array.shape()}, {"load the states that were saved with this net"});
  }
  State copied{state.count, state.carry, {}};
  for (const Tensor& array : state.arrays) {
    // A copy in either case; another dtype is changed at the next update, as after a cast.
    copied.arrays.push_back(array.clone());
  }
  const Held held(*lock_);
  state_of(parameter.id(), 0) = std::move(copied);
}

}  // namespace glueball
