#pragma once

#include "glueball/layer.h"

namespace glueball {

/// The parameters of a net in order, each once, to be found by name, by path, by a regular
/// expression over names, or by a glob over paths.
///
/// Holds references: what is done through the list is done to the net. A list is made once and not
/// kept up to date when layers are added.
///
///     ParameterList parameters(net);
///     parameters["dense0_weight"]->set_lr_mult(0.1);
///     for (const auto& bias : parameters.select(".*bias")) bias->set_wd_mult(0.0);
///     parameters.at("encoder.*").freeze();
class GLUEBALL_API ParameterList {
 public:
  /// No parameters.
  ParameterList() = default;

  /// All of a layer's or chain's. A shared one stands at its first place.
  explicit ParameterList(const Layer& net);

  /// Those whose name `pattern` matches from the start on, as Gluon's `collect_params(select)`.
  ///
  /// An ECMAScript regular expression ("Patterns" in docs/cpp.md): ".*weight", "dense0_.*|bias".
  /// @throws ArgumentError if it is not one, or has more than 10,000 bytes.
  ParameterList select(const std::string& pattern) const;

  /// Those that have a path, of all their places, which a glob matches: "encoder.*", "*.bias".
  ///
  /// `*` stands for any characters, dots too, `?` for one, `[ab]` for one of those and `[!ab]` for
  /// one that is none of those, as in Python's `net.freeze("encoder.*")`.
  /// @throws ArgumentError if it matches none; it lists the paths. Or if it has more than 1,000
  /// bytes.
  ParameterList at(const std::string& glob) const;

  /// The one of this name ("dense0_weight") or, if none has it, at this path ("0.weight"), which
  /// may be any of a shared parameter's places.
  ///
  /// @throws ArgumentError if there is none, or several of the name; it lists the names.
  const std::shared_ptr<Parameter>& operator[](const std::string& name) const;

  /// The parameters, as Optimizer::update() takes them.
  const std::vector<std::shared_ptr<Parameter>>& all() const noexcept { return parameters_; }
  /// The structural path of each: "0.weight". As many, and in the same order.
  const std::vector<std::string>& paths() const noexcept { return paths_; }

  /// The paths of each parameter that is in several places, as Python's `net.tied()`:
  /// {{"0.weight", "1.weight"}}.
  std::vector<std::vector<std::string>> tied() const;

  /// How many there are.
  std::size_t size() const noexcept { return parameters_.size(); }
  /// For loops over the parameters.
  auto begin() const noexcept { return parameters_.begin(); }
  /// One past the last.
  auto end() const noexcept { return parameters_.end(); }

  /// The number of values in all of them. @throws ShapeError if an axis is unknown.
  std::int64_t elements() const;

  /// Initializes these parameters, or plans it, as Sequential::initialize() does.
  void initialize(const std::shared_ptr<const Initializer>& init = nullptr, std::uint64_t seed = 0,
                  bool force = false) const;
  /// Sets every gradient to zero.
  void zero_grad() const;
  /// What backward does with the gradients: GradReq::null freezes the parameters.
  void set_grad_req(GradReq grad_req) const;
  /// No backward computes their gradients, and no update changes them, from now on.
  void freeze() const { set_grad_req(GradReq::null); }
  /// They learn again: GradReq::write. What never learns, such as running statistics, stays.
  void unfreeze() const { set_grad_req(GradReq::write); }

 private:
  std::vector<std::shared_ptr<Parameter>> parameters_;
  std::vector<std::string> paths_;
  std::vector<std::vector<std::string>> places_;  // of each: its path, and others if it is shared

  void take(const ParameterList& from, std::size_t i);
};

}  // namespace glueball
