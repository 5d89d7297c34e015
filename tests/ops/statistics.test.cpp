#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");
using Numbers = std::vector<double>;

Tensor wavy(const Shape& shape) {
  return reshape(sin(arange(1, static_cast<double>(shape.numel()) + 1, 1, float64) * 1.7), shape);
}

}  // namespace

TEST_CASE("statistics: variances and standard deviations") {
  const Tensor x({{1, 2, 4, 9}, {5, 5, 5, 5}}, float64);
  CHECK(distance(var(x, 1), Tensor({38.0 / 3, 0}, float64)) < 1e-15);
  CHECK(distance(var(x, 1, 0, true), Tensor({{9.5}, {0}}, float64)) < 1e-15);
  CHECK(distance(stddev(x, 1, 0), sqrt(Tensor({9.5, 0}, float64))) < 1e-15);
  CHECK(var(x).item<double>() == doctest::Approx(40.0 / 7));
  CHECK(var(cast(x, float32), {0, 1}).dtype() == float32);
  CHECK(numbers(var(Tensor({1e8, 1e8 + 1, 1e8 + 2}, float64)))[0] == 1);
  CHECK(numbers(var(full({7, 3}, 0.7), 0)) == Numbers{0, 0, 0});
  CHECK(std::isnan(var(Tensor({3})).item<double>()));
  CHECK(std::isnan(var(Tensor({3}), {}, 2).item<double>()));
  CHECK(var(Tensor({3}), {}, 0).item<double>() == 0);
  CHECK(var(Tensor(3), 0, 0).item<double>() == 0);
  CHECK(std::isnan(stddev(zeros({0})).item<double>()));
  CHECK(numbers(var(zeros({0, 2}), 0)).size() == 2);
  CHECK(var(zeros({0, 2}), 1).numel() == 0);
  CHECK(std::isnan(var(Tensor({1, infinity})).item<double>()));
  CHECK(std::isnan(stddev(Tensor({not_a_number, 1})).item<double>()));
}

TEST_CASE("statistics: norms of every order") {
  const Tensor x({{3, -4, 0}, {1, 2, -2}}, float64);
  CHECK(numbers(norm(x, 2, 1)) == Numbers{5, 3});
  CHECK(norm(x).item<double>() == doctest::Approx(std::sqrt(34)));
  CHECK(numbers(norm(x, 1, 0, true)) == Numbers{4, 6, 2});
  CHECK(numbers(norm(x, 0, 1)) == Numbers{2, 3});
  CHECK(numbers(norm(x, infinity, 1)) == Numbers{4, 2});
  CHECK(numbers(norm(x, -infinity, 1)) == Numbers{0, 1});
  CHECK(numbers(norm(x, 3, 1))[0] == doctest::Approx(std::cbrt(91)));
  CHECK(numbers(norm(x, 0.5, 1))[1] == doctest::Approx(std::pow(1 + 2 * std::sqrt(2), 2)));
  CHECK(numbers(norm(x, -1, 1))[0] == 0);
  CHECK(numbers(norm(x, -1, 1))[1] == doctest::Approx(0.5));
  CHECK(norm(Tensor(-3.0, float64)).item<double>() == 3);
  CHECK(norm(zeros({0})).item<double>() == 0);
  CHECK(norm(zeros({0, 2}), 3, 0).shape() == Shape{2});
  CHECK(std::isnan(norm(Tensor({1, not_a_number})).item<double>()));
  CHECK(norm(Tensor({1, -infinity}), 2).item<double>() == infinity);
  CHECK(norm(Tensor({1, -infinity}), 3).item<double>() == infinity);
}

TEST_CASE("statistics: norms of huge and of tiny elements") {
  for (DType dtype : {float32, float64})
    for (double p : {2.0, 3.0, -2.0, 0.5})
      for (double size :
           {1e-35, 1e30, dtype == float64 ? 1e200 : 1, dtype == float64 ? 1e-290 : 1}) {
        CAPTURE(p);
        CAPTURE(size);
        const Tensor plain = Tensor({{3, 4}, {1, -2}}, dtype).requires_grad(true);
        const Tensor scaled = (plain.detach() * size).requires_grad(true);
        const Tensor small = norm(plain, p, 1), large = norm(scaled, p, 1);
        CHECK(distance(large / size, small) < (dtype == float32 ? 1e-5 : 1e-13));
        small.backward(ones({2}, dtype));
        large.backward(ones({2}, dtype));
        CHECK(distance(scaled.grad(), plain.grad()) < (dtype == float32 ? 1e-5 : 1e-13));
      }
}

TEST_CASE("statistics: slope 0 where a deviation or a norm is 0, to second order") {
  const auto check_zero = [](const Function& f, const Tensor& point) {
    const Tensor x = point.copy().requires_grad(true);
    const Tensor first = grad(sum(f({x})), x, {.create_graph = true, .allow_unused = true});
    if (!first.defined()) return;
    CHECK(numbers(first) == Numbers(static_cast<std::size_t>(point.numel()), 0));
    const Tensor second =
        first.requires_grad() ? grad(sum(first), x, {.allow_unused = true}) : zeros_like(point);
    if (second.defined())
      CHECK(numbers(second) == Numbers(static_cast<std::size_t>(point.numel()), 0));
  };
  for (double p : {0.5, 1.0, 1.5, 2.0, 3.0, infinity, -infinity, -1.0})
    check_zero([p](auto& x) { return norm(x[0], p); }, zeros({3}, float64));
  check_zero([](auto& x) { return stddev(x[0], 1); }, full({2, 3}, 0.7, float64));
  check_zero([](auto& x) { return norm(x[0], 0, 0); }, wavy({2, 3}));
}

TEST_CASE("statistics: slopes of first and second order") {
  const std::vector<Tensor> points{wavy({2, 3, 4})};
  std::vector<Function> functions = {
      [](auto& x) { return var(x[0], 1); },
      [](auto& x) {
        return stddev(x[0], {0, 2}, 0, true);
      },
      [](auto& x) { return var(x[0]); },
      [](auto& x) { return norm(x[0] * 1e200, 2, 1) / 1e200; },
  };
  for (double p : {0.5, 1.0, 2.0, 2.5, 3.0, infinity, -infinity, -1.0})
    functions.push_back([p](auto& x) { return norm(x[0], p, {1, -1}); });
  for (std::size_t i = 0; i < functions.size(); ++i) {
    CAPTURE(i);
    CHECK(slope_error(functions[i], points) < 1e-6);
    CHECK(slope_error(functions[i], points, true) < 1e-6);
    CHECK(curvature_error(functions[i], points) < 1e-4);
  }
}

TEST_CASE("statistics: errors") {
  CHECK_THROWS_WITH_AS(
      var(zeros({2}, int64)),
      ("var: of a floating tensor wanted, this one is int64; cast() it (" + here() + ")").c_str(),
      DTypeError);
  CHECK_THROWS_AS(stddev(zeros({2}, boolean)), DTypeError);
  CHECK_THROWS_AS(norm(zeros({2}, int64)), DTypeError);
  CHECK_THROWS_AS(var(zeros({2}), 1), IndexError);
  CHECK_THROWS_AS(norm(zeros({2}), 2, {0, 0}), IndexError);
  CHECK_THROWS_AS(norm(zeros({0}), infinity), ShapeError);
}
