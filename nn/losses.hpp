// Losses that compare two tensors element by element, forward only, with PyTorch's names and
// options. Shapes are strict: nothing broadcasts but where it is said. `mean` divides by the number
// of losses that `none` would give. Losses over classes are in classification.hpp and
// margin_losses.hpp, those over distances in distances.hpp.
#pragma once

#include <xtape/ops/builtin.hpp>
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
