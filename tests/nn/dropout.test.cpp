#include "../blames.hpp"

using namespace xtape;
using check::numbers;

namespace {

double mean_of(const Tensor& x) { return mean(cast(x, float64)).item<double>(); }

}  // namespace

TEST_CASE("dropout: the same mask in both passes, another one at every call") {
  for (const DType dtype : {float32, float64})
    for (const std::int64_t n : {1, 127, 129, 100'000}) {
      manual_seed(12);
      const Tensor x = full({n}, 3, dtype).requires_grad(true);
      const Tensor y = nn::dropout(x, {.p = 0.25}), z = nn::dropout(x, {.p = 0.25});
      const std::vector<double> values = numbers(y);
      y.backward(ones({n}, dtype));
      const std::vector<double> slopes = numbers(x.grad());
      for (std::size_t i = 0; i < values.size(); ++i) {
        CHECK_UNARY(values[i] == 0 || std::abs(values[i] - 4) < 1e-6);
        CHECK_UNARY(std::abs(slopes[i] - values[i] / 3) < 1e-6);
      }
      manual_seed(12);
      CHECK(check::equal(nn::dropout(x, {.p = 0.25}), y));
      if (n < 1000) continue;
      CHECK(mean_of(y != 0) == doctest::Approx(0.75).epsilon(0.01));
      CHECK(mean_of((y != 0) && (z != 0)) == doctest::Approx(0.5625).epsilon(0.02));
    }
}

TEST_CASE("dropout: corners, second derivatives, errors") {
  const Tensor x = Tensor({1, NAN, INFINITY}, float64).requires_grad(true);
  CHECK(check::equal(nn::dropout(x, {.p = 0.5, .training = false}), x));
  CHECK(check::equal(nn::dropout(x, {.p = 0}), x));
  const Tensor none = nn::dropout(x, {.p = 1});
  CHECK(numbers(none) == std::vector<double>{0, 0, 0});
  sum(none).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{0, 0, 0});
  const check::Function f = [](const auto& in) {
    Generator generator(5);
    return square(nn::dropout(in[0], {.p = 0.5, .generator = &generator}));
  };
  CHECK(check::slope_error(f, {randn({3, 7}, float64)}) < 1e-8);
  CHECK(check::curvature_error(f, {randn({3, 7}, float64)}) < 1e-5);
  CHECK(nn::dropout(Tensor::empty({0, 2}, float32)).shape() == Shape{0, 2});
  CHECK_BLAMES(ValueError, "dropout: p is 1.5, not a probability", nn::dropout(x, {.p = 1.5}));
  CHECK_BLAMES(DTypeError, "dropout: a floating tensor wanted, not int64",
               nn::dropout(ones({2}, int64)));
  CHECK_BLAMES(ValueError, "drop: p is -1, not in [0, 1]", drop(x, -1, 1));
  CHECK_BLAMES(DTypeError, "drop: a floating tensor wanted, not int64",
               drop(ones({2}, int64), 0, 1));
}

TEST_CASE("dropout of channels") {
  const Tensor x = ones({40, 50, 3, 2}, float64).requires_grad(true);
  const Tensor y = nn::channel_dropout(x, {.p = 0.4});
  const std::vector<double> values = numbers(y);
  double kept = 0;
  for (std::size_t i = 0; i < values.size(); i += 6) {
    for (std::size_t k = 1; k < 6; ++k) CHECK_UNARY(values[i + k] == values[i]);
    kept += values[i] != 0;
  }
  CHECK(kept / 2000 == doctest::Approx(0.6).epsilon(0.1));
  sum(y).backward();
  CHECK(numbers(x.grad()) == values);
  CHECK(check::equal(nn::channel_dropout(x, {.training = false}), x));
  CHECK_BLAMES(ShapeError, "channel_dropout: x [N, C, ...] wanted, its shape is [3]",
               nn::channel_dropout(ones({3})));
}

TEST_CASE("alpha dropout keeps mean and variance") {
  manual_seed(4);
  const Tensor x = randn({200'000}, float64).requires_grad(true);
  const Tensor y = nn::alpha_dropout(x, {.p = 0.3});
  CHECK(std::abs(mean_of(y)) < 0.02);
  CHECK(mean_of(square(y)) == doctest::Approx(1).epsilon(0.02));
  sum(y).backward();
  CHECK(mean_of(x.grad() == 0) == doctest::Approx(0.3).epsilon(0.02));
  CHECK(check::equal(nn::alpha_dropout(x, {.training = false}), x));
  CHECK_THROWS_AS(nn::alpha_dropout(x, {.p = -0.5}), ValueError);
}

TEST_CASE("dropout with a given mask") {
  const Tensor x = randn({2, 3}, float64), mask = Tensor({{1, 0, 1}, {0, 0, 1}}) != 0;
  CHECK(check::distance(nn::masked_dropout(x, mask, 0.5), 2 * x * cast(mask, float64)) == 0);
  CHECK(check::slope_error([&](const auto& in) { return nn::masked_dropout(in[0], mask, 0.2); },
                           {x}) < 1e-8);
  CHECK_BLAMES(ShapeError,
               "masked_dropout: a mask of shape [4, 2, 3] does not broadcast to x, [2, 3]",
               nn::masked_dropout(x, cast(ones({4, 2, 3}), boolean)));
}
