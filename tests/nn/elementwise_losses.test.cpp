// Losses that compare element by element, against loops from the definition.
#include <functional>
#include <limits>

#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::numbers;
using check::slope_error;
using nn::Reduction;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
using Loss = std::function<Tensor(const std::vector<Tensor>&, Reduction)>;
using Naive = std::function<double(double, double)>;

// Values for every reduction, and the first and second gradients of both arguments.
void check_loss(const char* name, const Loss& loss, const Naive& naive, const Tensor& x,
                const Tensor& y) {
  INFO(std::string(name));
  const std::vector<double> a = numbers(x), b = numbers(y);
  std::vector<double> want;
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    want.push_back(naive(a[i], b[i]));
    total += want.back();
  }
  const Tensor none = loss({x, y}, Reduction::none);
  CHECK(none.shape() == x.shape());
  for (std::size_t i = 0; i < want.size(); ++i)
    CHECK(numbers(none)[i] == doctest::Approx(want[i]).epsilon(1e-13));
  CHECK(loss({x, y}, Reduction::sum).item<double>() == doctest::Approx(total).epsilon(1e-13));
  CHECK(loss({x, y}, Reduction::mean).item<double>() ==
        doctest::Approx(total / static_cast<double>(want.size())).epsilon(1e-13));
  CHECK(loss({cast(x, float32), cast(y, float32)}, Reduction::mean).dtype() == float32);
  for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
    const check::Function f = [&](const auto& in) { return loss(in, reduction); };
    CHECK(slope_error(f, {x, y}) < 1e-7);
    CHECK(slope_error(f, {x, y}, true) < 1e-7);
  }
  CHECK(curvature_error([&](const auto& in) { return loss(in, Reduction::mean); }, {x, y}) < 1e-5);
  // nothing broadcasts, and no elements have the sum 0 and no mean
  const Tensor column = ones({3, 1}, float64), empty = Tensor::empty({0, 2}, float64);
  CHECK_THROWS_AS(loss({column, ones({3}, float64)}, Reduction::mean), ShapeError);
  CHECK_THROWS_AS(loss({x, y}, Reduction(7)), ValueError);
  CHECK(loss({empty, empty}, Reduction::sum).item<double>() == 0);
  CHECK(std::isnan(loss({empty, empty}, Reduction::mean).item<double>()));
}

double hinge(double x) { return std::max(0.0, x); }

std::vector<double> slopes_of(const Loss& loss, const Tensor& x, const Tensor& y) {
  const Tensor leaf = x.copy().requires_grad(true);
  loss({leaf, y}, Reduction::sum).backward();
  return numbers(leaf.grad());
}

}  // namespace

