#pragma once

#include "glueball/normalisation.h"

namespace glueball {

/// Moments of each channel of each sample, over all axes but the first and that of the channels.
///
/// D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance normalization", arXiv:1607.08022, 2016.
class GLUEBALL_API InstanceNorm : public Normalisation {
 public:
  /// With parameters of its own, "<name>_gamma" and "<name>_beta".
  explicit InstanceNorm(std::string name, std::int64_t axis = 1, const Settings& settings = {});
  /// On parameters that others may hold too.
  InstanceNorm(std::string name, std::shared_ptr<Parameter> gamma, std::shared_ptr<Parameter> beta,
               std::int64_t axis, double epsilon);

  /// @throws ShapeError for an input that has no other axes, and as all normalisations do.
  Shape infer_shape(const Shape& input) override;

  /// As the constructor was given it, negative from the end.
  std::int64_t axis() const noexcept { return axis_; }

 protected:
  Layout layout(const Shape& input) const override;
  std::int64_t channel_axis() const noexcept override { return axis_; }

 private:
  void check_axes(const Shape& input) const;

  std::int64_t axis_;
};

}  // namespace glueball
