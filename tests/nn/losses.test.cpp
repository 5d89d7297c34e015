#include <limits>

#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::distance;
using check::numbers;
using check::slope_error;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr nn::Reduction reductions[] = {nn::Reduction::none, nn::Reduction::mean,
                                        nn::Reduction::sum};

struct Naive {
  std::vector<double> losses;
  std::vector<double> slopes;  // of the sum of the losses
};

// Sums in long double, row by row, from the definition.
Naive naive_cross_entropy(const Tensor& logits, const std::vector<std::int64_t>& classes) {
  const std::vector<double> x = numbers(logits);
  const std::size_t width = classes.empty() ? 0 : x.size() / classes.size();
  Naive out;
  for (std::size_t row = 0; row < classes.size(); ++row) {
    const double* at = x.data() + row * width;
    const long double most = *std::max_element(at, at + width);
    long double sum = 0;
    for (std::size_t c = 0; c < width; ++c) sum += std::exp(at[c] - most);
    out.losses.push_back(static_cast<double>(std::log(sum) + (most - at[classes[row]])));
    for (std::size_t c = 0; c < width; ++c)
      out.slopes.push_back(static_cast<double>(std::exp(at[c] - most) / sum -
                                               (static_cast<std::int64_t>(c) == classes[row])));
  }
  return out;
}

double total(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return sum;
}

double worst(const std::vector<double>& got, const std::vector<double>& want) {
  if (got.size() != want.size()) return INFINITY;
  double most = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (check::same(got[i], want[i])) continue;
    const double d = std::abs(got[i] - want[i]) / (1 + std::abs(want[i]));
    most = std::isnan(d) ? INFINITY : std::max(most, d);
  }
  return most;
}

// Value and gradient for each reduction.
void check_cross_entropy(const Tensor& logits, const std::vector<std::int64_t>& classes,
                         double tolerance) {
  const Tensor y = Tensor::from(classes.data(), {static_cast<std::int64_t>(classes.size())});
  const Naive naive = naive_cross_entropy(logits, classes);
  const auto n = static_cast<double>(classes.size());
  for (const nn::Reduction reduction : reductions) {
    const Tensor x = logits.copy().requires_grad(true);
    const Tensor loss = nn::cross_entropy(x, y, {.reduction = reduction});
    std::vector<double> want = naive.losses, slopes = naive.slopes;
    if (reduction != nn::Reduction::none) want = {total(naive.losses)};
    if (reduction == nn::Reduction::mean) {
      want[0] /= n;
      for (double& slope : slopes) slope /= n;
    }
    CHECK(loss.shape() == (reduction == nn::Reduction::none ? y.shape() : Shape{}));
    CHECK(loss.dtype() == logits.dtype());
    CHECK(worst(numbers(loss), want) < tolerance);
    loss.backward(ones(loss.shape(), loss.dtype()));
    CHECK(x.grad().dtype() == logits.dtype());
    CHECK(worst(numbers(x.grad()), slopes) < tolerance);
  }
}

// log(1 + e^x) - x y from the definition, for |x| small enough.
double naive_logistic(double x, double y) {
  const long double p = 1 / (1 + std::exp(-static_cast<long double>(x)));
  return static_cast<double>(-y * std::log(p) - (1 - y) * std::log1p(-p));
}

}  // namespace

TEST_CASE("cross entropy: value and gradient against loops") {
  manual_seed(1);
  for (const Shape& shape :
       {Shape{1, 1}, Shape{1, 2}, Shape{7, 3}, Shape{64, 10}, Shape{33, 129}}) {
    CAPTURE(shape.str());
    std::vector<std::int64_t> classes;
    for (std::int64_t i = 0; i < shape[0]; ++i) classes.push_back(7 * i % shape[1]);
    const Tensor x = 4 * randn(shape, float64);
    check_cross_entropy(x, classes, 1e-13);
    check_cross_entropy(cast(x, float32), classes, 2e-6);
  }
}

TEST_CASE("cross entropy: logits of +-10000, equal logits, and differences beyond float32") {
  const std::vector<std::int64_t> classes{0, 1, 2, 1};
  const Tensor huge({{1e4, -1e4, 0}, {1e4, -1e4, 0}, {-1e4, -1e4, -1e4}, {1e4, 1e4, 1e4 - 1}},
                    float64);
  check_cross_entropy(huge, classes, 1e-15);
  check_cross_entropy(cast(huge, float32), classes, 1e-6);
  check_cross_entropy(full({4, 3}, 1e30, float32), classes, 1e-6);
  check_cross_entropy(full({4, 3}, -3e38, float32), classes, 1e-6);
}

