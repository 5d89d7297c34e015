#include <fmt/format.h>

#include <algorithm>
#include <xtape/nn/classification.hpp>
#include <xtape/nn/loss_formulas.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

Shape without(const Shape& shape, int axis) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i)
    if (i != axis) out.push_back(shape[i]);
  return out;
}

void check_scores(const Tensor& x, const char* op, const Location& at) {
  if (x.rank() == 0) raise<ShapeError>(at, op, "scores [C] or [N, C, ...] wanted, they are 0-d");
  if (!is_floating(x.dtype()))
    raise<DTypeError>(at, op, fmt::format("scores are {}, not floating", name_of(x.dtype())));
}

// The weight of each sample: that of its class, 0 where it is ignored; undefined if all are 1.
Tensor sample_weights(const Classes& classes, const Tensor& weight, const Tensor& x, const char* op,
                      const Location& at) {
  if (!weight.defined()) return classes.some_ignored ? classes.used : Tensor();
  check_class_weight(weight, x.shape()[classes.axis], op, at);
  const Tensor weights = take(weight, classes.index);
  return classes.some_ignored ? weights * classes.used : weights;
}

// Losses of samples with an axis of size 1 too many.
Tensor reduce_weighted(const Tensor& losses, const Tensor& weights, int axis, Reduction reduction) {
  if (reduction == Reduction::none) return squeeze(losses, axis);
  if (reduction == Reduction::mean && weights.defined()) return sum(losses) / sum(weights);
  return reduce(losses, reduction);
}

// A class weight [C] in a shape that broadcasts along the axis; 1 if there is none.
Tensor along_axis(const Tensor& weight, const Tensor& x, int axis, const char* op,
                  const Location& at) {
  if (!weight.defined()) return number_like(x, 1);
  check_class_weight(weight, x.shape()[axis], op, at);
  Shape shape;
  for (int i = 0; i < x.rank(); ++i) shape.push_back(i == axis ? x.shape()[i] : 1);
  return reshape(weight, shape);
}

// What a softmax is made of: its maximum, and the sum of exp(x - m).
struct Softmax {
  Tensor m, total;
  Softmax(const Tensor& x, int axis)
      : m(formulas::finite_or_zero(amax(x.detach(), axis, true))),
        total(formulas::exp_difference.sum(Dims(axis).keep(), x, m)) {}
};

Tensor soft_cross_entropy(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options,
                          const Location& at) {
  constexpr const char* op = "cross_entropy";
  if (target.shape() != x.shape())
    raise<ShapeError>(at, op,
                      fmt::format("logits {} and probabilities {}; one shape wanted",
                                  x.shape().str(), target.shape().str()));
  const int axis = x.rank() == 1 ? 0 : 1;
  const Tensor weight = along_axis(options.weight, x, axis, op, at);
  const Softmax softmax(x, axis);
  const auto classes = static_cast<double>(x.shape()[axis]);
  const double keep = 1 - options.label_smoothing, share = options.label_smoothing / classes;
  const bool none = options.reduction == Reduction::none;
  const Tensor total = formulas::soft_target_term.sum(
      none ? Dims(axis) : Dims(), x, softmax.m, log(softmax.total), target, weight, keep, share);
  if (options.reduction != Reduction::mean) return none ? total : reduce(total, options.reduction);
  return total / (static_cast<double>(x.numel()) / classes);
}

}  // namespace

void check_class_weight(const Tensor& weight, std::int64_t count, const char* op,
                        const Location& at) {
  if (weight.shape() != Shape{count})
    raise<ShapeError>(at, op,
                      fmt::format("a weight for each of {} classes wanted, its shape is {}", count,
                                  weight.shape().str()));
}

