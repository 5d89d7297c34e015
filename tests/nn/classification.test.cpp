// Losses of classes and distributions with their options, against compositions of plain operations.
#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::distance;
using check::numbers;
using check::slope_error;
using nn::Reduction;

namespace {

// -w log p of every class, [N, C, ...], by plain operations.
Tensor weighted_logs(const Tensor& x, const Tensor& weight) {
  Shape shape;
  for (int i = 0; i < x.rank(); ++i) shape.push_back(i == 1 ? x.shape()[1] : 1);
  return reshape(weight, shape) * (logsumexp(x, 1, true) - x);
}

}  // namespace

TEST_CASE("cross entropy: weights, ignored classes, smoothing, further axes") {
  manual_seed(2);
  const Tensor w({0.5, 2, 1, 3}, float64);
  for (const Shape& shape : {Shape{6, 4}, Shape{3, 4, 2}, Shape{2, 4, 3, 2}}) {
    const Tensor x = randn(shape, float64);
    Shape places{shape[0]};
    for (int i = 2; i < shape.rank(); ++i) places.push_back(shape[i]);
    const Tensor y = cast(4 * rand(places, float64), int64);
    for (const double smoothing : {0.0, 0.3, 1.0})
      for (const bool weighted : {false, true})
        for (const std::int64_t ignored : {-100, 2}) {
          INFO(shape.str() << " " << smoothing << weighted << " " << ignored);
          const Tensor used = cast(y != ignored, float64), c = weighted ? w : ones({4}, float64);
          const Tensor costs = weighted_logs(x, c);
          const Tensor picked = squeeze(gather(costs, 1, unsqueeze(y, 1)), 1);
          const Tensor want = used * ((1 - smoothing) * picked + smoothing / 4 * sum(costs, 1));
          const Tensor counted = sum(used * take(c, y));
          const auto loss = [&](const Tensor& in, Reduction r) {
            return nn::cross_entropy(in, y,
                                     {.weight = weighted ? w : Tensor(),
                                      .ignore_index = ignored,
                                      .label_smoothing = smoothing,
                                      .reduction = r});
          };
          CHECK(distance(loss(x, Reduction::none), want) < 1e-14);
          CHECK(distance(loss(x, Reduction::sum), sum(want)) < 1e-14);
          CHECK(distance(loss(x, Reduction::mean), sum(want) / counted) < 1e-14);
          CHECK(slope_error([&](const auto& in) { return loss(in[0], Reduction::mean); }, {x}) <
                1e-8);
        }
    CHECK(curvature_error(
              [&](const auto& in) {
                return nn::cross_entropy(in[0], y, {.weight = w, .label_smoothing = 0.1});
              },
              {x}) < 1e-6);
  }
}

TEST_CASE("cross entropy: probabilities") {
  const Tensor w({0.5, 2, 1, 3}, float64);
  for (const Shape& shape : {Shape{6, 4}, Shape{2, 4, 3}}) {
    const Tensor x = randn(shape, float64), p = rand(shape, float64);
    const auto loss = [&](const auto& in, Reduction r) {
      return nn::cross_entropy(in[0], in[1], {.weight = w, .label_smoothing = 0.2, .reduction = r});
    };
    const Tensor want = sum((0.8 * p + 0.05) * weighted_logs(x, w), 1);
    const std::vector<Tensor> both{x, p};
    CHECK(distance(loss(both, Reduction::none), want) < 1e-14);
    CHECK(distance(loss(both, Reduction::sum), sum(want)) < 1e-14);
    CHECK(distance(loss(both, Reduction::mean), mean(want)) < 1e-14);
    const check::Function f = [&](const auto& in) { return loss(in, Reduction::mean); };
    CHECK(slope_error(f, both) < 1e-8);
    CHECK(curvature_error(f, both) < 1e-6);
  }
  const Tensor one({1, 2, 3}, float64), p({0, 0.5, 0.5}, float64);
  CHECK(nn::cross_entropy(one, p).item<double>() ==
        doctest::Approx(std::log(std::exp(1) + std::exp(2) + std::exp(3)) - 2.5));
  const Tensor masked = Tensor({-INFINITY, 0, 0}, float64).requires_grad(true);
  const Tensor loss = nn::cross_entropy(masked, p);
  CHECK(loss.item<double>() == doctest::Approx(std::log(2)));
  loss.backward();
  CHECK(numbers(masked.grad()) == std::vector<double>{0, 0, 0});
}

