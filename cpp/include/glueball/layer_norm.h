#pragma once

#include "glueball/normalisation.h"

namespace glueball {

/// Moments of each sample over one axis. J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer
/// normalization", arXiv:1607.06450, 2016.
class GLUEBALL_API LayerNorm : public Normalisation {
 public:
  /// With parameters of its own, "<name>_gamma" and "<name>_beta".
  explicit LayerNorm(std::string name, std::int64_t axis = -1, const Settings& settings = {});
  /// On parameters that others may hold too.
  LayerNorm(std::string name, std::shared_ptr<Parameter> gamma, std::shared_ptr<Parameter> beta,
            std::int64_t axis, double epsilon);

  /// As the constructor was given it, negative from the end.
  std::int64_t axis() const noexcept { return axis_; }

 protected:
  Layout layout(const Shape& input) const override;
  std::int64_t channel_axis() const noexcept override { return axis_; }

 private:
  std::int64_t axis_;
};

}  // namespace glueball
