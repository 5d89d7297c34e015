#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::distance;
using check::numbers;
using check::slope_error;

namespace {

// (x - mean) / sqrt(var + eps) over axes, by plain operations.
Tensor standardised(const Tensor& x, const Dims& dims, double eps) {
  const Tensor centred = x - mean(x, dims, true);
  return centred / sqrt(mean(square(centred), dims, true) + eps);
}

Tensor per_channel(const Tensor& w, int rank) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(i == 1 ? w.numel() : 1);
  return reshape(w, shape);
}

void check_gradients(const check::Function& f, const std::vector<Tensor>& inputs) {
  CHECK(slope_error(f, inputs) < 1e-7);
  CHECK(slope_error(f, inputs, true) < 1e-7);
  CHECK(curvature_error(f, inputs) < 1e-5);
}

}  // namespace

TEST_CASE("batch norm: training") {
  manual_seed(8);
  for (const Shape& shape : {Shape{5, 3}, Shape{2, 3, 4}, Shape{2, 3, 2, 5}, Shape{67, 33}}) {
    const std::int64_t channels = shape[1];
    const Tensor x = 2 + randn(shape, float64), w = randn({channels}, float64),
                 b = randn({channels}, float64);
    std::vector<std::int64_t> others{0};
    for (int axis = 2; axis < shape.rank(); ++axis) others.push_back(axis);
    const Tensor plain = standardised(x, Dims(others), 1e-5);
    const Tensor y = nn::batch_norm(x, {}, {}, {.weight = w, .bias = b, .training = true});
    const int rank = shape.rank();
    CHECK(distance(y, plain * per_channel(w, rank) + per_channel(b, rank)) < 1e-13);
    CHECK(distance(nn::batch_norm(x, {}, {}, {.training = true}), plain) < 1e-13);
    const Tensor running_mean = ones({channels}, float64), running_var = ones({channels}, float64);
    nn::batch_norm(x, running_mean, running_var, {.training = true, .momentum = 0.25});
    const double n = static_cast<double>(x.numel()) / static_cast<double>(channels);
    const Tensor m = mean(x, Dims(others), true);
    const Tensor v = sum(square(x - m), Dims(others)) / (n - 1);
    CHECK(distance(running_mean, 0.75 + 0.25 * reshape(m, {channels})) < 1e-14);
    CHECK(distance(running_var, 0.75 + 0.25 * v) < 1e-14);
    nn::batch_norm(x, running_mean, running_var,
                   {.training = true, .momentum = std::nullopt, .batches = 1});
    CHECK(distance(running_var, v) < 1e-14);
    if (x.numel() < 100)
      check_gradients(
          [](const auto& in) {
            return nn::batch_norm(in[0], {}, {},
                                  {.weight = in[1], .bias = in[2], .training = true});
          },
          {x, w, b});
  }
}

TEST_CASE("batch norm: evaluation, float32, errors") {
  const Tensor x = randn({4, 3, 2}, float64), m({1, 2, 3}, float64), v({0.5, 1, 2}, float64);
  const Tensor w = rand({3}, float64), b = rand({3}, float64);
  const auto run = [&](const auto& in) {
    return nn::batch_norm(in[0], m, v, {.weight = in[1], .bias = in[2]});
  };
  const Tensor want = (x - per_channel(m, 3)) / sqrt(per_channel(v, 3) + 1e-5) * per_channel(w, 3) +
                      per_channel(b, 3);
  CHECK(distance(run(std::vector<Tensor>{x, w, b}), want) < 1e-14);
  CHECK(numbers(m) == std::vector<double>{1, 2, 3});
  check_gradients(run, {x, w, b});
  // an offset costs no more digits than the mean itself has
  const Tensor far = cast(1e4 + randn({64, 3}, float64), float32);
  CHECK(distance(nn::batch_norm(far, {}, {}, {.training = true}),
                 cast(standardised(cast(far, float64), 0, 1e-5), float32)) < 1e-3);
  CHECK_BLAMES(ShapeError, "batch_norm: at least 2 axes wanted, [N, C, ...]; the shape is [3]",
               nn::batch_norm(ones({3}), {}, {}, {.training = true}));
  CHECK_BLAMES(ShapeError, "batch_norm: more than one value per channel wanted in training: [1, 3]",
               nn::batch_norm(ones({1, 3}), {}, {}, {.training = true}));
  CHECK_BLAMES(ValueError, "batch_norm: outside training the running mean and variance are needed",
               nn::batch_norm(x, {}, {}));
  CHECK_BLAMES(ShapeError, "batch_norm: a weight of shape [3] wanted, it is [2]",
               nn::batch_norm(x, m, v, {.weight = ones({2}, float64)}));
  CHECK_BLAMES(ShapeError, "batch_norm: a bias of shape [3]",
               nn::batch_norm(x, m, v, {.bias = ones({3, 1}, float64)}));
  CHECK_BLAMES(ShapeError, "batch_norm: a running mean of shape [3]",
               nn::batch_norm(x, ones({1}, float64), v));
  CHECK_BLAMES(ShapeError, "batch_norm: a running variance of shape [3]",
               nn::batch_norm(x, m, ones({4}, float64)));
}