TEST_CASE("cross entropy: masked logits have loss, but no gradient") {
  const Tensor x({{-inf, 1, 2}, {-inf, 3, -inf}, {0, -inf, -inf}}, float64);
  check_cross_entropy(x, {1, 1, 0}, 1e-15);
  check_cross_entropy(cast(x, float32), {2, 1, 0}, 1e-6);
  check_cross_entropy(x, {0, 1, 0}, 1e-15);  // the class itself is masked: infinite loss
  const Tensor all({{-inf, -inf}}, float64);
  CHECK(std::isnan(nn::cross_entropy(all, Tensor({0}, int64)).item<double>()));
}

TEST_CASE("cross entropy: NaN in a row stays in that row") {
  const Tensor x = Tensor({{NAN, 1.0}, {1.0, 2.0}}, float64).requires_grad(true);
  const Tensor loss =
      nn::cross_entropy(x, Tensor({1, 1}, int64), {.reduction = nn::Reduction::none});
  CHECK(std::isnan(numbers(loss)[0]));
  CHECK(numbers(loss)[1] == doctest::Approx(std::log1p(std::exp(-1.0))));
  sum(loss).backward();
  CHECK(std::isnan(numbers(x.grad())[0]));
  CHECK(numbers(x.grad())[2] == doctest::Approx(1 / (1 + std::exp(1.0))));
}

TEST_CASE("cross entropy: one sample without a batch axis") {
  const Tensor single = randn({5}, float64), y(3, int64);
  for (const nn::Reduction reduction : reductions) {
    const Tensor loss = nn::cross_entropy(single, y, {.reduction = reduction});
    CHECK(loss.shape() == Shape{});
    CHECK(loss.item<double>() ==
          doctest::Approx(naive_cross_entropy(single, {3}).losses[0]).epsilon(1e-14));
    CHECK(
        slope_error([&](auto& in) { return nn::cross_entropy(in[0], y, {.reduction = reduction}); },
                    {single}) < 1e-8);
  }
}

TEST_CASE("cross entropy: no samples") {
  const Tensor y = Tensor::empty({0}, int64);
  for (const std::int64_t width : {3, 0}) {
    const Tensor x = Tensor::empty({0, width}, float32).requires_grad(true);
    CHECK(nn::cross_entropy(x, y, {.reduction = nn::Reduction::none}).shape() == Shape{0});
    CHECK(nn::cross_entropy(x, y, {.reduction = nn::Reduction::sum}).item<float>() == 0);
    const Tensor mean = nn::cross_entropy(x, y);
    CHECK(std::isnan(mean.item<float>()));
    mean.backward();
    CHECK(x.grad().shape() == x.shape());
  }
}

TEST_CASE("cross entropy: first and second derivatives by differences") {
  const Tensor x = randn({4, 5}, float64), y({1, 4, 0, 4}, int64);
  for (const nn::Reduction reduction : reductions) {
    const check::Function loss = [&](auto& in) {
      return nn::cross_entropy(in[0], y, {.reduction = reduction});
    };
    CHECK(slope_error(loss, {x}) < 1e-8);
    CHECK(slope_error(loss, {x}, true) < 1e-8);
    CHECK(curvature_error(loss, {x}) < 1e-7);
  }
}

TEST_CASE("cross entropy: the Hessian is diag(p) - p p^T") {
  const Tensor x = randn({4}, float64).requires_grad(true);
  const Tensor slope = grad(nn::cross_entropy(x, Tensor(2, int64)), {x},
                            {.retain_graph = false, .create_graph = true})[0];
  std::vector<double> p = numbers(slope);
  p[2] += 1;
  for (std::int64_t i = 0; i < 4; ++i) {
    const Tensor one = slice(slope, 0, {.start = i, .stop = i + 1, .step = 1});
    const std::vector<double> row =
        numbers(grad(sum(one), {x}, {.retain_graph = true, .create_graph = false})[0]);
    for (std::int64_t j = 0; j < 4; ++j)
      CHECK(row[j] == doctest::Approx(p[i] * ((i == j) - p[j])).epsilon(1e-12));
  }
}