TEST_CASE("element-wise losses: values and gradients") {
  manual_seed(11);
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{3, 4}, Shape{2, 1, 19}}) {
    const Tensor x = 2 * randn(shape, float64), y = 2 * randn(shape, float64);
    const Tensor p = 0.05 + 0.9 * rand(shape, float64), q = 0.05 + 0.9 * rand(shape, float64);
    const Tensor side = where(y > 0, ones_like(y), -1.0);
    const auto d = [](double a, double b) { return std::abs(a - b); };
    check_loss(
        "l1", [](const auto& in, Reduction r) { return nn::l1_loss(in[0], in[1], {r}); }, d, x, y);
    check_loss(
        "smooth l1",
        [](const auto& in, Reduction r) {
          return nn::smooth_l1_loss(in[0], in[1], {.beta = 0.7, .reduction = r});
        },
        [&](double a, double b) {
          return d(a, b) < 0.7 ? d(a, b) * d(a, b) / 1.4 : d(a, b) - 0.35;
        },
        x, y);
    check_loss(
        "smooth l1, beta 0",
        [](const auto& in, Reduction r) {
          return nn::smooth_l1_loss(in[0], in[1], {.beta = 0, .reduction = r});
        },
        d, x, y);
    check_loss(
        "huber",
        [](const auto& in, Reduction r) {
          return nn::huber_loss(in[0], in[1], {.delta = 1.5, .reduction = r});
        },
        [&](double a, double b) {
          return d(a, b) <= 1.5 ? d(a, b) * d(a, b) / 2 : 1.5 * (d(a, b) - 0.75);
        },
        x, y);
    check_loss(
        "power",
        [](const auto& in, Reduction r) {
          return nn::power_loss(in[0], in[1], {.exponent = 2.5, .reduction = r});
        },
        [&](double a, double b) { return std::pow(d(a, b), 2.5); }, x, y);
    check_loss(
        "bce",
        [](const auto& in, Reduction r) {
          return nn::binary_cross_entropy(in[0], in[1], {.weight = {}, .reduction = r});
        },
        [](double a, double b) { return -(b * std::log(a) + (1 - b) * std::log(1 - a)); }, p, q);
    check_loss(
        "kl",
        [](const auto& in, Reduction r) {
          return nn::kl_div(in[0], in[1], {.log_target = false, .reduction = r});
        },
        [](double a, double b) { return b * (std::log(b) - a); }, x, q);
    check_loss(
        "kl of logarithms",
        [](const auto& in, Reduction r) {
          return nn::kl_div(in[0], in[1], {.log_target = true, .reduction = r});
        },
        [](double a, double b) { return std::exp(b) * (b - a); }, x, y);
    check_loss(
        "poisson, log",
        [](const auto& in, Reduction r) {
          return nn::poisson_nll_loss(in[0], in[1], {.reduction = r});
        },
        [](double a, double b) { return std::exp(a) - b * a; }, x, y);
    check_loss(
        "poisson, full",
        [](const auto& in, Reduction r) {
          return nn::poisson_nll_loss(
              in[0], in[1], {.log_input = false, .full = true, .eps = 0.25, .reduction = r});
        },
        [](double a, double b) {
          const double more =
              b > 1 ? b * std::log(b) - b + 0.5 * std::log(2 * 3.14159265358979323846 * b) : 0;
          return a - b * std::log(a + 0.25) + more;
        },
        p, 3 * q);
    check_loss(
        "soft margin",
        [](const auto& in, Reduction r) { return nn::soft_margin_loss(in[0], in[1], {r}); },
        [](double a, double b) { return std::log1p(std::exp(-a * b)); }, x, y);
    const Loss embedding = [](const auto& in, Reduction r) {
      return nn::hinge_embedding_loss(in[0], in[1], {.margin = 0.8, .reduction = r});
    };
    CHECK(slope_error(
              [&](const auto& in) {
                return embedding({in[0], side}, Reduction::mean);
              },
              {x}) < 1e-8);
    const std::vector<double> got = numbers(embedding({x, side}, Reduction::none)), a = numbers(x),
                              b = numbers(side);
    for (std::size_t i = 0; i < a.size(); ++i)
      CHECK(got[i] == doctest::Approx(b[i] == 1 ? a[i] : hinge(0.8 - a[i])));
  }
}

TEST_CASE("element-wise losses: slopes where they are a convention") {
  const auto zero = zeros({3}, float64), x = Tensor({-1, 0, 1}, float64);
  using V = std::vector<double>;
  const auto l1 = [](const auto& in, Reduction r) { return nn::l1_loss(in[0], in[1], {r}); };
  CHECK(slopes_of(l1, x, zero) == V{-1, 0, 1});
  const auto huber = [](const auto& in, Reduction r) {
    return nn::huber_loss(in[0], in[1], {.delta = 1, .reduction = r});
  };
  CHECK(slopes_of(huber, x, zero) == V{-1, 0, 1});
  const auto power = [](const auto& in, Reduction r) {
    return nn::power_loss(in[0], in[1], {.exponent = 1, .reduction = r});
  };
  CHECK(slopes_of(power, x, zero) == V{-1, 0, 1});
  const auto embedding = [](const auto& in, Reduction r) {
    return nn::hinge_embedding_loss(in[0], in[1], {.margin = 1, .reduction = r});
  };
  CHECK(slopes_of(embedding, Tensor({1, 1, 2}, float64), Tensor({1, -1, -1}, float64)) ==
        V{1, -1, 0});
}

