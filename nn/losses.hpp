// Losses, forward only. Shapes are strict: nothing broadcasts. `mean` divides by the number of
// losses that `none` would give.
#pragma once

#include <xtape/nn/activations.hpp>

namespace xtape::nn {

enum class Reduction { none, mean, sum };

struct LossOptions {
  Reduction reduction = Reduction::mean;
};

/// log(sum_c exp(x_c - m)) + m - x_y with the maximum m, for logits [N, C] (or [C]) and int64
/// classes [N] (or 0-d). Throws ShapeError, DTypeError, and IndexError for a class that is not one
/// of 0 ... C - 1.
Tensor cross_entropy(const Arg& logits, const Tensor& classes, const LossOptions& options = {});

/// (x - y)^2 for x and y of one shape. Throws ShapeError.
Tensor mse_loss(const Arg& input, const Arg& target, const LossOptions& options = {});

/// -y log p - (1 - y) log(1 - p) for p = sigmoid(x), computed from x without overflow and without
/// cancellation where p is near y, for x and y of one shape, y in [0, 1]. Throws ShapeError.
Tensor binary_cross_entropy_with_logits(const Arg& input, const Arg& target,
                                        const LossOptions& options = {});

}  // namespace xtape::nn

namespace xtape::formulas {

inline const auto squared_error =
    builtin<detail::NnKernels, Entry::Kind::function>({.name = "squared_error",
                                                       .about = "the square of the difference",
                                                       .formula = "(x - y) * (x - y)"},
                                                      [](auto a, auto b) {
                                                        const auto d = a - b;
                                                        return d * d;
                                                      });
inline const auto logistic_loss = builtin<detail::NnKernels, Entry::Kind::function>(
    {.name = "logistic_loss",
     .about = "the binary cross-entropy of a logit x and a target y",
     .formula = "(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))) - x * y"},
    [](auto x, auto y) {  // softplus(x) - x y, with softplus(x) = x + softplus(-x) for x > 0
      return where(x > 0, (1 - y) * x, -(x * y)) + softplus(where(x > 0, -x, x));
    });

}  // namespace xtape::formulas
