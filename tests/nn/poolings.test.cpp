#include <xtape/nn/poolings.hpp>
#include <xtape/nn/shape_layers.hpp>
#include <xtape/ops/padding.hpp>
#include <xtape/ops/shuffling.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::equal;

TEST_CASE("pooling layers are the functions with what the constructor was given") {
  const Tensor x1 = randn({2, 3, 11}), x2 = randn({2, 3, 8, 7}), x3 = randn({2, 3, 6, 5, 4});
  struct Case {
    std::string name;
    Tensor got, wanted;
  };
  const std::vector<Case> cases = {
      {"MaxPool1d", nn::MaxPool1d(3, {.stride = 2, .ceil_mode = true})(x1),
       max_pool1d(x1, 3, {.stride = 2, .ceil_mode = true})},
      {"MaxPool2d", nn::MaxPool2d({3, 2}, {.padding = {1, 0}})(x2),
       max_pool2d(x2, {3, 2}, {.padding = {1, 0}})},
      {"MaxPool3d", nn::MaxPool3d(2, {.dilation = 2})(x3), max_pool3d(x3, 2, {.dilation = 2})},
      {"AvgPool1d", nn::AvgPool1d(3)(x1), avg_pool1d(x1, 3)},
      {"AvgPool2d", nn::AvgPool2d(2, {.padding = 1, .count_include_pad = false})(x2),
       avg_pool2d(x2, 2, {.padding = 1, .count_include_pad = false})},
      {"AvgPool3d", nn::AvgPool3d(2, {.divisor_override = 3})(x3),
       avg_pool3d(x3, 2, {.divisor_override = 3})},
      {"AdaptiveAvgPool1d", nn::AdaptiveAvgPool1d(4)(x1), adaptive_avg_pool1d(x1, 4)},
      {"AdaptiveAvgPool2d", nn::AdaptiveAvgPool2d({3, 2})(x2), adaptive_avg_pool2d(x2, {3, 2})},
      {"AdaptiveAvgPool3d", nn::AdaptiveAvgPool3d(2)(x3), adaptive_avg_pool3d(x3, 2)},
      {"AdaptiveMaxPool1d", nn::AdaptiveMaxPool1d(4)(x1), adaptive_max_pool1d(x1, 4)},
      {"AdaptiveMaxPool2d", nn::AdaptiveMaxPool2d({3, 2})(x2), adaptive_max_pool2d(x2, {3, 2})},
      {"AdaptiveMaxPool3d", nn::AdaptiveMaxPool3d(2)(x3), adaptive_max_pool3d(x3, 2)},
      {"LPPool1d", nn::LPPool1d(2, 3, {.stride = 1})(x1), lp_pool1d(x1, 2, 3, {.stride = 1})},
      {"LPPool2d", nn::LPPool2d(3, {2, 3})(x2), lp_pool2d(x2, 3, {2, 3})},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    CHECK(equal(each.got, each.wanted));
  }
  CHECK(nn::MaxPool2d(2).parameters().empty());
  nn::MaxPool2d pool(9);
  CHECK_BLAMES(ShapeError, "max_pool2d: ", pool(x2));
  nn::AdaptiveAvgPool1d adaptive(2);
  CHECK_BLAMES(ShapeError, "adaptive_avg_pool1d: ", adaptive(ones({2})));
}
