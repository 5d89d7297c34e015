#include <xtape/ops/gemm.hpp>
#include <xtape/ops/winograd.hpp>

#include "../check.hpp"

using namespace check;

namespace {

struct Layer {
  std::int64_t batch, groups, channels, filters, height, width, padding;

  Shape x() const { return {batch, groups * channels, height, width}; }
  Shape kernel() const { return {groups * filters, channels, 3, 3}; }
  ConvOptions options() const { return {.padding = padding, .groups = groups}; }
  detail::Convolution sizes() const {
    detail::Convolution sizes{{}, batch, groups, channels, filters};
    sizes.windows.rank = 2;
    for (int i = 0; i < 2; ++i) {
      const std::int64_t in = i == 0 ? height : width;
      sizes.windows[i] = {in, in + 2 * padding - 2, 3, 1, padding, 1};
    }
    return sizes;
  }
};

// One that is cut into parts of images, one of several images a block and a smaller last one, lines
// of odd and even lengths, without and with as much padding as there may be, groups, tiles that
// fill registers and do not, and kernels so large that their gradient is cut by filters.
const Layer layers[] = {{2, 1, 16, 16, 32, 30, 1}, {7, 1, 17, 33, 14, 13, 0},
                        {13, 2, 16, 20, 7, 9, 2},  {2, 1, 40, 24, 6, 90, 1},
                        {1, 3, 16, 16, 27, 22, 2}, {9, 1, 64, 16, 8, 8, 1},
                        {1, 1, 16, 16, 4, 300, 0}, {1, 8, 96, 96, 8, 8, 1}};

// The convolution and its three gradients in an element type, or of magnitudes.
std::vector<Tensor> results(const Layer& layer, DType dtype, bool magnitudes = false) {
  manual_seed(5);
  const auto sample = [&](const Shape& shape) {
    const Tensor numbers = cast(randn(shape), dtype);
    return (magnitudes ? abs(numbers) : numbers).detach();
  };
  Tensor x = sample(layer.x()), w = sample(layer.kernel()), b = sample({layer.kernel()[0]});
  for (Tensor* each : {&x, &w, &b}) each->requires_grad(true);
  const Tensor y = conv2d(x, w, b, layer.options());
  y.backward(sample(y.shape()));
  return {y.detach(), x.grad(), w.grad(), b.grad()};
}

}  // namespace

TEST_CASE("convolutions by fewer products are those by columns") {
  for (const Layer& layer : layers) {
    CAPTURE(layer.x().str());
    CAPTURE(layer.padding);
    REQUIRE(detail::suits_winograd(layer.sizes()));
    const auto got = results(layer, float32), exact = results(layer, float64),
               magnitudes = results(layer, float64, true);
    for (std::size_t i = 0; i < got.size(); ++i) {
      REQUIRE(got[i].shape() == exact[i].shape());
      const Tensor error = abs(cast(got[i], float64) - exact[i]) / magnitudes[i];
      CHECK(amax(error).item<double>() < 16 * 0x1p-24);
    }
  }
}

TEST_CASE("whole numbers are convolved without rounding") {
  const Layer layer{4, 1, 16, 16, 12, 12, 1};
  REQUIRE(detail::suits_winograd(layer.sizes()));
  manual_seed(6);
  const Tensor x = round(randn(layer.x()) * 4), w = round(randn(layer.kernel()) * 4) * 4;
  CHECK(equal(cast(conv2d(x, w, {}, layer.options()), float64),
              conv2d(cast(x, float64), cast(w, float64), {}, layer.options())));
}

TEST_CASE("a result is computed of the points it sees alone") {
  const Layer layer{2, 1, 16, 16, 16, 17, 1};
  REQUIRE(detail::suits_winograd(layer.sizes()));
  manual_seed(7);
  Tensor x = randn(layer.x());
  const Tensor w = randn(layer.kernel()), clean = conv2d(x, w, {}, layer.options());
  x.mutable_data<float>()[(3 * 16 + 7) * 17 + 8] = std::numeric_limits<float>::infinity();
  const Tensor spoilt = conv2d(x, w, {}, layer.options());
  for (std::int64_t i = 0; i < clean.numel(); ++i) {
    const std::int64_t row = i / 17 % 16, column = i % 17;
    const bool sees = i < clean.numel() / 2 && std::abs(row - 7) <= 1 && std::abs(column - 8) <= 1;
    const float value = spoilt.data<float>()[i];
    CHECK(std::isfinite(value) == !sees);
    if (!sees) CHECK(value == clean.data<float>()[i]);
  }
}