TEST_CASE("cross entropy: errors") {
  const Tensor x = randn({3, 4}), y({0, 1, 2}, int64);
  CHECK_BLAMES(ShapeError,
               "cross_entropy: scores [3, 4] and classes [2]; [N, C, ...] and [N, ...] wanted",
               nn::cross_entropy(x, Tensor({0, 1}, int64)));
  CHECK_BLAMES(ShapeError, "cross_entropy: scores [3, 4] and classes [3, 1]",
               nn::cross_entropy(x, unsqueeze(y, 1)));
  CHECK_BLAMES(ShapeError, "cross_entropy: scores [3, 4] and classes []",
               nn::cross_entropy(x, Tensor(1, int64)));
  CHECK_BLAMES(ShapeError, "cross_entropy: scores [4] and classes [1]",
               nn::cross_entropy(randn({4}), Tensor({1}, int64)));
  CHECK_BLAMES(ShapeError, "cross_entropy: scores [C] or [N, C, ...] wanted, they are 0-d",
               nn::cross_entropy(Tensor(1.0), y));
  CHECK_BLAMES(ShapeError, "cross_entropy: scores [C] or [N, C, ...] wanted, they are 0-d",
               nn::cross_entropy(1.0, y));
  CHECK_BLAMES(ShapeError, "cross_entropy: scores [2, 3, 4] and",
               nn::cross_entropy(randn({2, 3, 4}), y));
  CHECK_BLAMES(DTypeError, "cross_entropy: classes are boolean, int64 wanted",
               nn::cross_entropy(x, cast(ones({3}), boolean)));
  CHECK_BLAMES(ShapeError, "cross_entropy: logits [3, 4] and probabilities [3]; one shape wanted",
               nn::cross_entropy(x, ones({3})));
  CHECK_BLAMES(ShapeError, "cross_entropy: a weight for each of 4 classes wanted, its shape is [3]",
               nn::cross_entropy(x, y, {.weight = ones({3})}));
  CHECK_BLAMES(ValueError, "cross_entropy: label_smoothing is 1.5, not in [0, 1]",
               nn::cross_entropy(x, y, {.label_smoothing = 1.5}));
  CHECK_BLAMES(IndexError, "cross_entropy: class 4 at position 1, but there are 4 classes",
               nn::cross_entropy(x, Tensor({0, 4, 0}, int64)));
  CHECK_BLAMES(IndexError, "cross_entropy: class -1 at position 2",
               nn::cross_entropy(x, Tensor({0, 3, -1}, int64)));
  CHECK_BLAMES(IndexError, "cross_entropy: class 0 at position 0, but there are 0 classes",
               nn::cross_entropy(ones({1, 0}), Tensor({0}, int64)));
  CHECK_BLAMES(DTypeError, "cross_entropy: scores are int64",
               nn::cross_entropy(ones({3, 4}, int64), y));
  CHECK_BLAMES(ValueError, "tensor: used before", nn::cross_entropy(Tensor(), y));
  CHECK_BLAMES(ValueError, "tensor: used before", nn::cross_entropy(x, Tensor()));
}

TEST_CASE("squared error: value, gradient of both, reductions, element types") {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{17}, Shape{3, 5}, Shape{2, 3, 4}}) {
    const Tensor x = randn(shape, float64), y = randn(shape, float64);
    const std::vector<double> a = numbers(x), b = numbers(y);
    std::vector<double> want;
    for (std::size_t i = 0; i < a.size(); ++i) want.push_back((a[i] - b[i]) * (a[i] - b[i]));
    const auto n = static_cast<double>(want.size());
    const Tensor none = nn::mse_loss(x, y, {.reduction = nn::Reduction::none});
    CHECK(none.shape() == shape);
    CHECK(worst(numbers(none), want) < 1e-15);
    CHECK(worst(numbers(nn::mse_loss(x, y)), {total(want) / n}) < 1e-15);
    CHECK(worst(numbers(nn::mse_loss(x, y, {.reduction = nn::Reduction::sum})), {total(want)}) <
          1e-15);
    for (const nn::Reduction reduction : reductions) {
      const check::Function loss = [&](auto& in) {
        return nn::mse_loss(in[0], in[1], {reduction});
      };
      CHECK(slope_error(loss, {x, y}) < 1e-8);
      CHECK(curvature_error(loss, {x, y}) < 1e-7);
    }
  }
  CHECK(nn::mse_loss(ones({2}), ones({2}, float64)).dtype() == float64);
  CHECK(nn::mse_loss(ones({2}), zeros({2}, int64)).item<double>() == 1);
  CHECK(nn::mse_loss(2.0, Tensor(0.5)).item<double>() == 2.25);
}

TEST_CASE("squared error: no elements, many elements") {
  const Tensor none = Tensor::empty({0, 3}, float32).requires_grad(true);
  CHECK(nn::mse_loss(none, none, {nn::Reduction::sum}).item<float>() == 0);
  const Tensor mean = nn::mse_loss(none, none);
  CHECK(std::isnan(mean.item<float>()));
  mean.backward();
  CHECK(none.grad().shape() == Shape{0, 3});
  const std::int64_t n = 3'000'000;  // a sum one by one in float32 would be 6 % off
  CHECK(nn::mse_loss(full({n}, 0.9), full({n}, 0.2)).item<double>() ==
        doctest::Approx(0.49).epsilon(1e-6));
}

