#include <xtape/nn/convolutions.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::equal;
using check::listing;

TEST_CASE("convolution layers: parameters, initial values and the function they wrap") {
  manual_seed(1);
  nn::Conv1d one(8, 12, 5, {.stride = 2, .padding = 1, .dilation = 2, .groups = 4});
  nn::Conv2d two(16, 32, {3, 2}, {.padding = {1, 0}});
  nn::Conv3d three(4, 6, 3, {.bias = false, .dtype = float64});
  CHECK(listing(one) == "weight [12, 2, 5], bias [12]");
  CHECK(listing(two) == "weight [32, 16, 3, 2], bias [32]");
  CHECK(listing(three) == "weight [6, 4, 3, 3, 3]");
  CHECK(check::fills(one.weight, 1 / std::sqrt(10.0)));
  CHECK(check::fills(two.weight, 1 / std::sqrt(96.0)));
  CHECK(check::fills(two.bias, 1 / std::sqrt(96.0)));
  CHECK(check::fills(three.weight, 1 / std::sqrt(108.0)));
  const Tensor x1 = randn({2, 8, 20}), x2 = randn({2, 16, 6, 7}),
               x3 = randn({2, 4, 5, 4, 3}, float64);
  CHECK(equal(one(x1), conv1d(x1, one.weight, one.bias,
                              {.stride = 2, .padding = 1, .dilation = 2, .groups = 4})));
  CHECK(equal(two(x2), conv2d(x2, two.weight, two.bias, {.padding = {1, 0}})));
  CHECK(equal(three(x3), conv3d(x3, three.weight)));
  CHECK(three(x3).dtype() == float64);
  CHECK(two(index(x2, {0})).shape() == Shape{32, 6, 6});  // without a batch
  sum(two(x2)).backward();
  CHECK(check::all_learn(two));
}

TEST_CASE("convolution layers: padding by words") {
  const Tensor x = randn({1, 2, 9});
  CHECK(nn::Conv1d(2, 3, 4, {.padding = "same", .dilation = 2})(x).shape() == Shape{1, 3, 9});
  CHECK(nn::Conv1d(2, 3, 4, {.padding = "valid"})(x).shape() == Shape{1, 3, 6});
}

TEST_CASE("transposed convolution layers: parameters, initial values, function") {
  manual_seed(2);
  nn::ConvTranspose1d one(6, 9, 4, {.stride = 3, .padding = 1, .groups = 3});
  nn::ConvTranspose2d two(8, 16, {3, 2}, {.stride = 2, .output_padding = {1, 0}});
  nn::ConvTranspose3d three(4, 6, 2, {.bias = false, .dilation = 2});
  CHECK(listing(one) == "weight [6, 3, 4], bias [9]");
  CHECK(listing(two) == "weight [8, 16, 3, 2], bias [16]");
  CHECK(listing(three) == "weight [4, 6, 2, 2, 2]");
  CHECK(check::fills(one.weight, 1 / std::sqrt(12.0)));
  CHECK(check::fills(two.weight, 1 / std::sqrt(96.0)));
  const Tensor x1 = randn({2, 6, 5}), x2 = randn({2, 8, 4, 3}), x3 = randn({4, 3, 2, 3});
  CHECK(equal(one(x1), conv_transpose1d(x1, one.weight, one.bias,
                                        {.stride = 3, .padding = 1, .groups = 3})));
  CHECK(equal(two(x2),
              conv_transpose2d(x2, two.weight, two.bias, {.stride = 2, .output_padding = {1, 0}})));
  CHECK(equal(three(x3), conv_transpose3d(x3, three.weight, {}, {.dilation = 2})));
  sum(one(x1)).backward();
  CHECK(check::all_learn(one));
}

TEST_CASE("convolution layers: errors name the user's line") {
  CHECK_BLAMES(ValueError, "Conv2d: channels of at least 1 wanted: 0 to 3", nn::Conv2d(0, 3, 3));
  CHECK_BLAMES(ValueError, "Conv1d: 2 groups do not divide 4 and 3 channels",
               nn::Conv1d(4, 3, 3, {.groups = 2}));
  CHECK_BLAMES(ValueError, "Conv3d: 0 groups", nn::Conv3d(4, 3, 3, {.groups = 0}));
  CHECK_BLAMES(ValueError, "Conv2d: kernel_size is [1, 2, 3]", nn::Conv2d(1, 1, {1, 2, 3}));
  CHECK_BLAMES(ValueError, "Conv2d: kernel_size is [0]", nn::Conv2d(1, 1, 0));
  CHECK_BLAMES(ValueError, "ConvTranspose2d: 3 groups do not divide 3 and 4 channels",
               nn::ConvTranspose2d(3, 4, 2, {.groups = 3}));
  nn::Conv2d layer(3, 4, 3);
  CHECK_BLAMES(ShapeError, "conv2d: ", layer(randn({1, 2, 8, 8})));
  CHECK_BLAMES(ShapeError, "conv2d: ", layer(randn({3, 8})));
}
