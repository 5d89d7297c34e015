#include <xtape/nn/fuse.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::listing;

namespace {

// A batch norm with numbers in it that are all different.
template <class Norm>
Norm trained(std::int64_t channels, const nn::BatchNormLayerOptions& options = {}) {
  Norm norm(channels, options);
  const NoGrad no_grad;
  for (const Tensor& each : {norm.weight, norm.bias, norm.running_mean})
    if (each.defined()) assign(each, {ellipsis}, randn({channels}, each.dtype()));
  assign(norm.running_var, {ellipsis}, rand({channels}, norm.running_var.dtype()) + 0.5);
  norm.eval();
  return norm;
}

}  // namespace

TEST_CASE("fused batch norm: the same outputs in evaluation, from a layer of its own") {
  const nn::BatchNormLayerOptions wide{.eps = 0.1, .dtype = float64};
  for (const bool bias : {true, false}) {
    nn::Linear fc(3, 4, {.bias = bias, .dtype = float64});
    auto norm1 = trained<nn::BatchNorm1d>(4, wide);
    const Tensor x = randn({5, 3}, float64);
    nn::Linear fused = nn::fuse_batch_norm(fc, norm1);
    CHECK(listing(fused) == "weight [4, 3], bias [4]");
    CHECK(distance(fused(x), norm1(fc(x))) < 1e-14);
    CHECK_FALSE(fused.weight.same_as(fc.weight));
    CHECK(fused.weight.requires_grad());
    nn::Conv2d conv(4, 6, {3, 2},
                    {.stride = 2, .padding = {1, 0}, .groups = 2, .bias = bias, .dtype = float64});
    auto norm2 = trained<nn::BatchNorm2d>(6, wide);
    const Tensor image = randn({2, 4, 7, 6}, float64);
    nn::Conv2d together = nn::fuse_batch_norm(conv, norm2);
    CHECK(listing(together) == "weight [6, 2, 3, 2], bias [6]");
    CHECK(distance(together(image), norm2(conv(image))) < 1e-13);
  }
  nn::Conv1d one(2, 3, 3, {.padding = "same"});
  auto plain = trained<nn::BatchNorm1d>(3, {.affine = false});
  const Tensor x = randn({2, 2, 6});
  CHECK(distance(nn::fuse_batch_norm(one, plain)(x), plain(one(x))) < 1e-5);
  nn::Conv3d three(1, 2, 2);
  auto norm3 = trained<nn::BatchNorm3d>(2);
  const Tensor cube = randn({1, 1, 3, 3, 3});
  CHECK(distance(nn::fuse_batch_norm(three, norm3)(cube), norm3(three(cube))) < 1e-5);
}

TEST_CASE("fused batch norm: errors") {
  const nn::Linear fc(3, 4);
  CHECK_BLAMES(ShapeError,
               "fuse_batch_norm: a layer with 4 outputs before a batch norm of 3 channels",
               nn::fuse_batch_norm(fc, nn::BatchNorm1d(3)));
  CHECK_BLAMES(ValueError, "fuse_batch_norm: the batch norm has no running statistics",
               nn::fuse_batch_norm(fc, nn::BatchNorm1d(4, {.track_running_stats = false})));
}
