// The mean and the variance together, which is what normalisations begin with.
#pragma once

#include <xtape/ops/math.hpp>

namespace xtape {

struct Moments {
  Tensor mean, var;
};
/// The mean and the biased variance sum((x - mean)^2) / n over axes, which stay with size 1; NaN
/// over no elements. Both gradients take one pass over x. Throws IndexError, and DTypeError for
/// integers.
Moments moments(const Arg& x, const Dims& dims = {});

}  // namespace xtape
