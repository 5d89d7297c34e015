// Normalisation of each sample by its own mean and variance, which layer, group and instance norm
// are made of.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape::detail {

/// The two formulas of a normalisation.
struct NormFormulas {
  Formula scale;       ///< of the variance and eps
  Formula normalised;  ///< of x, the mean, the scale, weight and bias
};

/// normalised(x, mean, scale(var, eps), weight, bias) for x [N, ...] with the mean and the biased
/// variance over `dims`, which do not hold the first axis. Weight and bias broadcast into a sample.
/// A large x goes through the caches once in each direction. Throws DTypeError for integers.
Tensor normalise_samples(const char* op, const NormFormulas& formulas, const Arg& x,
                         const Dims& dims, const Arg& weight, const Arg& bias, double eps);

}  // namespace xtape::detail
