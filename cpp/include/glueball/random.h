#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "glueball/export.h"
#include "glueball/tensor.h"

namespace glueball {

/// One block of Philox4x32-10: ten rounds over a 128-bit counter under a 64-bit key.
///
/// J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
GLUEBALL_API std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                        std::array<std::uint32_t, 2> key) noexcept;

/// A source of random numbers whose element i depends on (seed, stream, i) and on nothing else.
///
/// So a fill gives the same bits on any number of threads, on any instruction set, and whole or
/// in pieces. The key of Philox is the seed; the counter's low 64 bits are a block number and its
/// high 64 bits the stream. Elements come in chunks of 64, made of 16 blocks: element i is word (i
/// % 64) / 16 of block 16 * (i / 64) + i % 16. Version 1 of the algorithm; `docs/random.md` has
/// vectors.
///
/// Each call draws the elements from `position()` on, one for each element of `out`, and moves the
/// position past them first. So threads may draw from one Generator at a time, and no two draws
/// have an element in common; which of them comes first is up to the threads.
class GLUEBALL_API Generator {
 public:
  /// At position 0 of a stream of `seed`.
  explicit Generator(std::uint64_t seed = 0, std::uint64_t stream = 0) noexcept
      : seed_(seed), stream_(stream) {}
  /// At the same position of the same stream.
  Generator(const Generator& other) noexcept
      : seed_(other.seed_), stream_(other.stream_), position_(other.position()) {}
  /// The same. Not beside draws of other threads.
  Generator& operator=(const Generator& other) noexcept {
    seed_ = other.seed_;
    stream_ = other.stream_;
    seek(other.position());
    return *this;
  }
  ~Generator() = default;

  /// Philox's key.
  std::uint64_t seed() const noexcept { return seed_; }
  /// The high 64 bits of Philox's counter.
  std::uint64_t stream() const noexcept { return stream_; }
  /// The number of the element that is drawn next.
  std::uint64_t position() const noexcept { return position_.load(std::memory_order_relaxed); }
  /// Goes to an element, before or after the present one, at no cost.
  void seek(std::uint64_t position) noexcept {
    position_.store(position, std::memory_order_relaxed);
  }

  /// Raw 32-bit words. Moves the position as every draw does.
  void words(std::uint32_t* out, std::int64_t count);

  /// Uniform on [low, high): u = (word >> 8) / 2^24, then low + (high - low) u, never `high`.
  ///
  /// All elements are `low` if low == high.
  /// @throws ArgumentError if low > high, or either is not finite, or `out`'s type cannot hold high
  /// - low.
  void uniform(const Tensor& out, double low, double high);

  /// Normal by Box and Muller: words 0 and 1 (2 and 3) of a block give two elements 16 apart.
  ///
  /// No element is farther than 6.661 sigmas from the mean, which a normal is once in 4e10 draws.
  /// @throws ArgumentError if sigma is negative or not finite, or the mean is not finite.
  void normal(const Tensor& out, double mean, double sigma);

  /// Normal N(mean, sigma) cut off at `low` and `high`, which are values, by the inverse method.
  ///
  /// Either may be infinite. With sigma 0 every element is the mean, or the cut nearest to it.
  /// @throws ArgumentError if sigma or mean is as `normal` refuses, or not low < high.
  void truncated_normal(const Tensor& out, double mean, double sigma, double low, double high);

 private:
  /// Moves the position past the next `count` elements, and returns where it was.
  std::uint64_t take(std::int64_t count) noexcept {
    return position_.fetch_add(static_cast<std::uint64_t>(count), std::memory_order_relaxed);
  }

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::atomic<std::uint64_t> position_{0};
};

/// The stream of the parameter at structural path `path` ("0.weight") in the `call`-th
/// initialize().
///
/// A hash of both: FNV-1a over the path's bytes, mixed with the call's number by SplitMix64.
GLUEBALL_API std::uint64_t parameter_stream(std::string_view path, std::uint64_t call) noexcept;

}  // namespace glueball
