#pragma once

// Arithmetic without subnormal results. Internal: not installed.

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

namespace glueball {

/// While it lives, results of this thread that would be subnormal (below 1.2e-38 in float32) are 0.
///
/// For what decays, as the momentum of a unit that gets no gradient any more: it would stay at the
/// smallest subnormal for good, and processors take several times as long for each of those. Does
/// nothing where the processor is not an x86 or an arm64.
class FlushToZero {
 public:
  FlushToZero() noexcept : former_(read()) {
    if ((former_ & flush) == 0) write(former_ | flush);
  }
  ~FlushToZero() {
    if ((former_ & flush) == 0) write(former_);
  }
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
#ifdef __SSE2__
  using Register = unsigned;
  static constexpr Register flush = _MM_FLUSH_ZERO_ON;
  static Register read() noexcept { return _mm_getcsr(); }
  static void write(Register value) noexcept { _mm_setcsr(value); }
#elif defined(__aarch64__)
  using Register = unsigned long;
  static constexpr Register flush = Register{1} << 24;  // FPCR.FZ
  static Register read() noexcept {
    Register value = 0;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(Register value) noexcept { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else
  using Register = unsigned;
  static constexpr Register flush = 1;
  static Register read() noexcept { return flush; }
  static void write(Register) noexcept {}
#endif

  Register former_;
};

}  // namespace glueball
