#include "glueball/random.h"

#include <cmath>
#include <string>

#include "core/refuse.h"
#include "core/streaming.h"
#include "core/text.h"
#include "core/with_type.h"
#include "glueball/parallel.h"
#include "kernels/table.h"

namespace glueball {
namespace {

// Elements that one thread draws at a time: a multiple of 64, a chunk, and large enough (tens of
// microseconds) to be worth a thread.
constexpr std::int64_t grain = std::int64_t{1} << 16;

void check_sigma(double sigma) {
  if (!(sigma >= 0.0) || !std::isfinite(sigma)) {
    refuse<ArgumentError>({"a standard deviation sigma that is finite and not negative"}, {sigma},
                          {"sigma is the standard deviation, not the variance"});
  }
}

void check_mean(double mean) {
  if (!std::isfinite(mean)) {
    refuse<ArgumentError>({"a finite mean"}, {mean}, {"pass a number"});
  }
}

// Calls kernel(table, data, first, count, streaming) on pieces of `out`, on several threads if it
// pays.
template <class Kernel>
void draw(const Tensor& out, const Kernel& kernel) {
  with_type(out.dtype(), [&]<class T>(T) {
    T* const data = out.data<T>();
    const kernels::Table<T>& table = kernels::table<T>();
    const bool streaming = outgrows_cache(out.bytes());
    parallel_for(out.size(), grain, [&](std::int64_t begin, std::int64_t end) {
      kernel(table, data + begin, static_cast<std::uint64_t>(begin), end - begin, streaming);
    });
  });
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) noexcept {
  auto [x0, x1, x2, x3] = counter;
  auto [key0, key1] = key;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * x0;
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * x2;
    x0 = static_cast<std::uint32_t>(b >> 32) ^ x1 ^ key0;
    x1 = static_cast<std::uint32_t>(b);
    x2 = static_cast<std::uint32_t>(a >> 32) ^ x3 ^ key1;
    x3 = static_cast<std::uint32_t>(a);
    key0 += 0x9E3779B9;  // the golden ratio's digits, as in the paper
    key1 += 0xBB67AE85;  // and those of sqrt(3) - 1
  }
  return {x0, x1, x2, x3};
}

void Generator::words(std::uint32_t* out, std::int64_t count) {
  if (count <= 0) return;
  const auto kernel = kernels::active().common.words;
  const std::uint64_t position = take(count);
  parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    kernel(seed_, stream_, position + static_cast<std::uint64_t>(begin), end - begin, out + begin);
  });
}

void Generator::uniform(const Tensor& out, double low, double high) {
  // The width has to be a number of the array's type, too.
  const double width = out.dtype() == Dtype::float32
                           ? static_cast<double>(static_cast<float>(high - low))
                           : high - low;
  if (!std::isfinite(low) || !std::isfinite(high) || !std::isfinite(width) || low > high) {
    refuse<ArgumentError>(
        {"finite limits with low <= high, and a width that ", out.dtype(), " can hold"},
        {"low=", low, ", high=", high}, {"draws are from [low, high)"});
  }
  const std::uint64_t position = take(out.size());
  draw(out,
       [&](const auto& table, auto* data, std::uint64_t first, std::int64_t count, bool streaming) {
         table.uniform(seed_, stream_, position + first, count, data, low, high, streaming);
       });
}

void Generator::normal(const Tensor& out, double mean, double sigma) {
  check_sigma(sigma);
  check_mean(mean);
  const std::uint64_t position = take(out.size());
  draw(out,
       [&](const auto& table, auto* data, std::uint64_t first, std::int64_t count, bool streaming) {
         table.normal(seed_, stream_, position + first, count, data, mean, sigma, streaming);
       });
}

void Generator::truncated_normal(const Tensor& out, double mean, double sigma, double low,
                                 double high) {
  check_sigma(sigma);
  check_mean(mean);
  if (!(low < high)) {
    refuse<ArgumentError>({"cuts with low < high, as values"}, {"low=", low, ", high=", high},
                          {"swap them, or use a normal without cuts"});
  }
  const std::uint64_t position = take(out.size());
  if (sigma == 0.0) {
    out.fill(std::fmin(std::fmax(mean, low), high));
  } else {
    draw(out, [&](const auto& table, auto* data, std::uint64_t first, std::int64_t count,
                  bool streaming) {
      table.truncated_normal(seed_, stream_, position + first, count, data, mean, sigma, low, high,
                             streaming);
    });
  }
}

std::uint64_t parameter_stream(std::string_view path, std::uint64_t call) noexcept {
  // FNV-1a, 64 bits.
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : path) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x00000100000001B3;
  }
  // Output number `call` of SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom
  // number generators", OOPSLA 2014) that starts from there.
  std::uint64_t z = hash + (call + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace glueball
