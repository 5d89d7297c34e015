// Subnormal numbers, those too small for a full mantissa, as zeros: on many processors they take a
// hundred times as long, and a network that has learnt its data is full of them.
#pragma once

#include <cstdint>

namespace xtape {

/// While it lives, arithmetic of this thread, and what the library's own threads do for it, gives 0
/// in place of a subnormal result and takes a subnormal argument as 0 (x86-64: FTZ and DAZ of
/// MXCSR; AArch64: FZ of FPCR). Every argument and result is changed by less than the least normal
/// number, 1.2e-38 in float32. Its end, in the thread that made it, puts back what was; it may be
/// nested. Other threads of the program are left alone.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

  /// Whether this processor can; where it cannot, the guard does nothing.
  static bool supported();

 private:
  std::uint64_t before_;
};

namespace detail {

/// How the arithmetic of this thread rounds and flushes, without the flags of what has happened.
std::uint64_t arithmetic_mode();
void set_arithmetic_mode(std::uint64_t mode);

}  // namespace detail

}  // namespace xtape