TEST_CASE("losses: shapes must be the same") {
  const Tensor x = randn({3, 1});
  for (const Shape& shape :
       {Shape{3}, Shape{1}, Shape{}, Shape{1, 3}, Shape{3, 1, 1}, Shape{3, 2}}) {
    CHECK_BLAMES(ShapeError, "mse_loss: input [3, 1] and target " + shape.str() + " must have one",
                 nn::mse_loss(x, ones(shape)));
    CHECK_BLAMES(ShapeError, "binary_cross_entropy_with_logits: input [3, 1] and target",
                 nn::binary_cross_entropy_with_logits(x, ones(shape)));
  }
  CHECK_BLAMES(ShapeError, "mse_loss: input [3, 1] and target []", nn::mse_loss(x, 0.5));
  CHECK_BLAMES(ValueError, "tensor: used before", nn::mse_loss(Tensor(), x));
  CHECK_BLAMES(ValueError, "tensor: used before", nn::mse_loss(x, Tensor()));
}

TEST_CASE("binary cross entropy: value and gradients of both") {
  manual_seed(4);
  const Tensor x = 5 * randn({4, 9}, float64), y = rand({4, 9}, float64);
  const std::vector<double> a = numbers(x), b = numbers(y);
  std::vector<double> want;
  for (std::size_t i = 0; i < a.size(); ++i) want.push_back(naive_logistic(a[i], b[i]));
  const auto call = [](const Tensor& in, const Tensor& target, nn::Reduction reduction) {
    return nn::binary_cross_entropy_with_logits(in, target, {.reduction = reduction});
  };
  CHECK(worst(numbers(call(x, y, nn::Reduction::none)), want) < 1e-14);
  CHECK(worst(numbers(call(x, y, nn::Reduction::sum)), {total(want)}) < 1e-14);
  CHECK(worst(numbers(call(x, y, nn::Reduction::mean)), {total(want) / 36}) < 1e-14);
  CHECK(worst(numbers(call(cast(x, float32), cast(y, float32), nn::Reduction::none)), want) < 1e-6);
  for (const nn::Reduction reduction : reductions) {
    const check::Function loss = [&](auto& in) { return call(in[0], in[1], reduction); };
    CHECK(slope_error(loss, {x, y}) < 1e-8);
    CHECK(slope_error(loss, {x, y}, true) < 1e-8);
    CHECK(curvature_error(loss, {x, y}) < 1e-6);
  }
}

TEST_CASE("binary cross entropy: logits of 0 and +-1000") {
  for (const DType dtype : {float32, float64}) {
    const Tensor x =
        Tensor({1000, 1000, -1000, -1000, 0, 0, -0.0, 1000}, dtype).requires_grad(true);
    const Tensor y = Tensor({1, 0, 1, 0, 1, 0, 0.25, 0.25}, dtype).requires_grad(true);
    const Tensor loss =
        nn::binary_cross_entropy_with_logits(x, y, {.reduction = nn::Reduction::none});
    const double half = std::log(2.0);
    CHECK(worst(numbers(loss), {0, 1000, 1000, 0, half, half, half, 750}) < 1e-7);
    loss.backward(ones({8}, dtype));
    CHECK(worst(numbers(x.grad()), {0, 1, -1, 0, -0.5, 0.5, 0.25, 0.75}) < 1e-7);
    CHECK(worst(numbers(y.grad()), {-1000, -1000, 1000, 1000, 0, 0, 0, -1000}) < 1e-7);
    for (const bool create_graph : {false, true}) {
      const Tensor again =
          nn::binary_cross_entropy_with_logits(x, y, {.reduction = nn::Reduction::sum});
      const Tensor slope = grad(again, {x}, {.retain_graph = true, .create_graph = true})[0];
      CHECK(worst(numbers(slope), {0, 1, -1, 0, -0.5, 0.5, 0.25, 0.75}) < 1e-7);
      const Tensor second =
          grad(sum(slope), {x}, {.retain_graph = false, .create_graph = create_graph})[0];
      CHECK(worst(numbers(second), {0, 0, 0, 0, 0.25, 0.25, 0.25, 0}) < 1e-7);
    }
  }
}

TEST_CASE("binary cross entropy: small losses keep their digits") {
  // where the prediction is right, the loss is log1p(exp(-|x|)) and its slope +-1 / (1 + exp(|x|))
  for (const double size : {5.0, 17.0, 30.0, 80.0}) {
    const Tensor x = Tensor({size, -size}).requires_grad(true), y({1, 0});
    const Tensor loss =
        nn::binary_cross_entropy_with_logits(x, y, {.reduction = nn::Reduction::none});
    sum(loss).backward();
    const double want = std::log1p(std::exp(-size)), slope = 1 / (1 + std::exp(size));
    CHECK(numbers(loss)[0] == doctest::Approx(want).epsilon(1e-6));
    CHECK(numbers(loss)[1] == doctest::Approx(want).epsilon(1e-6));
    CHECK(numbers(x.grad())[0] == doctest::Approx(-slope).epsilon(1e-6));
    CHECK(numbers(x.grad())[1] == doctest::Approx(slope).epsilon(1e-6));
  }
}
