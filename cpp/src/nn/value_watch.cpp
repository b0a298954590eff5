#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "core/single_thread.h"
#include "nn/parameter.h"

namespace glueball {
namespace {

/// A number that differs, but for one chance in 2^64, where a bit of the values does: four lanes of
/// xxHash64's rounds (Y. Collet, "XXH64 algorithm description"), 32 bytes at a time.
std::uint64_t fingerprint(const Tensor& values) {
  constexpr std::uint64_t first = 0x9E3779B185EBCA87;
  constexpr std::uint64_t second = 0xC2B2AE3D27D4EB4F;
  const auto round = [](std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * second, 31) * first;
  };
  const auto* bytes = static_cast<const std::byte*>(values.raw());
  std::size_t left = values.bytes();
  std::array<std::uint64_t, 4> lanes{first, second, 0, ~first};
  std::array<std::uint64_t, 4> words{};
  for (; left >= sizeof words; left -= sizeof words, bytes += sizeof words) {
    std::memcpy(words.data(), bytes, sizeof words);
    for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = round(lanes[i], words[i]);
  }
  words.fill(0);
  if (left > 0) std::memcpy(words.data(), bytes, left);
  std::uint64_t all = values.bytes();
  for (std::size_t i = 0; i < lanes.size(); ++i) all = round(all, round(lanes[i], words[i]));
  return all ^ (all >> 32);
}

}  // namespace

Parameter::Snapshot ValueWatch::snapshot(const Tensor& values, std::uint64_t version) {
  // In this order: a data() that the count does not show yet will find that it is watched.
  watched_.store(version,
                 is_single_threaded() ? std::memory_order_relaxed : std::memory_order_seq_cst);
  const bool lent = values.buffer()->use_count() != 1 || witnessed_.load() == version;
  Parameter::Snapshot snapshot{version, std::nullopt};
  if (lent) snapshot.fingerprint = fingerprint(values);
  return snapshot;
}

bool ValueWatch::matches(const Parameter::Snapshot& snapshot, const Tensor& values,
                         std::uint64_t version) const {
  if (snapshot.version != version) return false;
  if (snapshot.fingerprint) return *snapshot.fingerprint == fingerprint(values);
  // Nobody could write them then; later writes are through an array that data() returned.
  return witnessed_.load() != version || fingerprint_.load() == fingerprint(values);
}

void ValueWatch::witness(const Tensor& values, std::uint64_t version) {
  if (witnessed_.load() == version) return;
  fingerprint_.store(fingerprint(values));
  witnessed_.store(version);
}

}  // namespace glueball
