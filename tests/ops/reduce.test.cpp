#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");
using Numbers = std::vector<double>;

Tensor wavy(const Shape& shape, DType dtype = float64) {
  return reshape(sin(arange(1, static_cast<double>(shape.numel()) + 1, 1, dtype) * 1.7), shape);
}

// For every subset of the axes of a tensor, against loops.
template <class F>
void compare(const Tensor& x, Tensor (*reduce)(const Arg&, const Dims&, bool), double start,
             F fold) {
  const int rank = x.rank();
  const std::vector<double> in = numbers(x);
  for (int subset = 1; subset < (1 << rank); ++subset)
    for (bool keepdim : {false, true}) {
      std::vector<std::int64_t> axes;
      Shape wanted;
      for (int axis = 0; axis < rank; ++axis) {
        const bool reduced = (subset >> axis) & 1;
        if (reduced) axes.push_back(axis % 2 ? axis : axis - rank);
        if (!reduced) wanted.push_back(x.shape()[axis]);
        else if (keepdim) wanted.push_back(1);
      }
      const Tensor out = reduce(x, Dims(axes), keepdim);
      CHECK(out.shape() == wanted);
      Numbers expected(static_cast<std::size_t>(wanted.numel()), start);
      for (std::size_t i = 0; i < in.size(); ++i) {
        std::int64_t rest = static_cast<std::int64_t>(i), at = 0, stride = 1;
        for (int axis = rank - 1; axis >= 0; --axis) {
          const std::int64_t index = rest % x.shape()[axis];
          rest /= x.shape()[axis];
          if ((subset >> axis) & 1) continue;
          at += index * stride;
          stride *= x.shape()[axis];
        }
        expected[static_cast<std::size_t>(at)] =
            fold(expected[static_cast<std::size_t>(at)], in[i]);
      }
      CHECK(distance(cast(out, float64), Tensor::from(expected.data(), wanted)) < 1e-12);
      CHECK(equal(reduce(x, Dims(axes).keep(keepdim), false), out));
    }
}

}  // namespace

TEST_CASE("reduce: sum, amax, amin over every set of axes") {
  for (const Shape& shape :
       {Shape{5}, Shape{3, 40}, Shape{40, 3}, Shape{2, 3, 17}, Shape{3, 1, 2, 5}}) {
    compare(wavy(shape), sum, 0, [](double a, double b) { return a + b; });
    compare(wavy(shape), amax, -infinity, [](double a, double b) { return std::max(a, b); });
    compare(wavy(shape), amin, infinity, [](double a, double b) { return std::min(a, b); });
  }
  compare(cast(wavy({4, 5}) * 10, int64), sum, 0, [](double a, double b) { return a + b; });
  compare(cast(wavy({4, 5}) * 10, int64), amax, -1e9,
          [](double a, double b) { return std::max(a, b); });
}

TEST_CASE("reduce: element types, 0-d and empty tensors") {
  CHECK(sum(Tensor({1, 2}, int64)).dtype() == int64);
  CHECK(sum(Tensor({1, 1, 0}, boolean)).item<std::int64_t>() == 2);
  CHECK(sum(Tensor({{1, 1}, {0, 1}}, boolean), 0).dtype() == int64);
  CHECK(sum_to(Tensor({{1, 1, 1}, {0, 1, 1}}, boolean), {3}).dtype() == int64);
  CHECK(numbers(sum_to(Tensor({{1, 1, 1}, {0, 1, 1}}, boolean), {3})) == Numbers{1, 2, 2});
  CHECK(sum_to(Tensor({1, 0}, boolean), {2}).dtype() == int64);
  CHECK(sum(Tensor(2.5)).item<float>() == 2.5f);
  CHECK(amax(Tensor(2.5)).item<float>() == 2.5f);
  CHECK(amax(Tensor({0, 1}, boolean)).item<int>() == 1);
  CHECK(sum(zeros({0})).item<float>() == 0);
  CHECK(numbers(sum(zeros({0, 3}), 0)) == Numbers{0, 0, 0});
  CHECK(sum(zeros({0, 3}), 1).shape() == Shape{0});
  CHECK(std::isnan(mean(zeros({0})).item<float>()));
  CHECK(std::isnan(numbers(mean(zeros({0, 3}), 0))[2]));
  CHECK(mean(zeros({0, 3}), 1).numel() == 0);
  CHECK(amax(zeros({0, 3}), 1).numel() == 0);
  CHECK(mean(Tensor({1, 2, 6}, float64)).item<double>() == 3);
  CHECK(numbers(mean(Tensor({{1, 2}, {5, 8}}), 0, true)) == Numbers{3, 5});
}

