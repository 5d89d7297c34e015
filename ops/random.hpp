// Tensors of random numbers, each from the next stream of a generator; see generator.hpp. The
// number of threads does not change them.
#pragma once

#include <optional>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

/// Uniform numbers in [0, 1). Throws DTypeError unless `dtype` is floating, as all below if nothing
/// else is said.
Tensor rand(const Shape& shape, DType dtype = float32, Generator& generator = Generator::global(),
            Location where = {});
/// Standard normal numbers (Box and Muller's transform).
Tensor randn(const Shape& shape, DType dtype = float32, Generator& generator = Generator::global(),
             Location where = {});
/// Uniform numbers in [low, high). Throws ValueError unless low < high and both are finite.
Tensor uniform(double low, double high, const Shape& shape, DType dtype = float32,
               Generator& generator = Generator::global(), Location where = {});
/// Normal numbers of a mean and a standard deviation. Throws ValueError for a negative one.
Tensor normal(double mean, double std, const Shape& shape, DType dtype = float32,
              Generator& generator = Generator::global(), Location where = {});
/// Whole numbers low ... high - 1, all equally likely, of any element type. Throws ValueError
/// unless low < high.
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, DType dtype = int64,
               Generator& generator = Generator::global(), Location where = {});
/// 1 with probability p, else 0, of any element type. Throws ValueError unless 0 <= p <= 1.
Tensor bernoulli(double p, const Shape& shape, DType dtype = float32,
                 Generator& generator = Generator::global(), Location where = {});
/// The same with a probability for each element, in its element type. Throws as the other.
Tensor bernoulli(const Tensor& p, Generator& generator = Generator::global(), Location where = {});
/// The numbers 0 ... n - 1 in random order, int64. Throws ValueError for a negative n.
Tensor randperm(std::int64_t n, Generator& generator = Generator::global(), Location where = {});

/// Like another tensor in shape and, unless another is given, element type.
Tensor rand_like(const Tensor& like, std::optional<DType> dtype = {},
                 Generator& generator = Generator::global(), Location where = {});
Tensor randn_like(const Tensor& like, std::optional<DType> dtype = {},
                  Generator& generator = Generator::global(), Location where = {});
Tensor randint_like(const Tensor& like, std::int64_t low, std::int64_t high,
                    std::optional<DType> dtype = {}, Generator& generator = Generator::global(),
                    Location where = {});

}  // namespace xtape