TEST_CASE("cross entropy: everything ignored") {
  const Tensor x = Tensor({{-INFINITY, -INFINITY}, {1, NAN}}, float64).requires_grad(true);
  const Tensor y({-100, -100}, int64);
  CHECK(std::isnan(nn::cross_entropy(x, y).item<double>()));
  for (const double smoothing : {0.0, 0.5}) {
    const Tensor loss =
        nn::cross_entropy(x, y, {.label_smoothing = smoothing, .reduction = Reduction::sum});
    CHECK(loss.item<double>() == 0);
    loss.backward();
  }
  CHECK(numbers(x.grad()) == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("negative log likelihood") {
  const Tensor x = randn({5, 3, 2}, float64), w({1, 0.5, 2}, float64);
  const Tensor y({{0, 1}, {2, 2}, {1, -1}, {0, 0}, {-1, 1}}, int64);
  const Tensor used = cast(y != -1, float64), safe = where(y == -1, 0, y);
  const Tensor weights = used * take(w, safe);
  const Tensor want = -weights * squeeze(gather(x, 1, unsqueeze(safe, 1)), 1);
  const auto loss = [&](const Tensor& in, Reduction r) {
    return nn::nll_loss(in, y, {.weight = w, .ignore_index = -1, .reduction = r});
  };
  CHECK(distance(loss(x, Reduction::none), want) < 1e-15);
  CHECK(distance(loss(x, Reduction::mean), sum(want) / sum(weights)) < 1e-15);
  CHECK(slope_error([&](const auto& in) { return loss(in[0], Reduction::sum); }, {x}) < 1e-8);
  CHECK(nn::nll_loss(Tensor({-1, -2}), Tensor(1, int64)).item<float>() == 2);
  CHECK_BLAMES(IndexError, "nll_loss: class -1 at position 5, but there are 3 classes",
               nn::nll_loss(x, y));
  CHECK_BLAMES(ShapeError, "nll_loss: scores [5, 3, 2] and classes [5]",
               nn::nll_loss(x, zeros({5}, int64)));
}

TEST_CASE("entropy, cross-entropy of distributions, share of errors") {
  const Tensor p = softmax(randn({4, 3}, float64), -1), q = softmax(randn({4, 3}, float64), -1);
  CHECK(distance(nn::entropy(p), -mean(sum(p * log(p), -1))) < 1e-15);
  CHECK(distance(nn::distribution_cross_entropy(p, q, {.dim = 0, .reduction = Reduction::none}),
                 -sum(p * log(q), 0)) < 1e-15);
  const check::Function f = [](const auto& in) {
    return nn::distribution_cross_entropy(in[0], in[1]) + nn::entropy(in[0]);
  };
  CHECK(slope_error(f, {p, q}) < 1e-8);
  CHECK(curvature_error(f, {p, q}) < 1e-6);
  const Tensor sure = Tensor({0, 1}, float64).requires_grad(true);
  CHECK(nn::entropy(sure).item<double>() == 0);
  CHECK_THROWS_AS(nn::distribution_cross_entropy(p, ones({4, 1}, float64)), ShapeError);
  const Tensor x({{1, 2}, {3, 0}, {0, 5}}), y({1, 1, 1}, int64);
  CHECK(nn::zero_one_loss(x, y).item<float>() == doctest::Approx(1 / 3.0));
  CHECK(numbers(nn::zero_one_loss(x, y, {Reduction::none})) == std::vector<double>{0, 1, 0});
  CHECK_THROWS_AS(nn::zero_one_loss(x, Tensor({0, 1, 2}, int64)), IndexError);
}
