#include <xtape/nn/shape_layers.hpp>
#include <xtape/ops/padding.hpp>
#include <xtape/ops/shuffling.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::equal;
using check::numbers;

TEST_CASE("flatten and unflatten") {
  const Tensor x = randn({2, 3, 4, 5});
  CHECK(nn::Flatten()(x).shape() == Shape{2, 60});
  CHECK(nn::Flatten(0)(x).shape() == Shape{120});
  CHECK(nn::Flatten(1, 2)(x).shape() == Shape{2, 12, 5});
  CHECK(nn::Flatten(-2)(x).shape() == Shape{2, 3, 20});
  const Tensor flat = reshape(x, {2, 60});
  CHECK(equal(nn::Unflatten(1, {3, 4, 5})(flat), x));
  CHECK(equal(nn::Unflatten(-1, {3, -1, 5})(flat), x));
  CHECK(nn::Unflatten(0, {1, 2})(flat).shape() == Shape{1, 2, 60});
  nn::Unflatten bad(1, {7, -1}), open(1, {-1, -1, 60}), wrong(1, {7, 9}), far(2, {1});
  CHECK_BLAMES(ShapeError, "Unflatten: axis 1 of [2, 60] does not divide into [7, -1]", bad(flat));
  CHECK_BLAMES(ShapeError, "Unflatten: axis 1 of [2, 60] does not divide into [-1, -1, 60]",
               open(flat));
  CHECK_BLAMES(ShapeError, "Unflatten: axis 1 of [2, 60] does not divide into [7, 9]", wrong(flat));
  CHECK_BLAMES(IndexError, "Unflatten: ", far(flat));
  nn::Flatten flatten(4);
  CHECK_BLAMES(IndexError, "flatten: ", flatten(x));
}

TEST_CASE("identity and lambda") {
  const Tensor x = randn({3});
  CHECK(nn::Identity()(x).same_as(x));
  nn::Lambda twice([](const Tensor& y) { return y * 2; });
  CHECK(equal(twice(x), x * 2));
  nn::Sequential net(nn::Linear(3, 3), twice, nn::Lambda([](const Tensor& y) { return y + 1; }));
  CHECK(net(x).shape() == Shape{3});
  CHECK_BLAMES(ValueError, "Lambda: the function is empty", nn::Lambda(nullptr));
  const Tensor hidden = ones({3}).requires_grad(true);
  nn::Lambda leaky([&](const Tensor& y) { return y * hidden; });
  CHECK_THROWS_WITH_AS(leaky(x), doctest::Contains("is not registered"), GradError);
}

TEST_CASE("layers over the functions for images") {
  const Tensor x = randn({2, 4, 3, 5});
  nn::Upsample up = [] {
    const std::string mode = "bilinear";  // gone when the layer is called
    return nn::Upsample({.scale_factor = 2, .mode = mode, .align_corners = true});
  }();
  CHECK(
      equal(up(x), interpolate(x, {.scale_factor = 2, .mode = "bilinear", .align_corners = true})));
  nn::Upsample copy = up;
  CHECK(equal(copy(x), up(x)));
  CHECK(equal(nn::Upsample({.size = {6, 7}})(x), interpolate(x, {.size = {6, 7}})));
  CHECK(equal(nn::PixelShuffle(2)(x), pixel_shuffle(x, 2)));
  CHECK(equal(nn::PixelUnshuffle(2)(pixel_shuffle(x, 2)), x));
  const Tensor padded = nn::ZeroPad2d(1, 2, 3, 4)(x);
  CHECK(padded.shape() == Shape{2, 4, 10, 8});
  CHECK(equal(slice(slice(padded, 2, {.start = 3, .stop = 6}), 3, {.start = 1, .stop = 6}), x));
  CHECK(sum(abs(padded)).item<double>() == doctest::Approx(sum(abs(x)).item<double>()));
  CHECK(equal(nn::ZeroPad2d(-1)(padded), nn::ZeroPad2d(0, 1, 2, 3)(x)));
  nn::ZeroPad2d pad(1);
  CHECK_BLAMES(ShapeError, "ZeroPad2d: x [..., C, H, W] wanted, its shape is [3, 5]",
               pad(ones({3, 5})));
  nn::Upsample neither{InterpolateOptions{}};
  CHECK_BLAMES(ValueError, "interpolate: ", neither(x));
  nn::PixelShuffle shuffle(3);
  CHECK_BLAMES(ShapeError, "pixel_shuffle: ", shuffle(x));
}
