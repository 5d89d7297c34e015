// Making tensors larger, or smaller, at their ends.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape {

/// What stands in the padding of [a b c d]: a constant; .. c b [a b c d] c b .. without the edge
/// twice; the edges: a a [a b c d] d d; the other end: c d [a b c d] a b.
enum class PadMode : std::uint8_t { constant, reflect, replicate, circular };

/// How many elements one axis gets; a negative number takes elements away.
struct PadWidth {
  std::int64_t before = 0, after = 0;
};

struct PadOptions {
  PadMode mode = PadMode::constant;
  double value = 0;  ///< of the constant padding
};

/// x with elements before and after along each axis: pad(x, {{1, 1}, {0, 2}}, {.value = 3}).
/// NumPy's pad; its modes "edge" and "wrap" are replicate and circular. Throws ShapeError unless
/// there is one pair for each axis, or if an axis would get a negative size, or has not enough
/// elements: reflect needs more than it adds at an end, circular as many, replicate one.
Tensor pad(const Arg& x, std::initializer_list<PadWidth> padding, const PadOptions& options = {});
Tensor pad(const Arg& x, std::span<const PadWidth> padding, const PadOptions& options = {});

}  // namespace xtape
