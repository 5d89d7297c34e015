#include <algorithm>
#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");
using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("sorting: stable in both directions, NaN is the largest, -0 is 0") {
  const Tensor x({2, 1, 2, 1, 3, 2}, float64);
  const auto [values, indices] = sort(x);
  CHECK(numbers(values) == Numbers{1, 1, 2, 2, 2, 3});
  CHECK(equal(indices, Tensor({1, 3, 0, 2, 5, 4}, int64)));
  CHECK(equal(argsort(x, 0, true), Tensor({4, 0, 2, 5, 1, 3}, int64)));
  for (DType dtype : {float32, float64}) {
    const Tensor odd({0.0, not_a_number, -infinity, -0.0, infinity, -1, not_a_number}, dtype);
    CHECK(numbers(argsort(odd)) == Numbers{2, 5, 0, 3, 4, 1, 6});
    CHECK(numbers(argsort(odd, -1, true)) == Numbers{1, 6, 4, 0, 3, 5, 2});
    CHECK(std::signbit(numbers(sort(odd).values)[3]));
  }
  CHECK(equal(sort(Tensor({5, -7, 0}, int64)).values, Tensor({-7, 0, 5}, int64)));
  CHECK(equal(sort(Tensor({1, 0, 1}, boolean)).indices, Tensor({1, 0, 2}, int64)));
}

TEST_CASE("sorting: every axis, against the standard library") {
  for (const Shape& shape : {Shape{4, 5}, Shape{3, 300, 2}, Shape{700, 301}, Shape{1}}) {
    const Tensor ramp = arange(0, static_cast<double>(shape.numel()), 1, float64);
    const Tensor x = cast(reshape(sin(ramp * 1.7) * 20, shape), float32);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const auto [values, indices] = sort(x, axis);
      CHECK(equal(gather(x, axis, indices), values));
      const Tensor rows = transpose(unsqueeze(x, -1), axis, -1);
      const Tensor sorted = transpose(unsqueeze(values, -1), axis, -1);
      Numbers in = numbers(rows);
      for (auto at = in.begin(); at != in.end(); at += shape[axis])
        std::stable_sort(at, at + shape[axis]);
      CHECK(numbers(sorted) == in);
    }
  }
}

TEST_CASE("sorting: topk") {
  const Tensor x = Tensor({{4, 9, 1, 7}, {3, 3, 8, 2}}, float64).requires_grad(true);
  const auto [values, indices] = topk(x, 2);
  CHECK(numbers(values) == Numbers{9, 7, 8, 3});
  CHECK(numbers(indices) == Numbers{1, 3, 2, 0});
  values.backward(Tensor({{1, 2}, {3, 4}}, float64));
  CHECK(numbers(x.grad()) == Numbers{0, 1, 0, 2, 4, 0, 3, 0});
  CHECK(numbers(topk(x, 1, 0, false).values) == Numbers{3, 3, 1, 2});
  CHECK(numbers(topk(x, 4, 1).values) == Numbers{9, 7, 4, 1, 8, 3, 3, 2});
  CHECK(topk(x, 0, 1).values.shape() == Shape{2, 0});
  CHECK(topk(Tensor(2), 1).values.shape() == Shape{});
  CHECK_THROWS_WITH_AS(
      topk(x, 5), ("topk: k is 5, but the axis has size 4 (" + here() + ")").c_str(), ShapeError);
  CHECK_THROWS_AS(topk(x, -1), ShapeError);
  CHECK_THROWS_AS(topk(x, 1, 2), IndexError);
}

TEST_CASE("sorting: the lower median") {
  const Tensor x = Tensor({{4, 9}, {1, 7}, {3, 8}, {2, 5}}, float64).requires_grad(true);
  const auto [values, indices] = median(x, 0);
  CHECK(numbers(values) == Numbers{2, 7});
  CHECK(numbers(indices) == Numbers{3, 1});
  CHECK(median(x, -1, true).values.shape() == Shape{4, 1});
  CHECK(median(x).item<double>() == 4);
  values.backward(Tensor({5, 6}, float64));
  CHECK(numbers(x.grad()) == Numbers{0, 0, 0, 6, 0, 0, 5, 0});
  const Tensor ties = Tensor({2, 1, 2, 3}, float64).requires_grad(true);
  median(ties).backward();
  CHECK(numbers(ties.grad()) == Numbers{0.5, 0, 0.5, 0});
  const Tensor odd({{1, not_a_number, 0}, {1, 5, 2}}, float64);
  CHECK(std::isnan(median(odd).item<double>()));
  CHECK(std::isnan(numbers(median(odd, 1).values)[0]));
  CHECK(numbers(median(odd, 1).indices) == Numbers{1, 2});
  CHECK(median(Tensor({5, 1, 3}, int64)).item<int>() == 3);
  CHECK(median(Tensor(2), 0).values.shape() == Shape{});
  CHECK_THROWS_WITH_AS(median(zeros({0})),
                       ("median: no elements to choose from in shape [0] (" + here() + ")").c_str(),
                       ShapeError);
  CHECK_THROWS_AS(median(zeros({2, 0}), 1), ShapeError);
  CHECK_THROWS_AS(median(zeros({2}), 1), IndexError);
}

TEST_CASE("sorting: 0-d and empty tensors, bad axes") {
  CHECK(sort(Tensor(2)).values.shape() == Shape{});
  CHECK(argsort(Tensor(2), 0).item<int>() == 0);
  CHECK(sort(zeros({0, 3}), 0).indices.shape() == Shape{0, 3});
  CHECK(sort(zeros({2, 0}), 0).values.shape() == Shape{2, 0});
  CHECK_THROWS_AS(sort(zeros({2}), 1), IndexError);
  CHECK_THROWS_AS(argsort(zeros({2}), -2), IndexError);
}

TEST_CASE("sorting: slopes of first and second order") {
  const std::vector<Tensor> points{Tensor({{0.3, -1, 2}, {5, 0.1, -4}}, float64)};
  for (const Function& f :
       std::vector<Function>{[](auto& x) { return sort(x[0] * x[0], 1, true).values; },
                             [](auto& x) { return topk(sin(x[0]), 1, 0).values; },
                             [](auto& x) { return median(x[0] * x[0]); },
                             [](auto& x) { return max(x[0] * x[0], 0).values; }}) {
    CHECK(slope_error(f, points) < 1e-7);
    CHECK(curvature_error(f, points) < 1e-5);
  }
}
