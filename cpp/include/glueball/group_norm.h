#pragma once

#include "glueball/normalisation.h"

namespace glueball {

/// Moments of each sample over groups of neighbouring channels, on axis 1, and all axes after
/// them.
///
/// Y. Wu, K. He, "Group normalization", ECCV 2018.
class GLUEBALL_API GroupNorm : public Normalisation {
 public:
  /// With parameters of its own, "<name>_gamma" and "<name>_beta".
  /// @throws ArgumentError if groups < 1, or they do not divide a known number of channels.
  explicit GroupNorm(std::string name, std::int64_t groups = 1, const Settings& settings = {});
  /// On parameters that others may hold too.
  GroupNorm(std::string name, std::shared_ptr<Parameter> gamma, std::shared_ptr<Parameter> beta,
            std::int64_t groups, double epsilon);

  /// Into how many groups the channels are divided.
  std::int64_t groups() const noexcept { return groups_; }

 protected:
  Layout layout(const Shape& input) const override;
  std::int64_t channel_axis() const noexcept override { return 1; }
  void check_channels(std::int64_t channels) const override;

 private:
  void check_groups() const;

  std::int64_t groups_;
};

}  // namespace glueball
