#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/refuse.h"
#include "core/setting.h"
#include "glueball/initializer.h"
#include "init/initializer_support.h"

namespace glueball {
namespace {

void check_sigma(double sigma, const char* label) {
  if (!(sigma >= 0.0) || !fits_float32(sigma)) {
    refuse<ArgumentError>({"a sigma that is finite and not negative for ", label},
                          {"sigma=", sigma}, {"sigma is the standard deviation, not the variance"});
  }
}

void check_mean(double mean, const char* label) {
  if (!fits_float32(mean)) {
    refuse<ArgumentError>({"a finite mean for ", label}, {"mean=", mean}, {"pass a number"});
  }
}

}  // namespace

double cut_normal_deviation(double low, double high) {
  // Integrates the density over the part of [low, high] that holds all but 1e-17 of it, relative to
  // its highest point: the closed formula loses all its digits in the tails.
  const double mode = std::clamp(0.0, low, high);
  const double reach = std::sqrt(mode * mode + 80.0);
  const double from = std::max(low, -reach);
  const double to = std::min(high, reach);
  constexpr int steps = 4000;  // even, for Simpson's rule
  const double step = (to - from) / steps;
  double mass = 0.0;
  double first = 0.0;
  double second = 0.0;
  for (int i = 0; i <= steps; ++i) {
    const double x = from + step * i;
    const double weight = (i == 0 || i == steps ? 1.0
                           : i % 2 == 1         ? 4.0
                                                : 2.0) *
                          std::exp(0.5 * (mode * mode - x * x));
    // Around the mode, so that the variance does not cancel.
    mass += weight;
    first += weight * (x - mode);
    second += weight * (x - mode) * (x - mode);
  }
  const double mean = first / mass;
  return std::sqrt(second / mass - mean * mean);
}

Uniform::Uniform(double scale) : low_(-scale), high_(scale) {
  if (!(scale >= 0.0) || !fits_float32(scale)) {
    refuse<ArgumentError>({"a scale that is finite and not negative for Uniform"},
                          {"scale=", scale},
                          {"draws are from [-scale, scale); or give low= and high="});
  }
}

Uniform::Uniform(double low, double high) : low_(low), high_(high) {
  if (!fits_float32(low) || !fits_float32(high) || low > high) {
    refuse<ArgumentError>({"finite limits with low <= high for Uniform"},
                          {"low=", low, ", high=", high}, {"draws are from [low, high)"});
  }
}

void Uniform::init_weight(const InitDesc& /*desc*/, const Tensor& out, Generator& rng) const {
  rng.uniform(out, low_, high_);
}

Normal::Normal(double sigma, double mean) : sigma_(sigma), mean_(mean) {
  check_sigma(sigma, "Normal");
  check_mean(mean, "Normal");
}

void Normal::init_weight(const InitDesc& /*desc*/, const Tensor& out, Generator& rng) const {
  rng.normal(out, mean_, sigma_);
}

TruncatedNormal::TruncatedNormal(double sigma, double mean, double low, double high, Cut cut,
                                 bool correct)
    : sigma_(sigma), mean_(mean), low_(low), high_(high) {
  check_sigma(sigma, "TruncatedNormal");
  check_mean(mean, "TruncatedNormal");
  if (!(low < high)) {
    refuse<ArgumentError>({"cuts with low < high for TruncatedNormal"},
                          {"low=", low, ", high=", high},
                          {cut == Cut::sigma ? "they are multiples of sigma around the mean"
                                             : "they are values, as cut=\"value\" says"});
  }
  if (cut == Cut::sigma) {
    if (correct) sigma_ /= cut_normal_deviation(low, high);
    low_ = mean + low * sigma_;
    high_ = mean + high * sigma_;
  } else if (correct && sigma > 0.0) {
    // Which uncut sigma gives this one? The result's grows with it, up to that of a uniform on the
    // same interval, which it never reaches.
    const double limit = (high - low) / std::sqrt(12.0);
    if (!(sigma < limit * (1.0 - 1e-6))) {
      refuse<ArgumentError>({"a sigma below ", limit,
                             ", that of a uniform between the cuts, for TruncatedNormal "
                             "with correct=True"},
                            {"sigma=", sigma, ", low=", low, ", high=", high}, {"widen the cuts"});
    }
    const auto result = [&](double uncut) {
      return uncut * cut_normal_deviation((low - mean) / uncut, (high - mean) / uncut);
    };
    double smaller = sigma;
    double larger = sigma;
    while (result(larger) < sigma) larger *= 2.0;
    for (int step = 0; step < 60; ++step) {
      const double middle = 0.5 * (smaller + larger);
      (result(middle) < sigma ? smaller : larger) = middle;
    }
    sigma_ = larger;
  }
}

void TruncatedNormal::init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  if (sigma_ == 0.0) {
    // Cuts in sigmas are then no interval.
    Constant(low_ < high_ ? std::clamp(mean_, low_, high_) : mean_).init_weight(desc, out, rng);
    return;
  }
  rng.truncated_normal(out, mean_, sigma_, low_, high_);
}

Sparse::Sparse(double sparsity, double sigma, SparseAxis per)
    : sparsity_(sparsity), sigma_(sigma), per_(per) {
  if (!(sparsity >= 0.0 && sparsity <= 1.0)) {
    refuse<ArgumentError>({"a sparsity from 0 to 1 for Sparse"}, {"sparsity=", sparsity},
                          {"it is the share of elements that are zero"});
  }
  check_sigma(sigma, "Sparse");
}

void Sparse::init_weight(const InitDesc& desc, const Tensor& out, Generator& rng) const {
  const Shape& shape = out.shape();
  if (shape.rank() != 2) {
    throw shape_error("a weight of two axes for Sparse", desc, shape,
                      "use Zero or Constant for a bias");
  }
  rng.normal(out, 0.0, sigma_);
  if (out.size() == 0) return;

  const bool by_column = per_ == SparseAxis::column;
  const std::int64_t length = by_column ? shape[0] : shape[1];  // elements of a line
  const std::int64_t lines = by_column ? shape[1] : shape[0];
  const std::int64_t step = by_column ? shape[1] : 1;       // between elements of a line
  const std::int64_t line_step = by_column ? 1 : shape[1];  // between lines
  const auto zeros = static_cast<std::int64_t>(std::ceil(sparsity_ * static_cast<double>(length)));

  std::vector<std::int64_t> places(static_cast<std::size_t>(length));
  std::vector<std::uint32_t> words(static_cast<std::size_t>(zeros));
  with_elements(out, [&](auto* data) {
    for (std::int64_t line = 0; line < lines; ++line) {
      // The first `zeros` steps of a Fisher-Yates shuffle. The word times the number of places
      // left, divided by 2^32, is even to within that number / 2^32.
      std::iota(places.begin(), places.end(), std::int64_t{0});
      rng.words(words.data(), zeros);
      for (std::int64_t i = 0; i < zeros; ++i) {
        const auto left = static_cast<std::uint64_t>(length - i);
        const auto chosen =
            static_cast<std::int64_t>((words[static_cast<std::size_t>(i)] * left) >> 32);
        std::swap(places[static_cast<std::size_t>(i)],
                  places[static_cast<std::size_t>(i + chosen)]);
        data[line * line_step + places[static_cast<std::size_t>(i)] * step] = 0;
      }
    }
  });
}

}  // namespace glueball
