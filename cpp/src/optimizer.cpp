#include "glueball/optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>

#include "flush_to_zero.h"
#include "glueball/error.h"
#include "glueball/parallel.h"
#include "kernels/table.h"
#include "refuse.h"

namespace glueball {
namespace {

constexpr std::int64_t grain = 1 << 16;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// One hyperparameter: its default, and the values that it may have.
struct Hyperparameter {
  const char* name;
  double standard;
  double lowest = 0.0;
  double highest = infinity;
  bool open = false;  ///< `highest` itself is out of range
};

constexpr Hyperparameter rate_of_decay(const char* name, double standard) {
  return {name, standard, 0.0, 1.0, true};
}

constexpr Hyperparameter flag(const char* name, double standard) {
  return {name, standard, 0.0, 1.0};
}

std::string to_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// As Gluon's LARS: vectors that shift or scale have sizes that say nothing about their gradients.
bool scales_layer(std::string_view name) {
  return !(ends_with(name, "bias") || ends_with(name, "gamma") || ends_with(name, "beta"));
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

/// A name, the kernels behind it, and what can be set. Hyperparameters are in the order in which
/// the kernel reads them.
struct Optimizer::Rule {
  const char* name;
  kernels::RuleCode code;
  std::vector<Hyperparameter> hyperparameters;
  /// The kernel for when hyperparameter number `variant_by` is not 0.
  kernels::RuleCode variant;
  int variant_by = -1;

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
    if (each.highest != infinity) {
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
      {"adadelta", rule_adadelta, {rate_of_decay("rho", 0.9), {"epsilon", 1e-5}}, rule_adadelta},
      {"adagrad", rule_adagrad, {{"eps", 1e-7}}, rule_adagrad},
      {"adam", rule_adam, {beta1, beta2, {"epsilon", epsilon}}, rule_adam},
      {"adamax", rule_adamax, {beta1, beta2}, rule_adamax},
      {"adamw",
       rule_adamw,
       {beta1, beta2, {"epsilon", epsilon}, flag("correct_bias", 1.0)},
       rule_adamw},
      {"dcasgd", rule_dcasgd, {momentum, {"lamda", 0.04}}, rule_dcasgd_momentum, 0},
      {"ftml", rule_ftml, {rate_of_decay("beta1", 0.6), beta2, {"epsilon", epsilon}}, rule_ftml},
      {"ftrl", rule_ftrl, {{"lamda1", 0.01}, {"beta", 1.0}}, rule_ftrl},
      {"lamb",
       rule_lamb,
       {beta1,
        beta2,
        {"epsilon", 1e-6},
        flag("bias_correction", 1.0),
        {"lower_bound", 0.0},
        {"upper_bound", infinity}},
       rule_lamb},
      {"lars",
       rule_lars,
       {momentum, {"eta", 0.001}, {"eps", 0.0}, flag("momentum_correction", 1.0)},
       rule_lars_momentum,
       0},
      {"nadam",
       rule_nadam,
       {beta1, beta2, {"epsilon", epsilon}, {"schedule_decay", 0.004}},
       rule_nadam},
      {"nag", rule_sgd, {momentum}, rule_nag_momentum, 0},
      {"rmsprop",
       rule_rmsprop,
       {rate_of_decay("gamma1", 0.9),
        rate_of_decay("gamma2", 0.9),
        {"epsilon", epsilon},
        flag("centered", 0.0),
        {"clip_weights", 0.0}},
       rule_rmsprop_centered,
       3},
      {"sgd", rule_sgd, {momentum}, rule_sgd_momentum, 0},
      {"signum", rule_signum, {{"momentum", 0.9}, {"wd_lh", 0.0}}, rule_signum_momentum, 0},
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
    : rule_(&find(rule)), settings_(settings) {
  for (const Hyperparameter& each : rule_->hyperparameters) values_.push_back(each.standard);
  for (const auto& [name, value] : hyperparameters) set_hyperparameter(name, value);
}

Optimizer::Optimizer(const Optimizer& other)
    : rule_(other.rule_),
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

std::string Optimizer::rule() const { return rule_->name; }

Optimizer::Hyperparameters Optimizer::hyperparameters() const {
  Hyperparameters found;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    found.emplace_back(rule_->hyperparameters[i].name, values_[i]);
  }
  return found;
}

double Optimizer::hyperparameter(const std::string& name) const {
  return values_[rule_->index(name)];
}

void Optimizer::set_hyperparameter(const std::string& name, double value) {
  const std::size_t i = rule_->index(name);
  rule_->check(i, value);
  values_[i] = value;
}

int Optimizer::code() const noexcept {
  const bool varies =
      rule_->variant_by >= 0 && values_[static_cast<std::size_t>(rule_->variant_by)] != 0.0;
  return varies ? rule_->variant : rule_->code;
}

std::int64_t Optimizer::next_count(const std::vector<std::shared_ptr<Parameter>>& parameters,
                                   bool ignore_stale) const {
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
  // Nearly always: who updates the same parameters again names them in the same order.
  if (likely < kept_.size() && kept_[likely].id == id) return likely;
  const auto found = places_.find(id);
  return found == places_.end() ? kept_.size() : found->second;
}

Optimizer::State& Optimizer::state_of(std::uint64_t id, std::size_t likely) {
  const std::size_t place = place_of(id, likely);
  if (place != kept_.size()) return kept_[place].state;
  State fresh;
  fresh.count = first_count_;
  kept_.push_back({id, std::move(fresh)});
  places_.emplace(id, kept_.size() - 1);
  return kept_.back().state;
}

std::int64_t Optimizer::update(const std::vector<std::shared_ptr<Parameter>>& parameters,
                               bool ignore_stale) {
  // All are looked at before one is changed: half an update would be worse than none.
  for (const auto& parameter : parameters) (void)is_due(parameter, ignore_stale);
  const FlushToZero flush;  // here, so that there is nothing to change for each parameter
  std::int64_t largest = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::shared_ptr<Parameter>& parameter = parameters[i];
    if (!is_due(parameter, ignore_stale)) continue;
    const Tensor& weight = parameter->values();
    State& state = state_of(parameter->id(), i);
    for (Tensor& array : state.arrays) {
      // A parameter that was initialized anew with another shape starts anew; one that was cast
      // goes on.
      if (array.shape() != weight.shape()) {
        state = State();
        state.count = first_count_;
        break;
      }
      if (array.dtype() != weight.dtype()) array = array.cast(weight.dtype());
    }
    apply(weight, parameter->grad(), state, settings_.learning_rate * parameter->lr_mult(),
          settings_.weight_decay * parameter->wd_mult(), parameter->name());
    parameter->mark_stale();
    largest = std::max(largest, state.count);
  }
  return largest;
}

void Optimizer::update_array(const Tensor& weight, const Tensor& gradient, State& state,
                             double learning_rate, double weight_decay,
                             const std::string& name) const {
  check_same_shape(gradient, weight, "a gradient");
  for (const Tensor& array : state.arrays) check_same_shape(array, weight, "a state");
  const FlushToZero flush;
  apply(weight, gradient, state, learning_rate, weight_decay, name);
}

void Optimizer::apply(const Tensor& weight, const Tensor& gradient, State& state,
                      double learning_rate, double weight_decay, const std::string& name) const {
  if (weight.dtype() == Dtype::float32) {
    run<float>(weight, gradient, state, learning_rate, weight_decay, name);
  } else {
    run<double>(weight, gradient, state, learning_rate, weight_decay, name);
  }
}

std::vector<Tensor> Optimizer::first_arrays(const Tensor& weight) const {
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

template <class T>
void Optimizer::run(const Tensor& weight, const Tensor& gradient, State& state,
                    double learning_rate, double weight_decay, const std::string& name) const {
  const kernels::UpdateRule<T>& rule = kernels::table<T>().rules[code()];
  if (state.arrays.size() < static_cast<std::size_t>(rule.states)) complete(state.arrays, weight);
  ++state.count;
  // The formula's limit for a rate that goes to 0 is that nothing moves.
  if (rule.divides_by_rate && learning_rate == 0.0) return;

  kernels::UpdateArguments arguments{};
  arguments.learning_rate = learning_rate;
  arguments.weight_decay = weight_decay;
  arguments.rescale = settings_.rescale_grad;
  arguments.clip = settings_.clip_gradient;
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
    const std::int64_t blocks = (size + grain - 1) / grain;
    const Tensor memory({2 * blocks}, Dtype::float64);  // which asks the system once only
    auto* const sums = memory.data<double>();
    parallel_for(blocks, 1, [&](std::int64_t first, std::int64_t last) {
      const FlushToZero flush;  // the caller's does not hold for other threads
      for (std::int64_t block = first; block < last; ++block) {
        const std::int64_t begin = block * grain;
        T* pointers[kernels::max_states];
        shifted(begin, pointers);
        rule.norms(w + begin, g + begin, pointers, std::min(grain, size - begin), arguments,
                   sums + 2 * block);
      }
    });
    for (std::int64_t i = 0; i < 2 * blocks; i += 2) {
      arguments.weight_square += sums[i];
      arguments.measured_square += sums[i + 1];
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
  const std::size_t place = place_of(parameter.id(), 0);
  if (place != kept_.size()) return kept_[place].state;
  State fresh;
  fresh.count = first_count_;
  return fresh;
}

void Optimizer::set_state(const Parameter& parameter, const State& state) {
  if (state.arrays.size() > kernels::max_states) {
    refuse<ArgumentError>(
        {"at most ", kernels::max_states, " state arrays for Parameter '", parameter.name(), "'"},
        {state.arrays.size()}, {"load the states that were saved with this optimizer"});
  }
  for (const Tensor& array : state.arrays) {
    if (parameter.shape() && parameter.shape()->is_compatible(array.shape())) continue;
    refuse<ShapeError>({"a state of the shape of Parameter '", parameter.name(), "', ",
                        (parameter.shape() ? to_string(*parameter.shape()) : "None")},
                       {array.shape()}, {"load the states that were saved with this net"});
  }
  State copied{state.count, state.carry, {}};
  for (const Tensor& array : state.arrays) {
    // A copy in either case; another dtype is changed at the next update, as after a cast.
    copied.arrays.push_back(array.clone());
  }
  state_of(parameter.id(), 0) = std::move(copied);
}

}  // namespace glueball