TEST_CASE("reduce: NaN wins, infinities count") {
  for (DType dtype : {float32, float64})
    for (std::int64_t n : {1, 5, 16, 17, 40, 1000})
      for (std::int64_t at : {std::int64_t{0}, n / 2, n - 1}) {
        CAPTURE(n);
        CAPTURE(at);
        Tensor x = cast(wavy({n}), dtype), columns;
        const auto put = [&](double value) {
          if (dtype == float32) x.mutable_values<float>()(at) = static_cast<float>(value);
          else x.mutable_values<double>()(at) = value;
          columns = broadcast_to(reshape(x, {-1, 1}), {n, 3});
        };
        put(not_a_number);
        CHECK(std::isnan(amax(x).item<double>()));
        CHECK(std::isnan(amin(x).item<double>()));
        CHECK(std::isnan(numbers(amax(columns, 0))[1]));
        CHECK(std::isnan(numbers(amin(columns, 0))[2]));
        CHECK(argmax(x, 0).item<std::int64_t>() == at);
        put(infinity);
        CHECK(amax(x).item<double>() == infinity);
        CHECK(numbers(amax(columns, 0))[1] == infinity);
        CHECK(logsumexp(x).item<double>() == infinity);
        put(-infinity);
        CHECK(amin(x).item<double>() == -infinity);
        CHECK(numbers(amin(columns, 0))[1] == -infinity);
      }
  CHECK(amax(full({3}, -infinity)).item<double>() == -infinity);
}

TEST_CASE("reduce: ties share the gradient") {
  const Tensor x = Tensor({{3, 1, 3}, {2, 2, 2}}, float64).requires_grad(true);
  amax(x, 1).backward(Tensor({6, 12}, float64));
  CHECK(distance(x.grad(), Tensor({{3, 0, 3}, {4, 4, 4}}, float64)) < 1e-15);
  x.zero_grad();
  amin(x).backward();
  CHECK(numbers(x.grad()) == Numbers{0, 1, 0, 0, 0, 0});
}

TEST_CASE("reduce: products") {
  for (const Shape& shape : {Shape{5}, Shape{3, 40}, Shape{40, 3}, Shape{3, 1, 2, 5}})
    compare(wavy(shape) + 1.2, prod, 1, [](double a, double b) { return a * b; });
  CHECK(prod(Tensor({2, 3, 7}, int64)).item<std::int64_t>() == 42);
  CHECK(prod(Tensor({1, 1}, boolean)).dtype() == int64);
  CHECK(prod(Tensor(2.5)).item<float>() == 2.5f);
  CHECK(prod(Tensor(2.5), 0, true).shape() == Shape{});
  CHECK(prod(zeros({0})).item<float>() == 1);
  CHECK(numbers(prod(zeros({0, 3}), 0)) == Numbers{1, 1, 1});
  CHECK(prod(zeros({0, 3}), 1).shape() == Shape{0});
  CHECK(std::isnan(prod(Tensor({0, not_a_number})).item<double>()));
  const Tensor x = Tensor({{2, 0, 3}, {0, 5, 0}}, float64).requires_grad(true);
  prod(x, 1).backward(ones({2}, float64));
  CHECK(numbers(x.grad()) == Numbers{0, 6, 0, 0, 0, 0});
}

TEST_CASE("reduce: any, all, count_nonzero") {
  const Tensor x({{0, 1, 2}, {0, 0, 0}}, float64);
  CHECK(equal(any(x, 1), Tensor({1, 0}, boolean)));
  CHECK(equal(all(x, 0, true), Tensor({{0, 0, 0}}, boolean)));
  CHECK(equal(count_nonzero(x, 1), Tensor({2, 0}, int64)));
  CHECK(count_nonzero(x).item<int>() == 2);
  CHECK(any(x).item<bool>());
  CHECK(!all(x).item<bool>());
  CHECK(all(Tensor({3, -1}, int64)).item<bool>());
  CHECK(all(Tensor({1, 1}, boolean), -1).item<bool>());
  CHECK(any(Tensor(not_a_number)).item<bool>());
  CHECK(!any(Tensor(0), 0).item<bool>());
  CHECK(!any(zeros({0})).item<bool>());
  CHECK(all(zeros({0})).item<bool>());
  CHECK(equal(all(zeros({0, 2}), 0), Tensor({1, 1}, boolean)));
  CHECK(all(zeros({2, 0, 3}), 0).shape() == Shape{0, 3});
  CHECK(count_nonzero(zeros({3, 0}), 1).dtype() == int64);
  CHECK_THROWS_AS(any(x, 2), IndexError);
  CHECK_THROWS_AS(all(x, {0, 0}), IndexError);
  CHECK_THROWS_AS(count_nonzero(x, -3), IndexError);
  CHECK_THROWS_AS(prod(x, 2), IndexError);
}

