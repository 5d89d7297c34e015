// Tensors of random numbers, each from the next stream of a generator; see generator.hpp.
#pragma once

#include <xtape/autograd/catalogue.hpp>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

/// Uniform numbers in [0, 1). Throws DTypeError unless `dtype` is floating, as all below.
Tensor rand(const Shape& shape, DType dtype = float32, Generator& generator = Generator::global(),
            Location where = {});
/// Standard normal numbers (Box and Muller's transform).
Tensor randn(const Shape& shape, DType dtype = float32, Generator& generator = Generator::global(),
             Location where = {});
/// The numbers 0 ... n - 1 in random order, int64. Throws ValueError for a negative n.
Tensor randperm(std::int64_t n, Generator& generator = Generator::global(), Location where = {});

/// x times `scale`, but 0 with probability p, independently for every element. The backward pass
/// draws the same numbers again instead of keeping them. Throws DTypeError unless x is floating,
/// ValueError unless p is in [0, 1].
Tensor drop(const Arg& x, double p, double scale, Generator& generator = Generator::global());

namespace formulas {

inline const ArrayOperation drop_record{
    {.name = "drop", .about = "elements set to 0 at random, the others scaled"},
    {{"drop(x, 0.4, 2)", {{3, 5}}, [](auto& in) {
        Generator generator(3);
        return xtape::drop(in[0], 0.4, 2, generator);
      }}}};

}  // namespace formulas

}  // namespace xtape
