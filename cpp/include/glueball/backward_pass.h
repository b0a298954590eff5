#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "glueball/export.h"
#include "glueball/tensor.h"

namespace glueball {

class Parameter;

/// Where a layer's backward writes a parameter's gradient.
struct GLUEBALL_API GradTarget {
  /// The gradient, which the parameter or the pass keeps; null if grad_req is null, or the pass
  /// does not want it.
  const Tensor* grad = nullptr;
  bool accumulate = false;  ///< Whether to add to it or overwrite it.
};

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
  /// Whether gradients stay with the pass, and parameters keep theirs.
  bool collects() const noexcept { return apart_ != nullptr; }

 private:
  friend class Parameter;
  struct Collected {
    std::shared_ptr<Parameter> parameter;
    Tensor grad;
  };
  Collected* place_of(const Parameter& parameter) const;
  GradTarget target(const Parameter& parameter, const Tensor& values,
                    const std::string& name) const;

  std::uint64_t id_;
  std::shared_ptr<std::vector<Collected>> apart_;  // null: into the parameters
};

}  // namespace glueball
