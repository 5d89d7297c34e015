#include "../check.hpp"

using namespace check;
using Numbers = std::vector<double>;

namespace {

Tensor wavy(const Shape& shape, DType dtype = float64) {
  return reshape(sin(arange(1, static_cast<double>(shape.numel()) + 1, 1, dtype) * 1.7), shape);
}

}  // namespace

TEST_CASE("scan: sums and products along an axis") {
  const Tensor x({{1, 2, 3}, {4, 0, 6}}, float64);
  CHECK(numbers(cumsum(x, 0)) == Numbers{1, 2, 3, 5, 2, 9});
  CHECK(numbers(cumsum(x, -1)) == Numbers{1, 3, 6, 4, 4, 10});
  CHECK(numbers(cumprod(x, 1)) == Numbers{1, 2, 6, 4, 0, 0});
  CHECK(numbers(cumprod(x, 0)) == Numbers{1, 2, 3, 4, 0, 18});
  CHECK(equal(cumsum(Tensor({1, 1, 0}, boolean), 0), Tensor({1, 2, 2}, int64)));
  CHECK(equal(cumprod(Tensor({2, 3}, int64), 0), Tensor({2, 6}, int64)));
  CHECK(cumsum(Tensor(2.5), 0).shape() == Shape{});
  CHECK(cumprod(Tensor(2.5), -1).item<float>() == 2.5f);
  CHECK(cumsum(zeros({0, 3}), 0).shape() == Shape{0, 3});
  CHECK(cumprod(zeros({2, 0}), 1).numel() == 0);
  // what overflows a float on the way is gone only from there
  CHECK(numbers(cumprod(Tensor({1e30, 1e30, 0}), 0))[2] == 0);
  CHECK_THROWS_WITH_AS(cumsum(x, 2),
                       ("cumsum: axis 2 of a tensor with 2 axes (" + here() + ")").c_str(),
                       IndexError);
  CHECK_THROWS_AS(cumprod(x, -3), IndexError);
}

TEST_CASE("scan: many columns, the same on any number of threads") {
  const int before = num_threads();
  for (const Shape& shape : {Shape{300, 1000}, Shape{3, 70, 600}, Shape{200000}}) {
    const Tensor x = wavy(shape, float32);
    set_num_threads(1);
    const Tensor one = cumsum(x, 0);
    set_num_threads(3);
    CHECK(equal(cumsum(x, 0), one));
    CHECK(distance(slice(one, 0, {.start = -1, .stop = {}, .step = 1}), sum(x, 0, true)) < 1e-4);
  }
  set_num_threads(before);
}

TEST_CASE("scan: recurrence gives the state before each element") {
  const Tensor a({2, 3, 4}, float64), b({1, -1, 5}, float64);
  CHECK(numbers(recurrence(a, b, 0)) == Numbers{0, 1, 2});
  CHECK(numbers(recurrence(a, b, 0, 10)) == Numbers{10, 21, 62});
  CHECK(numbers(recurrence(a, b, 0, 1, true)) == Numbers{26, 9, 1});
  CHECK(numbers(recurrence(a, {}, 0, 1)) == Numbers{1, 2, 6});
  CHECK_THROWS_WITH_AS(recurrence(a, zeros({2}, float64), 0),
                       ("recurrence: a is [3], b [2] (" + here() + ")").c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(
      recurrence(a, zeros({3}), 0),
      ("recurrence: floating tensors of one type wanted: float64 and float32 (" + here() + ")")
          .c_str(),
      DTypeError);
  CHECK_THROWS_AS(recurrence(zeros({3}, int64), {}, 0), DTypeError);
  CHECK_THROWS_AS(recurrence(a, {}, 1), IndexError);
}

TEST_CASE("scan: slopes of first and second order, with zeros") {
  const Tensor zero_in = wavy({4, 2}) * Tensor({{1, 0}, {0, 1}, {1, 0}, {1, 1}}, float64);
  const std::vector<Function> functions = {
      [](auto& x) { return cumsum(x[0], 0); },
      [](auto& x) { return cumprod(x[0], 0); },
      [](auto& x) { return cumprod(x[0], 1); },
      [](auto& x) { return recurrence(x[0], cos(x[0]), 0, 0.7); },
      [](auto& x) { return recurrence(x[0], {}, 1, 2, true); },
  };
  for (std::size_t i = 0; i < functions.size(); ++i) {
    CAPTURE(i);
    CHECK(slope_error(functions[i], {zero_in}) < 1e-7);
    CHECK(slope_error(functions[i], {zero_in}, true) < 1e-7);
    CHECK(curvature_error(functions[i], {zero_in}) < 1e-6);
  }
  const Tensor x = Tensor(3.0, float64).requires_grad(true);
  cumprod(x, 0).backward();
  CHECK(x.grad().item<double>() == 1);
}
