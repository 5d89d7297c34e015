#include <fmt/format.h>

#include <xtape/nn/losses.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

void check_same_shape(const char* op, const Arg& input, const Arg& target) {
  const Shape a = input.as_tensor(float32).shape(), b = target.as_tensor(float32).shape();
  if (a != b)
    raise<ShapeError>(input.where(), op,
                      fmt::format("input {} and target {} must have one shape; losses do not "
                                  "broadcast",
                                  a.str(), b.str()));
}

// A loss of one formula of input and target, reduced in the same pass.
template <class F>
Tensor pairwise(const F& formula, const char* op, const Arg& input, const Arg& target,
                Reduction reduction) {
  const Caller caller(input.where());
  check_same_shape(op, input, target);
  switch (reduction) {
    case Reduction::none: return formula(input, target);
    case Reduction::sum: return formula.sum({}, input, target);
    default: return formula.mean({}, input, target);
  }
}

void check_classes(const Tensor& x, const Tensor& classes, const Location& at) {
  const bool single = x.rank() == 1;
  if ((x.rank() != 2 && !single) || classes.shape() != (single ? Shape{} : Shape{x.shape()[0]}))
    raise<ShapeError>(at, "cross_entropy",
                      fmt::format("logits {} and classes {}; [N, C] and [N] wanted",
                                  x.shape().str(), classes.shape().str()));
  if (!is_floating(x.dtype()))
    raise<DTypeError>(at, "cross_entropy",
                      fmt::format("logits are {}, not floating", name_of(x.dtype())));
  if (classes.dtype() != int64)
    raise<DTypeError>(at, "cross_entropy",
                      fmt::format("classes are {}, int64 wanted", name_of(classes.dtype())));
  const std::int64_t* index = classes.data<std::int64_t>();
  const std::int64_t count = x.shape()[x.rank() - 1];
  for (std::int64_t i = 0; i < classes.numel(); ++i)
    if (index[i] < 0 || index[i] >= count)
      raise<IndexError>(
          at, "cross_entropy",
          fmt::format("class {} at position {}, but there are {} classes", index[i], i, count));
}

}  // namespace

Tensor cross_entropy(const Arg& logits, const Tensor& classes, const LossOptions& options) {
  const Tensor x = logits.as_tensor(float32);
  const Caller caller(logits.where());
  check_classes(x, classes, logits.where());
  // picked first: its gradient is then added to that of the sum, and touches few elements
  const Tensor picked = gather(x, -1, unsqueeze(classes, -1));
  const Tensor m = formulas::finite_or_zero(amax(x.detach(), -1, true));
  const Tensor total = formulas::exp_difference.sum(Dims(-1).keep(), x, m);
  // not logsumexp(x) - picked: where m is large that has no digits left
  const Tensor losses = squeeze(log(total) + (m - picked), -1);
  switch (options.reduction) {
    case Reduction::none: return losses;
    case Reduction::sum: return sum(losses);
    default: return mean(losses);
  }
}

Tensor mse_loss(const Arg& input, const Arg& target, const LossOptions& options) {
  return pairwise(formulas::squared_error, "mse_loss", input, target, options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Arg& input, const Arg& target,
                                        const LossOptions& options) {
  return pairwise(formulas::logistic_loss, "binary_cross_entropy_with_logits", input, target,
                  options.reduction);
}

}  // namespace xtape::nn
