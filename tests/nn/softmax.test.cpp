#include <limits>

#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::distance;
using check::numbers;
using check::slope_error;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("softmax, log_softmax, softmin: values and gradients along every axis") {
  manual_seed(6);
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{3, 1}, Shape{3, 4}, Shape{2, 3, 17}})
    for (std::int64_t dim = -std::max(1, shape.rank()); dim < std::max(1, shape.rank()); ++dim)
      for (const double t : {1.0, 2.5}) {
        INFO(shape.str() << " " << dim << " " << t);
        const Tensor x = randn(shape, float64), e = exp(x / t);
        const Dims dims = shape.rank() == 0 ? Dims() : Dims(dim);
        const Tensor share = e / sum(e, dims, true);
        CHECK(distance(softmax(x, dim, {t}), share) < 1e-15);
        CHECK(distance(log_softmax(x, dim, {t}), log(share)) < 1e-14);
        CHECK(distance(softmin(-x, dim, {t}), share) < 1e-15);
        const check::Function f = [&](const auto& in) {
          return softmax(in[0], dim, {t}) + 2 * log_softmax(in[0], dim, {t}) +
                 softmin(in[0], dim, {t});
        };
        CHECK(slope_error(f, {x}) < 1e-7);
        CHECK(slope_error(f, {x}, true) < 1e-8);
        CHECK(curvature_error(f, {x}) < 1e-6);
      }
}

TEST_CASE("softmax: infinities, NaN, no elements, far apart") {
  const Tensor x = Tensor({{-inf, 1, 1}, {-inf, -inf, -inf}, {NAN, 0, 0}, {inf, 0, 0}}, float64)
                       .requires_grad(true);
  const Tensor y = softmax(x, 1), z = log_softmax(x, 1);
  const std::vector<double> a = numbers(y), b = numbers(z);
  CHECK(a[0] == 0);
  CHECK(a[1] == 0.5);
  CHECK(b[0] == -inf);
  CHECK(b[1] == -std::log(2));
  for (std::size_t i = 3; i < 12; ++i) {
    CHECK(std::isnan(a[i]));
    CHECK(std::isnan(b[i]));
  }
  sum(slice(y, 0, {.stop = 1}) * Tensor({1, 2, 4}, float64)).backward();
  CHECK(numbers(slice(x.grad(), 0, {.stop = 1})) == std::vector<double>{0, -0.5, 0.5});
  for (const Shape& shape : {Shape{0, 3}, Shape{3, 0}}) {
    const Tensor none = Tensor::empty(shape, float32).requires_grad(true);
    CHECK(softmax(none, 1).shape() == shape);
    sum(log_softmax(none, 1)).backward();
    CHECK(none.grad().shape() == shape);
  }
  const Tensor far({50, 0, 1, -30}, float64);
  const double tail = std::exp(-50) + std::exp(-49) + std::exp(-80);
  CHECK(numbers(log_softmax(far, 0))[0] == doctest::Approx(-tail).epsilon(1e-13));
  CHECK(numbers(log_softmax(Tensor({3, 3}, float64), 0))[0] == -std::log(2));
  CHECK(numbers(softmax(Tensor({1e4, -1e4, 1e30}), 0)) == std::vector<double>{0, 0, 1});
}

TEST_CASE("softmax: errors") {
  const Tensor x = ones({2, 3});
  CHECK_THROWS_AS(softmax(x, 2), IndexError);
  CHECK_THROWS_AS(log_softmax(Tensor(1.0), 1), IndexError);
  CHECK_BLAMES(ValueError, "softmin: the temperature is 0, more than 0 wanted",
               softmin(x, 1, {.temperature = 0}));
}

TEST_CASE("glu, crelu, maxout") {
  const Tensor x = randn({3, 4, 6}, float64);
  for (const std::int64_t dim : {1, 2, -1, -2}) {
    const std::int64_t half = x.size(dim) / 2;
    const Tensor a = slice(x, dim, {.stop = half}), b = slice(x, dim, {.start = half});
    CHECK(distance(glu(x, dim), a * sigmoid(b)) < 1e-15);
    CHECK(distance(crelu(x, dim), cat({relu(x), relu(-x)}, dim)) == 0);
    const check::Function f = [&](const auto& in) {
      return sum(glu(in[0], dim)) + sum(square(crelu(in[0], dim))) +
             sum(square(maxout(in[0], 2, dim)));
    };
    CHECK(slope_error(f, {x}) < 1e-7);
    CHECK(curvature_error(f, {x}) < 1e-5);
  }
  const Tensor y = Tensor({{1, 5, 2, 2}, {7, 7, 0, -1}}, float64).requires_grad(true);
  const Tensor m = maxout(y, 2, 1);
  CHECK(numbers(m) == std::vector<double>{5, 2, 7, 0});
  sum(m).backward();
  CHECK(numbers(y.grad()) == std::vector<double>{0, 1, 0.5, 0.5, 0.5, 0.5, 1, 0});
  CHECK(maxout(ones({4}), 4, 0).shape() == Shape{1});
  CHECK(glu(Tensor::empty({0, 4}, float32)).shape() == Shape{0, 2});
  CHECK_BLAMES(ShapeError, "glu: axis 0 of [3] cannot be halved", glu(ones({3}), 0));
  CHECK_BLAMES(ValueError, "maxout: 0 pieces", maxout(ones({4}), 0));
  CHECK_BLAMES(ShapeError, "maxout: axis 0 of [4] does not divide into pieces of 3",
               maxout(ones({4}), 3, 0));
  CHECK_THROWS_AS(glu(ones({4}), 1), IndexError);
  CHECK_THROWS_AS(crelu(ones({4}), 1), IndexError);
  CHECK_THROWS_AS(maxout(ones({4}), 2, 1), IndexError);
}