TEST_CASE("an image is convolved to the same bits alone and in a batch") {
  manual_seed(9);
  const Tensor x = randn({5, 16, 8, 9}), w = randn({16, 16, 3, 3});
  const Range first{.start = 0, .stop = 1};
  CHECK(equal(slice(conv2d(x, w, {}, {.padding = 1}), 0, first),
              conv2d(slice(x, 0, first), w, {}, {.padding = 1})));
}

TEST_CASE("no images are convolved to none") {
  for (const bool transposed : {false, true}) {
    const Tensor x = zeros({0, 16, 8, 9}).requires_grad(true);
    const Tensor w = randn({16, 16, 3, 3}).requires_grad(true);
    const Tensor y =
        transposed ? conv_transpose2d(x, w, {}, {.padding = 1}) : conv2d(x, w, {}, {.padding = 1});
    CHECK(y.shape() == x.shape());
    sum(y).backward();
    CHECK(equal(w.grad(), zeros(w.shape())));
    CHECK(x.grad().shape() == x.shape());
  }
}

TEST_CASE("without winograd a weight of 0 hides what it sees") {
  const NoGrad off;
  manual_seed(10);
  Tensor x = randn({1, 16, 16, 16}), w = zeros({16, 16, 3, 3});
  for (std::int64_t c = 0; c < 16; ++c) w.mutable_data<float>()[(c * 16 + c) * 9 + 4] = 1;
  x.mutable_data<float>()[5 * 16 + 5] = -1e9f;
  CHECK(equal(conv2d(x, w, {}, {.padding = 1, .winograd = false}), x));
  CHECK(equal(conv_transpose2d(x, w, {}, {.padding = 1, .winograd = false}), x));
  nn::Conv2d layer(16, 16, 3, {.padding = 1, .bias = false, .winograd = false});
  std::copy_n(w.data<float>(), w.numel(), layer.weight.mutable_data<float>());
  CHECK(equal(layer(x).detach(), x));
  nn::ConvTranspose2d transposed(16, 16, 3, {.padding = 1, .bias = false, .winograd = false});
  std::copy_n(w.data<float>(), w.numel(), transposed.weight.mutable_data<float>());
  CHECK(equal(transposed(x).detach(), x));
}

TEST_CASE("what is saved is counted as if it were done") {
  const auto counted = [](const Layer& layer, bool transposed, bool winograd) {
    const std::int64_t before = detail::counted_flops();
    Tensor x = ones(layer.x()).requires_grad(true), w = ones(layer.kernel()).requires_grad(true);
    const Tensor y =
        transposed ? conv_transpose2d(x, w, {}, {.padding = layer.padding, .winograd = winograd})
                   : conv2d(x, w, {}, {.padding = layer.padding, .winograd = winograd});
    sum(y).backward();
    return detail::counted_flops() - before;
  };
  for (const std::int64_t padding : {0, 1, 2})
    for (const bool transposed : {false, true})
      CHECK(counted({3, 1, 16, 16, 11, 12, padding}, transposed, true) ==
            counted({3, 1, 16, 16, 11, 12, padding}, transposed, false));
}

TEST_CASE("any number of threads convolves to the same bits") {
  const int before = num_threads();
  for (const Layer& layer : {layers[0], layers[2], layers[7]}) {
    set_num_threads(1);
    const auto alone = results(layer, float32);
    set_num_threads(3);
    const auto shared = results(layer, float32);
    for (std::size_t i = 0; i < alone.size(); ++i) CHECK(equal(alone[i], shared[i]));
  }
  set_num_threads(before);
}

TEST_CASE("gradients of gradients of convolutions by fewer products") {
  const Layer layer{2, 1, 16, 16, 16, 16, 1};
  REQUIRE(detail::suits_winograd(layer.sizes()));
  const auto second = [&](DType dtype) {
    manual_seed(8);
    Tensor x = cast(randn(layer.x()), dtype).detach(),
           w = cast(randn(layer.kernel()), dtype).detach();
    for (Tensor* each : {&x, &w}) each->requires_grad(true);
    const Tensor y = sum(square(conv2d(x, w, {}, layer.options())));
    const auto first = grad(y, {x, w}, {.create_graph = true});
    return grad(sum(square(first[0])) + sum(square(first[1])), {x, w});
  };
  const auto got = second(float32), exact = second(float64);
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(amax(abs(cast(got[i], float64) - exact[i])).item<double>() <
          1e-5 * amax(abs(exact[i])).item<double>());
}