TEST_CASE("layer norm") {
  const Tensor x = randn({2, 3, 4}, float64);
  for (const Shape& shape : {Shape{4}, Shape{3, 4}, Shape{2, 3, 4}}) {
    const Tensor w = randn(shape, float64), b = randn(shape, float64);
    const Dims dims = shape.rank() == 1 ? Dims(-1) : shape.rank() == 2 ? Dims{-2, -1} : Dims();
    const auto run = [&](const auto& in) {
      return nn::layer_norm(in[0], shape, {.weight = in[1], .bias = in[2], .eps = 1e-3});
    };
    CHECK(distance(run(std::vector<Tensor>{x, w, b}), standardised(x, dims, 1e-3) * w + b) < 1e-14);
    check_gradients(run, {x, w, b});
  }
  CHECK(nn::layer_norm(Tensor::empty({0, 3}, float32), {3}).shape() == Shape{0, 3});
  CHECK_BLAMES(ShapeError, "layer_norm: [2, 3, 4] does not end in the normalized shape [3]",
               nn::layer_norm(x, {3}));
  CHECK_THROWS_AS(nn::layer_norm(x, {}), ShapeError);
  CHECK_THROWS_AS(nn::layer_norm(x, {1, 2, 3, 4}), ShapeError);
  CHECK_THROWS_AS(nn::layer_norm(x, {4}, {.weight = ones({3}, float64)}), ShapeError);
  CHECK_THROWS_AS(nn::layer_norm(x, {4}, {.bias = ones({1}, float64)}), ShapeError);
}

namespace {

// y of samples over several blocks and pieces, and the gradients of sum(y^3 + x) for what wants
// one.
std::vector<Tensor> of_many(const Tensor& x, const Tensor& w, const Tensor& b, bool plain) {
  const auto leaf = [](const Tensor& t) { return t.copy().requires_grad(t.requires_grad()); };
  const Tensor mine[] = {leaf(x), leaf(w), leaf(b)};
  const std::int64_t groups = x.rank() == 2 ? 1 : 4;
  Tensor y;
  if (plain) {
    const Tensor split = reshape(mine[0], {x.shape()[0], groups, -1});
    y = reshape(standardised(split, 2, 1e-3), x.shape());
    const Shape whole = x.rank() == 2 ? w.shape() : Shape{w.numel(), 1, 1};
    y = y * reshape(mine[1], whole) + reshape(mine[2], whole);
  } else if (groups == 1) {
    y = nn::layer_norm(mine[0], w.shape(), {.weight = mine[1], .bias = mine[2], .eps = 1e-3});
  } else {
    y = nn::group_norm(mine[0], groups, {.weight = mine[1], .bias = mine[2], .eps = 1e-3});
  }
  sum(y * y * y + mine[0]).backward();
  std::vector<Tensor> out{y.detach()};
  for (const Tensor& t : mine)
    if (t.requires_grad()) out.push_back(t.grad());
  return out;
}

}  // namespace

TEST_CASE("layer norm and group norm of many samples are those of plain operations") {
  manual_seed(12);
  for (const Shape& shape : {Shape{301, 700}, Shape{7, 8, 51, 50}, Shape{2, 4, 320, 320}})
    for (int wanted = shape.numel() < 300000 ? 1 : 7; wanted < 8; ++wanted) {
      const std::int64_t size = shape[1];
      const Tensor x = (1 + randn(shape, float64)).requires_grad(wanted & 1);
      const Tensor w = randn({size}, float64).requires_grad(wanted & 2);
      const Tensor b = randn({size}, float64).requires_grad(wanted & 4);
      const std::vector<Tensor> got = of_many(x, w, b, false), want = of_many(x, w, b, true);
      REQUIRE(got.size() == want.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        CAPTURE(shape.str());
        CAPTURE(wanted);
        CAPTURE(i);
        CHECK(distance(got[i], want[i]) < 1e-9);
      }
    }
}

