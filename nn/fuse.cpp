#include <fmt/format.h>

#include <xtape/autograd/tape.hpp>
#include <xtape/nn/fuse.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/math.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

// Folds `norm` behind a weight [out, ...] and a bias [out] or none into those of `fused`.
void fold_into(const Tensor& fused_weight, const Tensor& fused_bias, const Tensor& weight,
               const Tensor& bias, const BatchNorm& norm, const Location& where) {
  const NoGrad no_grad;
  const Caller caller(where);
  const std::int64_t channels = weight.shape()[0];
  Tensor scale = 1 / sqrt(norm.running_var + norm.options().eps);
  if (norm.weight.defined()) scale = scale * norm.weight;
  Tensor shift = bias.defined() ? bias - norm.running_mean : -norm.running_mean;
  shift = shift * scale;
  if (norm.bias.defined()) shift = shift + norm.bias;
  Shape folded{channels};
  for (int axis = 1; axis < weight.rank(); ++axis) folded.push_back(1);
  assign(fused_weight, {ellipsis}, weight * reshape(scale, folded));
  assign(fused_bias, {ellipsis}, shift);
}

void check(const Tensor& weight, const BatchNorm& norm, const Location& where) {
  if (!norm.running_mean.defined())
    raise<ValueError>(where, "fuse_batch_norm", "the batch norm has no running statistics");
  if (norm.num_features() != weight.shape()[0])
    raise<ShapeError>(where, "fuse_batch_norm",
                      fmt::format("a layer with {} outputs before a batch norm of {} channels",
                                  weight.shape()[0], norm.num_features()));
}

}  // namespace

Linear fuse_batch_norm(const Linear& layer, const BatchNorm& norm, Location where) {
  check(layer.weight, norm, where);
  Linear fused(layer.weight.shape()[1], layer.weight.shape()[0], {.dtype = layer.weight.dtype()},
               where);
  fold_into(fused.weight, fused.bias, layer.weight, layer.bias, norm, where);
  return fused;
}

template <int Rank>
Conv<Rank> fuse_batch_norm(const Conv<Rank>& layer, const BatchNorm& norm, Location where) {
  check(layer.weight, norm, where);
  ConvLayerOptions options = layer.options();
  options.bias = true;
  options.dtype = layer.weight.dtype();
  const Shape& shape = layer.weight.shape();
  const std::vector<std::int64_t> kernel(shape.begin() + 2, shape.end());
  Conv<Rank> fused(shape[1] * options.groups, shape[0], kernel, options, where);
  fold_into(fused.weight, fused.bias, layer.weight, layer.bias, norm, where);
  return fused;
}

template Conv1d fuse_batch_norm(const Conv1d&, const BatchNorm&, Location);
template Conv2d fuse_batch_norm(const Conv2d&, const BatchNorm&, Location);
template Conv3d fuse_batch_norm(const Conv3d&, const BatchNorm&, Location);

}  // namespace xtape::nn
