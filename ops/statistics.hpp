// Spread and size: variances, standard deviations and norms over axes, made from sums of formulas.
// Axes as in reduce.hpp. All throw IndexError for a bad axis and DTypeError for integers.
#pragma once

#include <xtape/ops/math.hpp>

namespace xtape {

/// sum((x - mean)^2) / (n - correction) over axes, in two passes. NaN where n - correction <= 0.
Tensor var(const Arg& x, const Dims& dims = {}, std::int64_t correction = 1, bool keepdim = false);

/// The square root of var(), with slope 0 where it is 0. PyTorch's std, which is not a name for a
/// function beside the namespace.
Tensor stddev(const Arg& x, const Dims& dims = {}, std::int64_t correction = 1,
              bool keepdim = false);

/// (sum |x|^p)^(1/p) over axes; the number of nonzeros for p = 0, max |x| for p = infinity, min |x|
/// for p = -infinity. The slope is 0 where the norm is 0. Nothing overflows or underflows on the
/// way: elements are scaled where their powers would.
Tensor norm(const Arg& x, double p = 2, const Dims& dims = {}, bool keepdim = false);

}  // namespace xtape