TEST_CASE("reduce: logsumexp") {
  const Tensor x =
      Tensor({{1000, 1000}, {-1000, -1001}, {0, -infinity}, {-infinity, -infinity}}, float64)
          .requires_grad(true);
  const Tensor out = logsumexp(x, 1);
  const Numbers got = numbers(out);
  CHECK(got[0] == doctest::Approx(1000 + std::log(2)));
  CHECK(got[1] == doctest::Approx(-1000 + std::log1p(std::exp(-1))));
  CHECK(got[2] == 0);
  CHECK(got[3] == -infinity);
  out.backward(ones({4}, float64));
  const Numbers slope = numbers(x.grad());
  CHECK(slope[0] == doctest::Approx(0.5));
  CHECK(slope[2] == doctest::Approx(1 / (1 + std::exp(-1))));
  CHECK(slope[4] == 1);
  CHECK(slope[5] == 0);
  CHECK(slope[6] == 0);
  CHECK(logsumexp(x.detach(), 0, true).shape() == Shape{1, 2});
  // what is far below the maximum counts where that is 0
  CHECK(numbers(logsumexp(Tensor({0, -40}, float64)))[0] == std::exp(-40.0));
  CHECK(numbers(logsumexp(Tensor({0, 0, -40}, float64)))[0] == doctest::Approx(std::log(2)));
  CHECK(logsumexp(zeros({0})).item<double>() == -infinity);
  CHECK(logsumexp(zeros({2, 0}), 1).shape() == Shape{2});
  CHECK(logsumexp(zeros({0, 2}), 1).numel() == 0);
  CHECK(std::isnan(logsumexp(Tensor({1, not_a_number})).item<double>()));
  CHECK(logsumexp(Tensor({1, 2}, int64)).item<double>() ==
        doctest::Approx(2 + std::log1p(std::exp(-1))));
}

TEST_CASE("reduce: broadcast_to and sum_to") {
  CHECK(numbers(broadcast_to(Tensor({{1}, {2}}), {2, 3})) == Numbers{1, 1, 1, 2, 2, 2});
  CHECK(broadcast_to(Tensor({1, 0}, boolean), {3, 2}).dtype() == boolean);
  CHECK(numbers(broadcast_to(Tensor({1, 0}, boolean), {2, 2})) == Numbers{1, 0, 1, 0});
  CHECK(broadcast_to(Tensor({5, 6}, int64), {2, 2}).dtype() == int64);
  CHECK(broadcast_to(Tensor(3), {2, 0}).numel() == 0);
  CHECK(broadcast_to(Tensor(3), {}).item<int>() == 3);
  CHECK(numbers(sum_to(Tensor({{1, 2}, {3, 4}}), {2, 1})) == Numbers{3, 7});
  CHECK(sum_to(Tensor({{1, 2}, {3, 4}}), {}).item<int>() == 10);
  CHECK(numbers(sum_to(zeros({0, 2}), {1, 2})) == Numbers{0, 0});
}

TEST_CASE("reduce: slopes of first and second order") {
  const std::vector<Tensor> points{wavy({2, 3, 4})};
  const std::vector<Function> functions = {
      [](auto& x) { return sum(x[0]); },
      [](auto& x) {
        return sum(x[0], {0, -1}, true);
      },
      [](auto& x) { return mean(x[0], 1); },
      [](auto& x) {
        return amax(x[0], {1, 2});
      },
      [](auto& x) { return amin(x[0] * x[0], 0, true); },
      [](auto& x) { return logsumexp(x[0], 2); },
      [](auto& x) { return logsumexp(x[0] * 3); },
      [](auto& x) {
        return logsumexp(x[0], {0, 2}, true);
      },
      [](auto& x) { return prod(x[0], 1); },
      [](auto& x) {
        return prod(x[0], {0, 2}, true);
      },
      [](auto& x) { return prod(x[0] * (x[0] > 0)); },
      [](auto& x) {
        return sum_to(x[0], {3, 1});
      },
      [](auto& x) {
        return broadcast_to(x[0], {5, 2, 3, 4});
      },
  };
  for (std::size_t i = 0; i < functions.size(); ++i) {
    CAPTURE(i);
    CHECK(slope_error(functions[i], points) < 1e-7);
    CHECK(slope_error(functions[i], points, true) < 1e-7);
    CHECK(curvature_error(functions[i], points) < 1e-6);
  }
}
