// Losses that compare two tensors element by element, forward only, with PyTorch's names and
// options. Shapes are strict: nothing broadcasts but where it is said. `mean` divides by the number
// of losses that `none` would give. Losses over classes are in classification.hpp and
// margin_losses.hpp, those over distances in distances.hpp.
#pragma once

#include <xtape/nn/part.hpp>
#include <xtape/ops/reduce.hpp>

namespace xtape::nn {

/// What becomes of the losses; batchmean, of kl_div alone, is the sum over the size of axis 0.
enum class Reduction { none, mean, sum, batchmean };

struct LossOptions {
  Reduction reduction = Reduction::mean;
};

/// |x - y|, slope 0 at equality. Throws ShapeError for two shapes, as all below, and ValueError for
/// Reduction::batchmean, as all but kl_div.
Tensor l1_loss(const Arg& input, const Arg& target, const LossOptions& options = {});

/// (x - y)^2.
Tensor mse_loss(const Arg& input, const Arg& target, const LossOptions& options = {});

struct SmoothL1Options {
  double beta = 1;
  Reduction reduction = Reduction::mean;
};
/// d^2 / (2 beta) for d = |x - y| < beta, d - beta / 2 beyond; |x - y| for beta 0.
/// Throws ValueError for a negative beta (Girshick 2015).
Tensor smooth_l1_loss(const Arg& input, const Arg& target, const SmoothL1Options& options = {});

struct HuberOptions {
  double delta = 1;
  Reduction reduction = Reduction::mean;
};
/// d^2 / 2 for d = |x - y| <= delta, delta (d - delta / 2) beyond. Throws ValueError unless delta
/// is positive (Huber 1964).
Tensor huber_loss(const Arg& input, const Arg& target, const HuberOptions& options = {});

struct PowerOptions {
  double exponent = 2;
  Reduction reduction = Reduction::mean;
};
/// |x - y|^q. Throws ValueError for an exponent q below 1.
Tensor power_loss(const Arg& input, const Arg& target, const PowerOptions& options = {});

struct BinaryCrossEntropyOptions {
  Tensor weight{};  ///< broadcasts to the input
  Reduction reduction = Reduction::mean;
};
/// -w (y log p + (1 - y) log(1 - p)) for probabilities p, each logarithm at least -100. Its slope
/// (p - y) / max(p (1 - p), 1e-12) is finite at 0 and 1. Throws ShapeError, and ValueError for a p
/// outside [0, 1].
Tensor binary_cross_entropy(const Arg& input, const Arg& target,
                            const BinaryCrossEntropyOptions& options = {});

struct LogitsOptions {
  Tensor weight{};      ///< broadcasts to the input
  Tensor pos_weight{};  ///< weighs the targets' positive part; broadcasts to the input
  Reduction reduction = Reduction::mean;
};
/// -w (v y log p + (1 - y) log(1 - p)) for p = sigmoid(x) and pos_weight v, computed from x without
/// overflow and without cancellation where p is near y. y is in [0, 1]. Throws ShapeError.
Tensor binary_cross_entropy_with_logits(const Arg& input, const Arg& target,
                                        const LogitsOptions& options = {});

struct KlDivOptions {
  bool log_target = false;
  Reduction reduction = Reduction::mean;
};
/// y (log y - x), 0 where y is 0, for x = log q; e^y (y - x) if the target is a logarithm, too.
/// `mean` divides by all elements, `batchmean` by the size of axis 0. Throws ShapeError (Kullback
/// and Leibler 1951).
Tensor kl_div(const Arg& input, const Arg& target, const KlDivOptions& options = {});

struct PoissonOptions {
  bool log_input = true;
  bool full = false;  ///< add Stirling's y log y - y + log(2 pi y) / 2 where y > 1
  double eps = 1e-8;
  Reduction reduction = Reduction::mean;
};
/// -log of Poisson's probability of y without log y!: e^x - y x for x = log of the rate, or
/// x - y log(x + eps) for the rate itself.
Tensor poisson_nll_loss(const Arg& input, const Arg& target, const PoissonOptions& options = {});

struct GaussianOptions {
  bool full = false;  ///< add log(2 pi) / 2
  double eps = 1e-6;
  Reduction reduction = Reduction::mean;
};
/// (log v + (x - y)^2 / v) / 2 with v = max(var, eps), differentiated as if v were var. `var` has
/// the shape of x, or that without the last axis or with 1 for it. Throws ShapeError, and
/// ValueError for a negative var (Nix and Weigend 1994).
Tensor gaussian_nll_loss(const Arg& input, const Arg& target, const Tensor& var,
                         const GaussianOptions& options = {});

/// The losses, their mean or their sum. Throws ValueError for batchmean.
Tensor reduce(const Tensor& losses, Reduction reduction, Location where = {});

/// Throws unless both have one shape.
void check_same_shape(const char* op, const Arg& input, const Arg& target);

/// A formula reduced in the same pass.
template <class F, class... A>
Tensor reduced(const F& formula, Reduction reduction, const A&... arguments) {
  switch (reduction) {
    case Reduction::none: return formula(arguments...);
    case Reduction::sum: return formula.sum({}, arguments...);
    case Reduction::mean: return formula.mean({}, arguments...);
    default: return reduce(Tensor(), reduction);
  }
}

}  // namespace xtape::nn