TEST_CASE("binary cross entropy of probabilities: at 0 and 1, weights, errors") {
  const Tensor y({0, 1, 0, 1}, float64);
  const Tensor p = Tensor({0, 0, 1, 1}, float64).requires_grad(true);
  const Tensor loss = nn::binary_cross_entropy(p, y, {.weight = {}, .reduction = Reduction::none});
  CHECK(numbers(loss) == std::vector<double>{0, 100, 100, 0});
  sum(loss).backward();
  CHECK(numbers(p.grad()) == std::vector<double>{0, -1e12, 1e12, 0});
  for (const double tiny : {1e-13, 1e-40, 1e-300}) {
    const Tensor q = Tensor({tiny}, float64).requires_grad(true);
    const Tensor one = nn::binary_cross_entropy(q, ones({1}, float64));
    CHECK(one.item<double>() == doctest::Approx(std::min(100.0, -std::log(tiny))));
    one.backward();
    CHECK(numbers(q.grad())[0] == doctest::Approx(-1e12));
  }
  const Tensor q = rand({3, 4}, float64), t = rand({3, 4}, float64), w({1, 2, 3, 4}, float64);
  CHECK(check::distance(nn::binary_cross_entropy(q, t, {.weight = w, .reduction = Reduction::none}),
                        w * nn::binary_cross_entropy(
                                q, t, {.weight = {}, .reduction = Reduction::none})) < 1e-15);
  CHECK_BLAMES(ValueError, "binary_cross_entropy: no probability: -0.5 at position 1",
               nn::binary_cross_entropy(Tensor({0.5, -0.5}), ones({2})));
  CHECK_BLAMES(
      ShapeError,
      "binary_cross_entropy: a weight of shape [2, 2] does not broadcast to the input, [2]",
      nn::binary_cross_entropy(ones({2}), ones({2}), {.weight = ones({2, 2})}));
}

TEST_CASE("binary cross entropy with logits: weights") {
  const Tensor x = 3 * randn({3, 4}, float64), y = rand({3, 4}, float64);
  const Tensor w = rand({3, 1}, float64), v = 1 + rand({4}, float64);
  const auto loss = [&](const Tensor& in, const Tensor& target, Reduction reduction) {
    return nn::binary_cross_entropy_with_logits(
        in, target, {.weight = w, .pos_weight = v, .reduction = reduction});
  };
  const Tensor p = sigmoid(x), want = -w * (v * y * log(p) + (1 - y) * log(1 - p));
  CHECK(check::distance(loss(x, y, Reduction::none), want) < 1e-13);
  CHECK(check::distance(loss(x, y, Reduction::mean), mean(want)) < 1e-13);
  const check::Function f = [&](const auto& in) { return loss(in[0], in[1], Reduction::sum); };
  CHECK(slope_error(f, {x, y}) < 1e-8);
  CHECK(curvature_error(f, {x, y}) < 1e-5);
  // at 0 the slope is ((1 - y) - v y) w / 2
  const Tensor zero = zeros({3, 4}, float64).requires_grad(true);
  loss(zero, y, Reduction::sum).backward();
  CHECK(check::distance(zero.grad(), w * ((1 - y) - v * y) / 2) < 1e-15);
  zero.zero_grad();
  nn::binary_cross_entropy_with_logits(zero, y, {.reduction = Reduction::sum}).backward();
  CHECK(check::distance(zero.grad(), 0.5 - y) < 1e-15);
  for (const double far : {-1000.0, 1000.0}) {
    const Tensor at = full({3, 4}, far, float64).requires_grad(true);
    const Tensor far_loss = loss(at, cast(at.detach() > 0, float64), Reduction::sum);
    CHECK(far_loss.item<double>() == 0);
    far_loss.backward();
    CHECK(numbers(at.grad()) == std::vector<double>(12));
  }
}