TEST_CASE("layer norm gives the same bits with any number of threads") {
  const Tensor x = randn({777, 333}).requires_grad(true), w = randn({333}).requires_grad(true),
               b = randn({333}).requires_grad(true);
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<Tensor> one = of_many(x, w, b, false);
  for (int threads : {2, 3}) {
    set_num_threads(threads);
    const std::vector<Tensor> several = of_many(x, w, b, false);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(distance(one[i], several[i]) == 0);
  }
  set_num_threads(before);
}

TEST_CASE("group norm and instance norm") {
  for (const Shape& shape : {Shape{3, 6}, Shape{2, 6, 2}, Shape{2, 6, 2, 3}})
    for (const std::int64_t groups : {1, 2, 3, 6}) {
      if (shape.rank() == 2 && groups == 6) continue;
      const Tensor x = randn(shape, float64), w = randn({6}, float64), b = randn({6}, float64);
      const Tensor plain =
          reshape(standardised(reshape(x, {shape[0], groups, -1}), -1, 1e-5), shape);
      const auto run = [&](const auto& in) {
        return nn::group_norm(in[0], groups, {.weight = in[1], .bias = in[2]});
      };
      const Tensor want = plain * per_channel(w, shape.rank()) + per_channel(b, shape.rank());
      CHECK(distance(run(std::vector<Tensor>{x, w, b}), want) < 1e-13);
      if (groups == 3) check_gradients(run, {x, w, b});
      if (groups == 6)
        CHECK(distance(nn::instance_norm(x, {.weight = w, .bias = b}), want) < 1e-13);
    }
  const Tensor x = ones({2, 6, 1});
  CHECK_BLAMES(ValueError, "group_norm: 0 groups", nn::group_norm(x, 0));
  CHECK_BLAMES(ShapeError, "group_norm: 6 channels do not divide into 4 groups",
               nn::group_norm(x, 4));
  CHECK_BLAMES(ShapeError, "group_norm: a weight of shape [6] wanted",
               nn::group_norm(x, 2, {.weight = ones({2})}));
  CHECK_THROWS_AS(nn::group_norm(ones({6}), 2), ShapeError);
  CHECK_BLAMES(ShapeError, "instance_norm: more than one value per channel wanted: [2, 6, 1]",
               nn::instance_norm(x));
  CHECK_THROWS_AS(nn::instance_norm(ones({2, 6})), ShapeError);
  CHECK_THROWS_AS(nn::instance_norm(ones({2, 6, 3}), {.bias = ones({3})}), ShapeError);
}

TEST_CASE("root mean square and local response normalisation") {
  const Tensor x = randn({3, 5}, float64), w = randn({5}, float64);
  const auto rms = [](const auto& in) { return nn::rms_norm(in[0], {.weight = in[1]}); };
  CHECK(distance(rms(std::vector<Tensor>{x, w}), x / sqrt(mean(square(x), -1, true) + 1e-6) * w) <
        1e-14);
  check_gradients(rms, {x, w});
  const Tensor deep = randn({2, 4, 5}, float64), plain = nn::rms_norm(deep);
  CHECK(distance(plain, deep / sqrt(mean(square(deep), -1, true) + 1e-6)) < 1e-14);
  CHECK(distance(rms(std::vector<Tensor>{deep, w}), plain * w) < 1e-14);
  CHECK_THROWS_AS(nn::rms_norm(Tensor(1.0)), ShapeError);
  CHECK_THROWS_AS(nn::rms_norm(x, {.weight = ones({3}, float64)}), ShapeError);

  const Tensor image = randn({2, 5, 3}, float64);
  for (const std::int64_t size : {1, 2, 3, 5, 8}) {
    const auto run = [&](const auto& in) {
      return nn::local_response_norm(in[0], size, {.alpha = 0.5, .beta = 0.75, .k = 2});
    };
    const std::vector<double> in = numbers(image), out = numbers(run(std::vector<Tensor>{image}));
    for (std::int64_t n = 0; n < 2; ++n)
      for (std::int64_t c = 0; c < 5; ++c)
        for (std::int64_t i = 0; i < 3; ++i) {
          double total = 0;
          for (std::int64_t k = std::max<std::int64_t>(0, c - size / 2);
               k <= std::min<std::int64_t>(4, c + (size - 1) / 2); ++k)
            total += std::pow(in[(n * 5 + k) * 3 + i], 2);
          const double mean = total / static_cast<double>(size);
          CHECK(out[(n * 5 + c) * 3 + i] ==
                doctest::Approx(in[(n * 5 + c) * 3 + i] / std::pow(2 + 0.5 * mean, 0.75)));
        }
    check_gradients(run, {image});
  }
  CHECK_THROWS_AS(nn::local_response_norm(ones({2, 3}), 3), ShapeError);
  CHECK_BLAMES(ValueError, "local_response_norm: a window of 0 channels",
               nn::local_response_norm(image, 0));
}