namespace xtape::formulas {

inline const auto absolute_error = detail::part({.name = "absolute_error",
                                                 .about = "the distance of two numbers",
                                                 .formula = "abs(x - y)",
                                                 .kinks = "y"},
                                                [](auto a, auto b) { return xtape::abs(a - b); });
inline const auto squared_error = detail::part({.name = "squared_error",
                                                .about = "the square of the difference",
                                                .formula = "(x - y) * (x - y)"},
                                               [](auto a, auto b) {
                                                 const auto d = a - b;
                                                 return d * d;
                                               });
inline const auto smooth_error = detail::part(
    {.name = "smooth_error",
     .about = "the distance, rounded within beta",
     .formula = "abs(x - y) < beta ? (x - y) * (x - y) / (2 * beta) : abs(x - y) - beta / 2",
     .source = "Girshick 2015",
     .differences = false},
    [](auto a, auto b, auto beta) {
      const auto e = a - b, d = xtape::abs(e);
      return where(d < beta, 0.5 * e * e / beta, d - 0.5 * beta);
    },
    Parameter{"beta", 1, 0.5});
inline const auto huber_error = detail::part(
    {.name = "huber_error",
     .about = "half the square, going on straight beyond delta",
     .formula = "abs(x - y) <= delta ? (x - y) * (x - y) / 2 : delta * (abs(x - y) - delta / 2)",
     .source = "Huber 1964",
     .differences = false},
    [](auto a, auto b, auto delta) {
      const auto e = a - b, d = xtape::abs(e);
      return where(d <= delta, 0.5 * e * e, delta * (d - 0.5 * delta));
    },
    Parameter{"delta", 1, 0.5});
inline const auto power_error = detail::part(
    {.name = "power_error",
     .about = "a power of the distance",
     .formula = "pow(abs(x - y), q)",
     .kinks = "y",
     .differences = false},
    [](auto a, auto b, auto q) { return xtape::pow(xtape::abs(a - b), q); },
    Parameter{"q", 2, 1.5});

inline const auto binary_loss =
    detail::part({.name = "binary_loss",
                  .about = "the binary cross-entropy of a probability and a target",
                  .low = 0.05,
                  .high = 0.95},
                 [](auto p, auto y, auto weight) {
                   const auto here = xtape::detach(p);
                   // a parabola whose slope is (p - y) / 1e-12, through the value with cut
                   // logarithms
                   const auto edge = (p - here) * (p + here - 2 * y) * 0.5e12 -
                                     y * xtape::maximum(xtape::log(here), -100) -
                                     (1 - y) * xtape::maximum(xtape::log1p(-here), -100);
                   const auto inside = -(y * xtape::log(p) + (1 - y) * xtape::log1p(-p));
                   return weight * where(here * (1 - here) < 1e-12, edge, inside);
                 });
inline const auto logistic_loss = detail::part(
    {.name = "logistic_loss",
     .about = "the binary cross-entropy of a logit x and a target y",
     .formula = "(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))) - x * y"},
    [](auto x, auto y) {  // softplus(x) - x y, with softplus(x) = x + softplus(-x) for x > 0
      return where(x > 0, (1 - y) * x, -(x * y)) + xtape::softplus(where(x > 0, -x, x));
    });
inline const auto weighted_logistic_loss = detail::part(
    {.name = "weighted_logistic_loss",
     .about = "the binary cross-entropy of a logit and a target, weighted"},
    [](auto x, auto y, auto weight, auto positive) {
      const auto far = where(x > 0, (1 - y) * x, -(positive * y * x));
      return weight * (far + (1 + (positive - 1) * y) * xtape::softplus(where(x > 0, -x, x)));
    });
inline const auto kl_term =
    detail::part({.name = "kl_term",
                  .about = "a term of the Kullback-Leibler divergence",
                  .formula = "y == 0 ? 0 : y * (log(y) - x)",
                  .low = 0.05},
                 [](auto x, auto y) { return where(y == 0, 0, y * (xtape::log(y) - x)); });
inline const auto kl_log_term =
    detail::part({.name = "kl_log_term",
                  .about = "the same for the logarithm of the target",
                  .formula = "exp(y) * (y - x)",
                  .extremes = false},
                 [](auto x, auto y) { return xtape::exp(y) * (y - x); });

inline const auto poisson_log_loss =
    detail::part({.name = "poisson_log_loss",
                  .about = "Poisson's loss for the logarithm of the rate",
                  .formula = "exp(x) - y * x",
                  .extremes = false},
                 [](auto x, auto y) { return xtape::exp(x) - y * x; });
inline const auto poisson_loss = detail::part(
    {.name = "poisson_loss",
     .about = "Poisson's loss for the rate",
     .formula = "x - y * log(x + eps)",
     .low = 0.05,
     .extremes = false},
    [](auto x, auto y, auto eps) { return x - y * xtape::log(x + eps); },
    Parameter{"eps", 1e-8, 0.1});
inline const auto stirling = detail::part(
    {.name = "stirling",
     .about = "Stirling's log x! where x > 1, else 0",
     .formula = "x > 1 ? x * log(x) - x + 0.5 * log(6.283185307179586476925 * x) : 0",
     .kinks = "1"},
    [](auto x) {
      return where(x > 1, x * xtape::log(x) - x + 0.5 * xtape::log(2 * std::numbers::pi * x), 0);
    });
inline const auto gaussian_loss =
    detail::part({.name = "gaussian_loss",
                  .about = "-log of a normal density; a small variance is enlarged",
                  .low = 0.05,
                  .differences = false},
                 [](auto x, auto y, auto var, auto eps, auto offset) {
                   const auto v = where(var < eps, eps + (var - xtape::detach(var)), var);
                   const auto d = x - y;
                   return 0.5 * (xtape::log(v) + d * d / v) + offset;
                 });

}  // namespace xtape::formulas