TEST_CASE("Kullback-Leibler divergence: zeros in the target, batchmean") {
  const Tensor x = Tensor({{-1, -inf}, {-2, -3}}, float64).requires_grad(true);
  const Tensor y({{1, 0}, {0, 0.5}}, float64);
  const Tensor loss = nn::kl_div(x, y, {.log_target = false, .reduction = Reduction::none});
  CHECK(numbers(loss) == std::vector<double>{1, 0, 0, 0.5 * (std::log(0.5) + 3)});
  sum(loss).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{-1, 0, 0, -0.5});
  CHECK(nn::kl_div(x, y, {.log_target = false, .reduction = Reduction::batchmean}).item<double>() ==
        sum(loss).item<double>() / 2);
  CHECK(nn::kl_div(zeros({3, 2}, float64), full({3, 2}, std::exp(1), float64),
                   {.reduction = Reduction::batchmean})
            .item<double>() == doctest::Approx(2 * std::exp(1)));
  CHECK_BLAMES(ShapeError, "kl_div: batchmean needs an axis, the input is 0-d",
               nn::kl_div(Tensor(1.0), Tensor(1.0),
                          {.log_target = true, .reduction = Reduction::batchmean}));
}

TEST_CASE("Gaussian loss: variances of three shapes, small variances, errors") {
  const Tensor x = randn({3, 4}, float64), y = randn({3, 4}, float64);
  for (const Shape& shape : {Shape{3, 4}, Shape{3, 1}, Shape{3}}) {
    const Tensor v = 0.5 + rand(shape, float64);
    const Tensor wide = shape.rank() == 1 ? unsqueeze(v, -1) : v;
    const Tensor want = 0.5 * (log(wide) + square(x - y) / wide) + 0.91893853320467274178;
    const auto loss = [&](const auto& in, Reduction r) {
      return nn::gaussian_nll_loss(in[0], in[1], in[2],
                                   {.full = true, .eps = 1e-6, .reduction = r});
    };
    CHECK(check::distance(loss(std::vector<Tensor>{x, y, v}, Reduction::none), want) < 1e-14);
    const check::Function f = [&](const auto& in) { return loss(in, Reduction::mean); };
    CHECK(slope_error(f, {x, y, v}) < 1e-8);
    CHECK(curvature_error(f, {x, y, v}) < 1e-6);
  }
  const Tensor v = Tensor({1e-9}, float64).requires_grad(true);
  nn::gaussian_nll_loss(Tensor({0.3}, float64), Tensor({0.1}, float64), v, {.eps = 0.01})
      .backward();
  CHECK(numbers(v.grad())[0] == doctest::Approx(-150));
  CHECK_BLAMES(ShapeError, "gaussian_nll_loss: input [3, 4] and var [4]; one shape wanted",
               nn::gaussian_nll_loss(x, y, ones({4}, float64)));
  CHECK_BLAMES(ValueError, "gaussian_nll_loss: a negative variance: -1 at position 0",
               nn::gaussian_nll_loss(x, y, full({3, 4}, -1, float64)));
}

TEST_CASE("element-wise losses: options out of range") {
  const Tensor x = ones({2});
  CHECK_BLAMES(ValueError, "smooth_l1_loss: beta is -1, at least 0 wanted",
               nn::smooth_l1_loss(x, x, {.beta = -1}));
  CHECK_BLAMES(ValueError, "huber_loss: delta is 0, more than 0 wanted",
               nn::huber_loss(x, x, {.delta = 0}));
  CHECK_BLAMES(ValueError, "power_loss: the exponent is 0.5, at least 1 wanted",
               nn::power_loss(x, x, {.exponent = 0.5}));
  CHECK_BLAMES(ValueError, "reduce: batchmean is for kl_div",
               nn::mse_loss(x, x, {.reduction = Reduction::batchmean}));
}
