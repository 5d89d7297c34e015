#include <xtape/nn/dropout_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::numbers;

TEST_CASE("gaussian dropout: noise around 1, the same in both passes") {
  Generator generator(5), again(5);
  const Tensor x = full({100'000}, 2, float64).requires_grad(true);
  const Tensor y = nn::gaussian_dropout(x, {.p = 0.2, .generator = &generator});
  CHECK(mean(y).item<double>() == doctest::Approx(2).epsilon(0.01));
  CHECK(mean(square(y - 2)).item<double>() == doctest::Approx(4 * 0.25).epsilon(0.02));
  CHECK(equal(nn::gaussian_dropout(x, {.p = 0.2, .generator = &again}), y));
  sum(y).backward();
  CHECK(distance(x.grad() * 2, y) < 1e-15);
  const check::Function f = [](const auto& in) {
    Generator same(9);
    return square(gaussian_drop(in[0], 0.7, same));
  };
  CHECK(check::slope_error(f, {randn({3, 7}, float64)}) < 1e-8);
  CHECK(check::curvature_error(f, {randn({3, 7}, float64)}) < 1e-5);
  CHECK(equal(nn::gaussian_dropout(x, {.p = 0.2, .training = false}), x));
  CHECK(gaussian_drop(zeros({0, 2}), 1).shape() == Shape{0, 2});
  CHECK_BLAMES(ValueError, "gaussian_dropout: p is 1, less than 1 wanted",
               nn::gaussian_dropout(x, {.p = 1}));
  CHECK_BLAMES(ValueError, "gaussian_dropout: p is -1, not a probability",
               nn::gaussian_dropout(x, {.p = -1}));
  CHECK_BLAMES(ValueError, "gaussian_drop: the deviation is -1", gaussian_drop(x, -1));
  CHECK_BLAMES(DTypeError, "gaussian_drop: a floating tensor wanted, not int64",
               gaussian_drop(ones({2}, int64), 1));
}

TEST_CASE("alpha dropout of channels keeps mean and variance") {
  const Tensor x = broadcast_to(randn({300, 200, 1}, float64), {300, 200, 2});
  const Tensor y = nn::feature_alpha_dropout(x, {.p = 0.3});
  CHECK(std::abs(mean(y).item<double>()) < 0.02);
  CHECK(mean(square(y)).item<double>() == doctest::Approx(1).epsilon(0.02));
  CHECK(equal(slice(y, 2, {.start = 0, .stop = 1}), slice(y, 2, {.start = 1, .stop = 2})));
  CHECK_BLAMES(ShapeError, "feature_alpha_dropout: x [N, C, ...] wanted, its shape is [3]",
               nn::feature_alpha_dropout(ones({3})));
}

TEST_CASE("dropout layers: training is the function, evaluation the identity") {
  Generator own(3), other(3);
  const auto with = [&](double p) { return nn::DropoutOptions{.p = p, .generator = &other}; };
  const Tensor x = randn({4, 5, 3});
  struct Case {
    std::string name;
    std::shared_ptr<nn::Module> layer;
    Tensor (*function)(const Arg&, const nn::DropoutOptions&);
  };
  const std::vector<Case> cases = {
      {"Dropout", std::make_shared<nn::Dropout>(0.3, &own), &nn::dropout},
      {"Dropout1d", std::make_shared<nn::Dropout1d>(0.3, &own), &nn::channel_dropout},
      {"AlphaDropout", std::make_shared<nn::AlphaDropout>(0.3, &own), &nn::alpha_dropout},
      {"FeatureAlphaDropout", std::make_shared<nn::FeatureAlphaDropout>(0.3, &own),
       &nn::feature_alpha_dropout},
      {"GaussianDropout", std::make_shared<nn::GaussianDropout>(0.3, &own), &nn::gaussian_dropout},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    const Tensor first = (*each.layer)(x), second = (*each.layer)(x);
    CHECK(equal(first, each.function(x, with(0.3))));
    CHECK(equal(second, each.function(x, with(0.3))));
    CHECK_FALSE(equal(first, second));
    each.layer->eval();
    CHECK(equal((*each.layer)(x), x));
    CHECK(own.stream() == other.stream());
  }
  // the global generator unless another is given
  manual_seed(8);
  const Tensor y = nn::Dropout()(x);
  manual_seed(8);
  CHECK(equal(y, nn::dropout(x)));
}

TEST_CASE("channel dropout layers: by rank, with or without a batch") {
  manual_seed(4);
  const auto whole = [](const Tensor& y, int channels_axis) {  // 0 or 2 throughout each channel
    const Tensor flat = flatten(y, channels_axis + 1);
    return equal(amax(flat, -1), amin(flat, -1));
  };
  nn::Dropout2d two;
  nn::Dropout3d three(0.5);
  const Tensor batch = two(ones({3, 4, 2, 2})), image = two(ones({8, 2, 2}));
  CHECK(whole(batch, 1));
  CHECK(image.shape() == Shape{8, 2, 2});
  CHECK(whole(image, 0));
  CHECK(sum(image).item<float>() > 0);
  CHECK(sum(image).item<float>() < 64);
  CHECK(whole(three(ones({2, 3, 2, 1, 2})), 1));
  CHECK_BLAMES(ShapeError, "Dropout2d: x is [2, 3]; batch, channels and 2 spatial axes",
               two(ones({2, 3})));
  CHECK_BLAMES(ShapeError, "Dropout3d: x is [2, 3, 4]", three(ones({2, 3, 4})));
  CHECK_BLAMES(ValueError, "Dropout: p is 1.5, not in [0, 1]", nn::Dropout(1.5));
  CHECK_BLAMES(ValueError, "AlphaDropout: p is -1, not in [0, 1]", nn::AlphaDropout(-1));
  CHECK_BLAMES(ValueError, "GaussianDropout: p is 1, not in [0, 1)", nn::GaussianDropout(1));
  CHECK(numbers(nn::Dropout(1)(ones({2}))) == std::vector<double>{0, 0});
}

TEST_CASE("drop connect: a linear layer whose weights are left out") {
  Generator own(6), other(6);
  nn::DropConnect layer(5, 4, {.p = 0.4, .generator = &own});
  CHECK(check::listing(layer) == "weight [4, 5], bias [4]");
  const Tensor x = randn({3, 5});
  const Tensor dropped = nn::dropout(layer.weight, {.p = 0.4, .generator = &other});
  CHECK(equal(layer(x), linear(x, dropped, layer.bias)));
  CHECK(numbers(dropped) != numbers(layer.weight));
  sum(layer(x)).backward();
  CHECK(check::all_learn(layer));
  layer.eval();
  CHECK(equal(layer(x), linear(x, layer.weight, layer.bias)));
  CHECK_BLAMES(ValueError, "DropConnect: p is 2, not in [0, 1]", nn::DropConnect(5, 4, {.p = 2}));
  CHECK_BLAMES(ValueError, "Linear: sizes of at least 1", nn::DropConnect(0, 4));
}

TEST_CASE("monte carlo dropout: only dropout is in training") {
  struct Net : nn::Module {
    nn::Dropout drop = add("drop", nn::Dropout(0.5));
    bool plain_in_training = false;
    struct Plain : nn::Module {
      bool* seen;
      Tensor forward(const Tensor& x) override {
        *seen |= is_training();
        return x;
      }
    };
    Plain plain;
    Net() {
      plain.seen = &plain_in_training;
      add("plain", plain);
    }
    Tensor forward(const Tensor& x) override { return plain(drop(x)); }
  };
  Net net;
  manual_seed(3);
  const Tensor x = Tensor({1, 2, -4}).requires_grad(true);
  const nn::McDropout got = nn::mc_dropout(net, x, 50);
  manual_seed(3);
  std::vector<double> sum(3), squares(3);
  for (int i = 0; i < 50; ++i) {
    const std::vector<double> y = numbers(nn::dropout(x));
    for (int k = 0; k < 3; ++k) {
      sum[k] += y[k] / 50;
      squares[k] += y[k] * y[k] / 50;
    }
  }
  for (int k = 0; k < 3; ++k) {
    CHECK(numbers(got.mean)[k] == doctest::Approx(sum[k]));
    CHECK(numbers(got.variance)[k] == doctest::Approx(squares[k] - sum[k] * sum[k]));
  }
  CHECK_FALSE(got.mean.requires_grad());
  CHECK_FALSE(net.plain_in_training);
  CHECK(net.is_training());
  CHECK(net.plain.is_training());
  CHECK(numbers(nn::mc_dropout(net, x, 1).variance) == std::vector<double>(3, 0));
  nn::Dropout alone(0.5);
  alone.eval();
  CHECK(numbers(nn::mc_dropout(alone, x, 30).variance)[2] > 1);
  CHECK_FALSE(alone.is_training());
  CHECK_BLAMES(ValueError, "mc_dropout: 0 samples, at least 1 wanted", nn::mc_dropout(net, x, 0));
}