Classes check_classes(const Tensor& x, const Tensor& classes, std::int64_t ignore_index,
                      const char* op, const Location& at) {
  check_scores(x, op, at);
  const int axis = x.rank() == 1 ? 0 : 1;
  if (classes.shape() != without(x.shape(), axis))
    raise<ShapeError>(at, op,
                      fmt::format("scores {} and classes {}; [N, C, ...] and [N, ...] wanted",
                                  x.shape().str(), classes.shape().str()));
  if (classes.dtype() != int64)
    raise<DTypeError>(at, op,
                      fmt::format("classes are {}, int64 wanted", name_of(classes.dtype())));
  const std::int64_t* index = classes.data<std::int64_t>();
  const std::int64_t count = x.shape()[axis];
  bool ignored = false;
  for (std::int64_t i = 0, end = classes.numel(); i < end; ++i) {
    if (index[i] >= 0 && index[i] < count && index[i] != ignore_index) continue;
    ignored = true;
    if (index[i] != ignore_index)
      raise<IndexError>(
          at, op,
          fmt::format("class {} at position {}, but there are {} classes", index[i], i, count));
  }
  if (!ignored) return {axis, unsqueeze(classes, axis), false, {}};
  const Tensor rest = unsqueeze(classes, axis), used = rest != ignore_index;
  return {axis, where(used, rest, 0), true, cast(used, x.dtype())};
}

Tensor cross_entropy(const Arg& logits, const Tensor& target, const CrossEntropyOptions& options) {
  constexpr const char* op = "cross_entropy";
  const Location at = logits.where();
  const Caller caller(at);
  const Tensor x = logits.as_tensor(float32);
  const double smoothing = options.label_smoothing;
  if (!(smoothing >= 0 && smoothing <= 1))
    raise<ValueError>(at, op, fmt::format("label_smoothing is {}, not in [0, 1]", smoothing));
  check_scores(x, op, at);
  if (is_floating(target.dtype())) return soft_cross_entropy(x, target, options, at);
  const Classes classes = check_classes(x, target, options.ignore_index, op, at);
  const int axis = classes.axis;
  const Tensor weights = sample_weights(classes, options.weight, x, op, at);
  // picked first: its gradient is then added to that of the sum, and touches few elements
  const Tensor picked = gather(x, axis, classes.index);
  const auto& [m, total] = Softmax(x, axis);
  if (!weights.defined() && smoothing == 0 && options.reduction != Reduction::none)
    return reduced(formulas::class_loss, options.reduction, total, m, picked);
  Tensor losses = formulas::class_loss(total, m, picked);
  if (weights.defined()) losses = weigh(weights, losses);
  if (smoothing > 0) {
    const Tensor weight = along_axis(options.weight, x, axis, op, at);
    Tensor spread = formulas::smoothing_term.sum(Dims(axis).keep(), x, m, log(total), weight);
    if (classes.some_ignored) spread = weigh(classes.used, spread);
    losses = (1 - smoothing) * losses + smoothing / static_cast<double>(x.shape()[axis]) * spread;
  }
  return reduce_weighted(losses, weights, axis, options.reduction);
}

Tensor nll_loss(const Arg& input, const Tensor& target, const NllOptions& options) {
  constexpr const char* op = "nll_loss";
  const Caller caller(input.where());
  const Tensor x = input.as_tensor(float32);
  const Classes classes = check_classes(x, target, options.ignore_index, op, input.where());
  const Tensor weights = sample_weights(classes, options.weight, x, op, input.where());
  const Tensor picked = -gather(x, classes.axis, classes.index);
  return reduce_weighted(weights.defined() ? weigh(weights, picked) : picked, weights, classes.axis,
                         options.reduction);
}

Tensor entropy(const Arg& p, const DistributionOptions& options) {
  return distribution_cross_entropy(p, p, options);
}

Tensor distribution_cross_entropy(const Arg& p, const Arg& q, const DistributionOptions& options) {
  const Caller caller(p.where());
  check_same_shape("distribution_cross_entropy", p, q);
  const Tensor each = formulas::entropy_term.sum(Dims(options.dim), p, q);
  return reduce(each, options.reduction, p.where());
}

Tensor zero_one_loss(const Arg& scores, const Tensor& target, const LossOptions& options) {
  const Caller caller(scores.where());
  const Tensor x = scores.as_tensor(float32);
  const Classes classes = check_classes(x, target, -100, "zero_one_loss", scores.where());
  const Tensor wrong = cast(argmax(x, classes.axis) != target, x.dtype());
  return reduce(wrong, options.reduction, scores.where());
}

}  // namespace xtape::nn
