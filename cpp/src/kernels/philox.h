#pragma once

// Philox4x32-10 in vectors: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011.
//
// A block's words are in the low halves of 64-bit lanes. The multiplication reads low halves only,
// so what the rounds leave in the high halves needs no masking; and a product's high half is one
// shift away.

#include "kernels/lanes.h"

// The lengths of arrays of vectors are template arguments of type int.
#pragma GCC diagnostic ignored "-Wsign-conversion"

namespace glueball::kernels::GLUEBALL_TARGET {

/// The four words of `span` neighbouring blocks.
struct Words {
  Word of[4];
};

/// The blocks of a stream whose numbers have the same upper half.
///
/// What the first three rounds make of the stream and of that half alone is the same for all of
/// them, and is computed once, which saves a tenth of the work.
class Philox {
 public:
  Philox(u64 seed, u64 stream, u32 upper) {
    u32 even = static_cast<u32>(seed);
    u32 odd = static_cast<u32>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      even_[round] = even;
      odd_[round] = odd;
      even += 0x9E3779B9u;
      odd += 0xBB67AE85u;
    }
    const u64 b = u64{second} * static_cast<u32>(stream);
    const u64 a = u64{first} * (static_cast<u32>(b >> 32) ^ upper ^ even_[0]);
    odd_[0] ^= static_cast<u32>(stream >> 32);
    even_[1] ^= static_cast<u32>(b);
    odd_[1] ^= static_cast<u32>(a >> 32);
    odd_[2] ^= static_cast<u32>(a);
  }

  /// The words of `pairs * span` blocks, from the one whose number's lower half is `block` on.
  ///
  /// Two vectors of 64-bit lanes make one `Words`; all 2 `pairs` of them are in flight at once,
  /// which hides the multiplier's latency.
  template <int pairs>
  GLUEBALL_INLINE void draw(u32 block, Words (&out)[pairs]) const {
    constexpr int n = 2 * pairs;
    Wide x0[n];
    Wide x1[n];
    Wide x2[n];
    Wide x3[n];
#pragma GCC unroll 8
    for (int k = 0; k < n; ++k) {
      const u32 begin = block + static_cast<u32>(k / 2 * span);
      x3[k] = product(lane_elements(k % 2) + u64{begin}, first);
      x2[k] = (x3[k] >> 32) ^ odd_[0];
    }
#pragma GCC unroll 8
    for (int k = 0; k < n; ++k) {
      x1[k] = product(x2[k], second);
      x0[k] = (x1[k] >> 32) ^ even_[1];
      x2[k] = x3[k] ^ odd_[1];
    }
#pragma GCC unroll 8
    for (int k = 0; k < n; ++k) {
      const Wide a = product(x0[k], first);
      const Wide b = product(x2[k], second);
      x0[k] = (b >> 32) ^ x1[k] ^ even_[2];
      x1[k] = b;
      x2[k] = (a >> 32) ^ odd_[2];
      x3[k] = a;
    }
#pragma GCC unroll 6
    for (int round = 3; round < 9; ++round) {
#pragma GCC unroll 8
      for (int k = 0; k < n; ++k) {
        const Wide a = product(x0[k], first);
        const Wide b = product(x2[k], second);
        x0[k] = (b >> 32) ^ x1[k] ^ even_[round];
        x1[k] = b;
        x2[k] = (a >> 32) ^ x3[k] ^ odd_[round];
        x3[k] = a;
      }
    }
    // The last round adds keys to words that lie side by side already: half as many additions.
#pragma GCC unroll 4
    for (int pair = 0; pair < pairs; ++pair) {
      const int i = 2 * pair;
      const int j = i + 1;
      const Wide a_i = product(x0[i], first);
      const Wide a_j = product(x0[j], first);
      const Wide b_i = product(x2[i], second);
      const Wide b_j = product(x2[j], second);
      out[pair].of[0] = halves<1>(b_i, b_j) ^ halves<0>(x1[i], x1[j]) ^ even_[9];
      out[pair].of[1] = halves<0>(b_i, b_j);
      out[pair].of[2] = halves<1>(a_i, a_j) ^ halves<0>(x3[i], x3[j]) ^ odd_[9];
      out[pair].of[3] = halves<0>(a_i, a_j);
    }
  }

 private:
  static constexpr u32 first = 0xD2511F53;
  static constexpr u32 second = 0xCD9E8D57;

  // What each round adds to words 0 and 2.
  u32 even_[10];
  u32 odd_[10];
};

}  // namespace glueball::kernels::GLUEBALL_TARGET
