// Elements left out at random.
#pragma once

#include <xtape/autograd/catalogue.hpp>
#include <xtape/autograd/generator.hpp>

namespace xtape {

/// x times `scale`, but 0 with probability p, independently for every element. The backward pass
/// draws the same numbers again instead of keeping them. Throws DTypeError unless x is floating,
/// ValueError unless p is in [0, 1].
Tensor drop(const Arg& x, double p, double scale, Generator& generator = Generator::global());

}  // namespace xtape
