// Slopes by differences, each with an estimate of its own error. A curve y(t) is sampled at
// t = +-h, +-h/4, +-h/16, ...:
//
//   D(h) = (y(h) - y(-h)) / 2h = y' + O(h^2)         (16 D(h/4) - D(h)) / 15 = y' + O(h^4)
//
// (Richardson's extrapolation). The steps shrink until two extrapolations in a row agree and the
// slopes to the left and to the right meet. Where they never meet the curve has a kink or a jump,
// and what is known is the two one-sided slopes. Knows numbers only, no tensors.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace xtape::detail {

/// What differences say about the slope of one curve at t = 0.
struct Slope {
  enum class Kind : std::uint8_t {
    smooth,    ///< low = value = high
    kink,      ///< the one-sided slopes differ; any value from low to high is a subgradient
    jump,      ///< y itself jumps; low and high are the slopes on either side
    edge,      ///< y exists on one side only
    infinite,  ///< the slope grows without limit on one side, or y(0) is not finite but others are
    unknown    ///< y is not finite around 0
  };
  Kind kind = Kind::smooth;
  double value = 0;
  double low = 0, high = 0;
  double error = 0;  ///< how far value, low and high may be off: truncation and rounding together
};

/// Several curves that are sampled together.
struct Curves {
  std::function<std::vector<double>(double t)> at;
  std::vector<double> origin;    ///< at(0)
  std::vector<double> rounding;  ///< the relative rounding error of each curve
  double size = 1;               ///< how large the number is to which t is added
  double step = 0x1p-7;          ///< the largest h; a power of 2, so that most sums are exact
};

/// The slopes of all curves at 0. Refinement ends when the relative error is below `target`.
std::vector<Slope> slopes(const Curves& curves, double target);

}  // namespace xtape::detail
