// Tensors of random numbers, each from the next stream of a generator; see generator.hpp.
#pragma once

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

}  // namespace xtape
