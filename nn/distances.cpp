#include <fmt/format.h>

#include <cmath>
#include <xtape/nn/distances.hpp>
#include <xtape/nn/loss_formulas.hpp>
#include <xtape/nn/margin_losses.hpp>
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/statistics.hpp>

namespace xtape {

namespace {

// The p-norm of a - b + eps over axes.
Tensor norm_of(const Arg& a, const Arg& b, double eps, double p, const Dims& dims, const char* op) {
  if (!(p >= 0)) raise<ValueError>(a.where(), op, fmt::format("p is {}, at least 0 wanted", p));
  if (p == 2) return formulas::square_root(formulas::offset_square.sum(dims, a, b, eps));
  if (p == 1) return formulas::offset_distance.sum(dims, a, b, eps);
  if (std::isinf(p)) return amax(formulas::offset_distance(a, b, eps), dims, dims.keepdim);
  if (p == 0) return sum(sign(formulas::offset_distance(a, b, eps)), dims, dims.keepdim);
  const Tensor total = formulas::offset_power.sum(dims, a, b, eps, p);
  return formulas::offset_power(total, 0, 0, 1 / p);
}

}  // namespace

Tensor pairwise_distance(const Arg& a, const Arg& b, const DistanceOptions& options) {
  const Caller caller(a.where());
  return norm_of(a, b, options.eps, options.p, Dims(-1).keep(options.keepdim), "pairwise_distance");
}

Tensor normalize(const Arg& argument, const NormalizeOptions& options) {
  const Caller caller(argument.where());
  const Tensor x = argument.as_tensor(float32);
  const Tensor norm =
      norm_of(Arg(x, argument.where()), 0, 0, options.p, options.dim.keep(), "normalize");
  return formulas::not_below(x, norm, options.eps);
}

Tensor cosine_similarity(const Arg& a, const Arg& b, const CosineOptions& options) {
  const Caller caller(a.where());
  const Dims dims(options.dim);
  return formulas::cosine(formulas::mul.sum(dims, a, b), formulas::first_square.sum(dims, a, b),
                          formulas::first_square.sum(dims, b, a), options.eps);
}

namespace nn {

Tensor cosine_embedding_loss(const Arg& a, const Arg& b, const Arg& target,
                             const CosineEmbeddingOptions& options) {
  constexpr const char* op = "cosine_embedding_loss";
  const Caller caller(a.where());
  check_same_shape(op, a, b);
  const Shape shape = a.as_tensor(float32).shape(), wanted = target.as_tensor(float32).shape();
  const bool fits = shape.rank() == 2   ? wanted == Shape{shape[0]}
                    : shape.rank() == 1 ? wanted.rank() == 0
                                        : false;
  if (!fits)
    raise<ShapeError>(
        a.where(), op,
        fmt::format("vectors {} and targets {}; [N, D] and [N] wanted", shape.str(), wanted.str()));
  return reduced(formulas::cosine_embedding, options.reduction, formulas::mul.sum(-1, a, b),
                 formulas::square.sum(-1, a), formulas::square.sum(-1, b), target, options.margin);
}

Tensor triplet_margin_loss(const Arg& anchor, const Arg& positive, const Arg& negative,
                           const TripletOptions& options) {
  constexpr const char* op = "triplet_margin_loss";
  const Caller caller(anchor.where());
  check_same_shape(op, anchor, positive);
  check_same_shape(op, anchor, negative);
  const auto distance = [&](const Arg& a, const Arg& b) {
    return norm_of(a, b, options.eps, options.p, Dims(-1), op);
  };
  const Tensor near = distance(anchor, positive);
  Tensor far = distance(anchor, negative);
  if (options.swap) far = minimum(far, distance(positive, negative));
  return reduced(formulas::ranking, options.reduction, near, far, -1, options.margin);
}

}  // namespace nn

}  // namespace xtape
