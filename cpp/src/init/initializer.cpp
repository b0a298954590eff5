#include "glueball/initializer.h"

#include <cstring>

#include "core/pattern.h"
#include "core/refuse.h"

namespace glueball {
namespace {

/// Calls the hook of a kind.
void ask(const Initializer& initializer, ParameterKind kind, const InitDesc& desc,
         const Tensor& out, Generator& rng) {
  // In the order of ParameterKind.
  static constexpr decltype(&Initializer::init_weight) hooks[] = {
      &Initializer::init_weight, &Initializer::init_bias, &Initializer::init_gamma,
      &Initializer::init_beta,   &Initializer::init_zero, &Initializer::init_one,
      &Initializer::init_default};
  (initializer.*hooks[static_cast<std::size_t>(kind)])(desc, out, rng);
}

}  // namespace

ParameterKind kind_of(std::string_view name) noexcept {
  struct Ending {
    std::string_view text;
    ParameterKind kind;
  };
  // "min" and "max" are the ranges that quantized networks keep.
  static constexpr Ending endings[] = {{"weight", ParameterKind::weight},
                                       {"bias", ParameterKind::bias},
                                       {"gamma", ParameterKind::gamma},
                                       {"beta", ParameterKind::beta},
                                       {"min", ParameterKind::zero},
                                       {"max", ParameterKind::one},
                                       {"running_mean", ParameterKind::zero},
                                       {"moving_mean", ParameterKind::zero},
                                       {"running_var", ParameterKind::one},
                                       {"moving_var", ParameterKind::one},
                                       {"moving_inv_var", ParameterKind::zero},
                                       {"moving_avg", ParameterKind::zero}};
  for (const Ending& ending : endings) {
    if (name.ends_with(ending.text)) return ending.kind;
  }
  return ParameterKind::other;
}

void Initializer::operator()(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  if (desc.own) {
    desc.own->fill_own(desc, out, rng);
    return;
  }
  if (!desc.of_parameter) {
    // Two names that Gluon's symbolic networks gave their layers.
    if (desc.name.starts_with("upsampling")) {
      Bilinear().init_weight(desc, out, rng);
      return;
    }
    if (desc.name.starts_with("stn_loc") && desc.name.ends_with("weight")) {
      init_zero(desc, out, rng);
      return;
    }
  }
  const ParameterKind kind = kind_of(desc.name);
  const bool unknown_weight = kind == ParameterKind::other && desc.of_parameter;
  ask(*this, unknown_weight ? ParameterKind::weight : kind, desc, out, rng);
}

void Initializer::fill_own(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  const ParameterKind kind = kind_of(desc.name);
  ask(*this, overrides(kind) ? kind : ParameterKind::weight, desc, out, rng);
}

void Initializer::init_default(const InitDesc& desc, const Tensor& /*out*/,
                               Generator& /*rng*/) const {
  // The remedy begins with Gluon's sentence, which its users search for.
  refuse<ArgumentError>(
      {"a name that ends with weight, bias, gamma, beta, min, max, running_mean, "
       "running_var, moving_mean, moving_var, moving_inv_var or moving_avg"},
      {"'", desc.name, "'"},
      {"Unknown initialization pattern for ", desc.name,
       ". Default initialization is now limited to \"weight\", \"bias\", \"gamma\" (1.0), "
       "and \"beta\" (0.0). Rename the parameter, or give it an initializer of its own"});
}

bool Initializer::overrides(ParameterKind kind) const { return kind == ParameterKind::weight; }

void Initializer::fill_shard(const InitDesc& desc, const Shape& whole, std::int64_t offset,
                             const Tensor& part, Generator rng) const {
  const std::int64_t size = whole.elements();
  if (offset < 0 || part.size() > size || offset > size - part.size()) {
    refuse<ShapeError>(
        {"a shard inside '", desc.name, "' of shape ", whole, ", which has ", size, " elements"},
        {part.size(), " elements from element ", offset, " on"},
        {"count elements in row-major order"});
  }
  if (part.size() == 0) return;

  if (is_elementwise()) {
    InitDesc of_shard = desc;
    of_shard.whole = whole;
    rng.seek(rng.position() + static_cast<std::uint64_t>(offset));
    init_weight(of_shard, part, rng);
    return;
  }
  const Tensor all(whole, part.dtype());
  init_weight(desc, all, rng);
  const std::size_t skipped = static_cast<std::size_t>(offset) * size_of(part.dtype());
  std::memcpy(part.raw(), static_cast<const char*>(all.raw()) + skipped, part.bytes());
}

struct Mixed::Rule {
  std::string text;
  Pattern pattern;
  std::shared_ptr<const Initializer> initializer;

  bool matches(const std::string& name) const { return pattern.is_in(name); }
  /// No pattern about names is found in both of these but one that is found in all.
  bool matches_all() const { return matches("\x01") && matches("~"); }
};

Mixed::Mixed(std::vector<std::pair<std::string, std::shared_ptr<const Initializer>>> rules) {
  if (rules.empty()) {
    refuse<ArgumentError>({"at least one pattern with an initializer for Mixed"}, {"none"},
                          {"\".*\" is the pattern of everything"});
  }
  std::vector<Rule> compiled;
  compiled.reserve(rules.size());
  for (auto& [pattern, initializer] : rules) {
    if (!initializer) {
      refuse<ArgumentError>({"an initializer for Mixed's pattern '", pattern, "'"}, {"none"},
                            {"give one to each pattern"});
    }
    compiled.push_back({pattern, Pattern(pattern, "Mixed"), std::move(initializer)});
  }
  rules_ = std::make_shared<const std::vector<Rule>>(std::move(compiled));
}

const Mixed::Rule& Mixed::rule_for(const InitDesc& desc) const {
  std::string patterns;
  for (const Rule& rule : *rules_) {
    if (rule.matches(desc.name)) return rule;
    patterns += (patterns.empty() ? "'" : ", '") + rule.text + "'";
  }
  refuse<ArgumentError>({"a parameter whose name one of Mixed's patterns matches: ", patterns},
                        {"parameter name '", desc.name, "', which did not match any pattern"},
                        {"add the pattern \".*\" at the end, with a default initializer"});
}

void Mixed::operator()(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  if (desc.own) {
    desc.own->fill_own(desc, out, rng);
    return;
  }
  const Rule& rule = rule_for(desc);
  if (rule.matches_all()) {
    (*rule.initializer)(desc, out, rng);
  } else {
    rule.initializer->fill_own(desc, out, rng);
  }
}

void Mixed::fill_own(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  rule_for(desc).initializer->fill_own(desc, out, rng);
}

void Mixed::init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  rule_for(desc).initializer->init_weight(desc, out, rng);
}

std::shared_ptr<const Initializer> default_initializer() {
  static const std::shared_ptr<const Initializer> uniform = std::make_shared<const Uniform>();
  return uniform;
}

}  // namespace glueball
