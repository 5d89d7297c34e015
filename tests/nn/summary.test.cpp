#include <xtape/nn/convolutions.hpp>
#include <xtape/nn/dropout_layers.hpp>
#include <xtape/nn/shape_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;

namespace {

struct Net : nn::Module {
  nn::Conv2d conv = add("conv", nn::Conv2d(3, 8, 3, {.padding = 1}));
  nn::Sequential head =
      add("head", nn::Sequential(nn::Flatten(), nn::Dropout(), nn::Linear(128, 10)));
  Tensor scale = parameter("scale", ones({10}));
  Tensor forward(const Tensor& x) override { return head(relu(conv(x))) * scale; }
};

}  // namespace

TEST_CASE("summary: the table of a small net, with flops by hand") {
  Net net;
  net.head.eval();
  // conv: 2 * 2 images * 8 * 27 * 16 points, linear: 2 * 2 * 128 * 10
  CHECK("\n" + nn::summary(net, {2, 3, 4, 4}) == R"(
layer              output          parameters            flops
Net                [2, 10]                 10            18944
  conv Conv2d      [2, 8, 4, 4]           224            13824
  head Sequential  [2, 10]                  0             5120
    0 Flatten      [2, 128]                 0                0
    1 Dropout      [2, 128]                 0                0
    2 Linear       [2, 10]               1290             5120
total                                    1524            18944
)");
  CHECK(net.is_training());
  CHECK_FALSE(net.head.is_training());
  CHECK(net.conv.is_training());
}

TEST_CASE("summary: layers used twice, tied weights, element types, errors") {
  const nn::Linear shared(4, 4, {.dtype = float64});
  nn::Sequential net(shared, nn::Activation("tanh"), shared);
  CHECK("\n" + nn::summary(net, {4}, {.dtype = float64}) == R"(
layer           output    parameters            flops
Sequential      [4]                0               64
  0 Linear      [4]               20               32
  1 Activation  [4]                0                0
  0 Linear      [4]               20               32
total                             20               64
)");
  CHECK_BLAMES(ShapeError, "linear: ", nn::summary(net, {3}, {.dtype = float64}));
  int calls = 0;
  nn::Lambda counts([&](const Tensor& x) {
    ++calls;
    CHECK_FALSE(grad_enabled());
    return x;
  });
  nn::summary(counts, {1});
  CHECK(calls == 1);
}
