#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <xtape/nn/loss_formulas.hpp>
#include <xtape/nn/losses.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

// A loss of one formula of input and target, reduced in the same pass.
template <class F, class... A>
Tensor pairwise(const F& formula, const char* op, Reduction reduction, const Arg& input,
                const Arg& target, const A&... more) {
  const Caller caller(input.where());
  check_same_shape(op, input, target);
  return reduced(formula, reduction, input, target, more...);
}

// A weight as an argument of a formula over x; 1 if there is none.
Arg weight_of(const Tensor& weight, const Tensor& x, const char* op, const Location& at) {
  if (!weight.defined()) return Arg(1, at);
  if (broadcast(weight.shape(), x.shape(), op, at) != x.shape())
    raise<ShapeError>(at, op,
                      fmt::format("a weight of shape {} does not broadcast to the input, {}",
                                  weight.shape().str(), x.shape().str()));
  return Arg(weight, at);
}

// Throws for the first element that is not in [low, high].
void check_range(const Tensor& x, double low, double high, const char* op, const char* what,
                 const Location& at) {
  const auto check = [&](const auto* numbers) {
    for (std::int64_t i = 0, end = x.numel(); i < end; ++i)
      if (numbers[i] < low || numbers[i] > high)
        raise<ValueError>(at, op, fmt::format("{} {} at position {}", what, numbers[i], i));
  };
  if (x.dtype() == float32) check(x.data<float>());
  else if (x.dtype() == float64) check(x.data<double>());
}

}  // namespace

void check_same_shape(const char* op, const Arg& input, const Arg& target) {
  const Shape a = input.as_tensor(float32).shape(), b = target.as_tensor(float32).shape();
  if (a != b)
    raise<ShapeError>(input.where(), op,
                      fmt::format("input {} and target {} must have one shape; losses do not "
                                  "broadcast",
                                  a.str(), b.str()));
}

Tensor reduce(const Tensor& losses, Reduction reduction, Location where) {
  switch (reduction) {
    case Reduction::none: return losses;
    case Reduction::sum: return sum(losses);
    case Reduction::mean: return mean(losses);
    default: raise<ValueError>(where, "reduce", "batchmean is for kl_div");
  }
}

Tensor l1_loss(const Arg& input, const Arg& target, const LossOptions& options) {
  return pairwise(formulas::absolute_error, "l1_loss", options.reduction, input, target);
}

Tensor mse_loss(const Arg& input, const Arg& target, const LossOptions& options) {
  return pairwise(formulas::squared_error, "mse_loss", options.reduction, input, target);
}

Tensor smooth_l1_loss(const Arg& input, const Arg& target, const SmoothL1Options& options) {
  if (!(options.beta >= 0))
    raise<ValueError>(input.where(), "smooth_l1_loss",
                      fmt::format("beta is {}, at least 0 wanted", options.beta));
  return pairwise(formulas::smooth_error, "smooth_l1_loss", options.reduction, input, target,
                  options.beta);
}

Tensor huber_loss(const Arg& input, const Arg& target, const HuberOptions& options) {
  if (!(options.delta > 0))
    raise<ValueError>(input.where(), "huber_loss",
                      fmt::format("delta is {}, more than 0 wanted", options.delta));
  return pairwise(formulas::huber_error, "huber_loss", options.reduction, input, target,
                  options.delta);
}

Tensor power_loss(const Arg& input, const Arg& target, const PowerOptions& options) {
  if (!(options.exponent >= 1))
    raise<ValueError>(input.where(), "power_loss",
                      fmt::format("the exponent is {}, at least 1 wanted", options.exponent));
  return pairwise(formulas::power_error, "power_loss", options.reduction, input, target,
                  options.exponent);
}

Tensor binary_cross_entropy(const Arg& input, const Arg& target,
                            const BinaryCrossEntropyOptions& options) {
  constexpr const char* op = "binary_cross_entropy";
  const Tensor p = input.as_tensor(float32);
  check_range(p, 0, 1, op, "no probability:", input.where());
  return pairwise(formulas::binary_loss, op, options.reduction, input, target,
                  weight_of(options.weight, p, op, input.where()));
}

Tensor binary_cross_entropy_with_logits(const Arg& input, const Arg& target,
                                        const LogitsOptions& options) {
  constexpr const char* op = "binary_cross_entropy_with_logits";
  if (!options.weight.defined() && !options.pos_weight.defined())
    return pairwise(formulas::logistic_loss, op, options.reduction, input, target);
  const Tensor x = input.as_tensor(float32);
  return pairwise(formulas::weighted_logistic_loss, op, options.reduction, input, target,
                  weight_of(options.weight, x, op, input.where()),
                  weight_of(options.pos_weight, x, op, input.where()));
}

Tensor kl_div(const Arg& input, const Arg& target, const KlDivOptions& options) {
  const bool batch = options.reduction == Reduction::batchmean;
  const Reduction reduction = batch ? Reduction::sum : options.reduction;
  const Tensor loss = options.log_target
                          ? pairwise(formulas::kl_log_term, "kl_div", reduction, input, target)
                          : pairwise(formulas::kl_term, "kl_div", reduction, input, target);
  if (!batch) return loss;
  const Shape shape = input.as_tensor(float32).shape();
  if (shape.rank() == 0)
    raise<ShapeError>(input.where(), "kl_div", "batchmean needs an axis, the input is 0-d");
  return loss / static_cast<double>(shape[0]);
}

Tensor poisson_nll_loss(const Arg& input, const Arg& target, const PoissonOptions& options) {
  constexpr const char* op = "poisson_nll_loss";
  const Tensor loss =
      options.log_input
          ? pairwise(formulas::poisson_log_loss, op, options.reduction, input, target)
          : pairwise(formulas::poisson_loss, op, options.reduction, input, target, options.eps);
  return options.full ? loss + reduced(formulas::stirling, options.reduction, target) : loss;
}

Tensor gaussian_nll_loss(const Arg& input, const Arg& target, const Tensor& var,
                         const GaussianOptions& options) {
  constexpr const char* op = "gaussian_nll_loss";
  const Location at = input.where();
  const Caller caller(at);
  const Shape shape = input.as_tensor(float32).shape();
  Tensor wide = var;
  if (var.shape() != shape) {
    Shape single;  // one variance for the last axis
    for (int axis = 0; axis < shape.rank(); ++axis)
      single.push_back(axis + 1 < shape.rank() ? shape[axis] : 1);
    const bool left_out = var.rank() + 1 == shape.rank() && var.numel() == single.numel();
    if (left_out) wide = unsqueeze(var, -1);
    if (shape.rank() == 0 || wide.shape() != single)
      raise<ShapeError>(at, op,
                        fmt::format("input {} and var {}; one shape wanted, or 1 for the last axis",
                                    shape.str(), var.shape().str()));
  }
  check_range(var, 0, HUGE_VAL, op, "a negative variance:", at);
  const double offset = options.full ? 0.5 * std::log(2 * std::numbers::pi) : 0;
  return pairwise(formulas::gaussian_loss, op, options.reduction, input, target, Arg(wide, at),
                  options.eps, offset);
}

}  // namespace xtape::nn
