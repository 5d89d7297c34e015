// Elements left out, or made noisy, at random.
#pragma once

#include <xtape/autograd/catalogue.hpp>
#include <xtape/autograd/generator.hpp>

namespace xtape {

/// x times `scale`, but 0 with probability p, independently for every element. The backward pass
/// draws the same numbers again instead of keeping them. Throws DTypeError unless x is floating,
/// ValueError unless p is in [0, 1].
Tensor drop(const Arg& x, double p, double scale, Generator& generator = Generator::global());

/// x times a number of N(1, deviation^2), another one for every element. The backward pass draws
/// the same numbers again. Throws DTypeError unless x is floating, ValueError for a negative
/// deviation.
Tensor gaussian_drop(const Arg& x, double deviation, Generator& generator = Generator::global());

}  // namespace xtape
