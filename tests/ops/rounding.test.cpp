#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");
using Numbers = std::vector<double>;

Numbers slopes(const Tensor& y, const Tensor& x) {
  x.zero_grad();
  sum(y).backward();
  return x.grad().defined() ? numbers(x.grad()) : Numbers(static_cast<std::size_t>(x.numel()));
}

}  // namespace

TEST_CASE("rounding: values, zeros with their signs, slopes") {
  struct Row {
    Tensor (*apply)(const Arg&);
    double (*wanted)(double);
    double slope;
  };
  const Row rows[] = {{floor, std::floor, 0},
                      {ceil, std::ceil, 0},
                      {round, std::nearbyint, 0},
                      {trunc, std::trunc, 0},
                      {frac, [](double x) { return x - std::trunc(x); }, 1}};
  const Tensor at({-2.5, -2, -1.5, -0.5, -0.3, -0.0, 0, 0.3, 0.5, 1.5, 2.5, 3, 1e9 + 0.5, 1e30,
                   -infinity, infinity, not_a_number},
                  float64);
  for (const Row& row : rows) {
    CAPTURE(&row - rows);
    for (DType dtype : {float32, float64}) {
      const Tensor x = cast(at, dtype).copy().requires_grad(true);
      const Numbers from = numbers(x), got = numbers(row.apply(x));
      for (std::size_t i = 0; i < got.size(); ++i) {
        CAPTURE(from[i]);
        CHECK(same(got[i], row.wanted(from[i])));
        CHECK((std::isnan(got[i]) || std::signbit(got[i]) == std::signbit(row.wanted(from[i]))));
      }
      CHECK(slopes(row.apply(x), x) == Numbers(from.size(), row.slope));
    }
    CHECK(row.apply(Tensor({-3, 4}, int64)).dtype() == int64);
    CHECK(row.apply(zeros({0, 2})).shape() == Shape{0, 2});
    CHECK(row.apply(Tensor(1.25)).rank() == 0);
  }
}

TEST_CASE("rounding: remainders") {
  for (DType dtype : {float32, float64}) {
    const Tensor a = Tensor({7, -7, 7, -7, 6, 5.5, -1, 3}, dtype).requires_grad(true);
    const Tensor b = Tensor({3, 3, -3, -3, 3, 2, infinity, 0}, dtype).requires_grad(true);
    CHECK(equal(fmod(a, b).detach(), Tensor({1, -1, 1, -1, 0, 1.5, -1, not_a_number}, dtype)));
    CHECK(equal(remainder(a, b).detach(),
                Tensor({1, 2, -2, -1, 0, 1.5, infinity, not_a_number}, dtype)));
    CHECK(equal(floor_divide(a, b).detach(), Tensor({2, -3, -3, 2, 2, 2, -1, infinity}, dtype)));
    const auto usual = [](const Tensor& t) { return slice(t, 0, {.start = 0, .stop = 6}); };
    CHECK(slopes(fmod(usual(a), usual(b)), b) == Numbers{-2, 2, 2, -2, -2, -2, 0, 0});
    CHECK(numbers(a.grad()) == Numbers{1, 1, 1, 1, 1, 1, 0, 0});
    CHECK(slopes(remainder(usual(a), usual(b)), b) == Numbers{-2, 3, 3, -2, -2, -2, 0, 0});
    CHECK(slopes(floor_divide(usual(a), usual(b)), b) == Numbers(8));
  }
  CHECK(floor_divide(Tensor({1.0}, float64), 0.1).item<double>() == 9);
  CHECK(fmod(Tensor({1e300}, float64), 7.0).item<double>() == std::fmod(1e300, 7));
  CHECK(remainder(zeros({0, 3}), ones({3})).shape() == Shape{0, 3});
  const std::vector<Tensor> points{Tensor({{0.7, -1.2, 2.1}, {0.4, 1.9, -0.3}}, float64),
                                   Tensor({1.3, 0.5, -0.8}, float64)};
  for (const Function& f : {Function([](auto& x) { return fmod(x[0], x[1]); }),
                            Function([](auto& x) { return remainder(x[0], x[1]); })}) {
    CHECK(slope_error(f, points) < 1e-7);
    CHECK(slope_error(f, points, true) < 1e-7);
    CHECK(curvature_error(f, points) < 1e-6);
  }
}

TEST_CASE("rounding: remainders of integers") {
  const Tensor a({7, -7, 7, -7, 6}, int64), b({3, 3, -3, -3, -1}, int64);
  CHECK(equal(fmod(a, b), Tensor({1, -1, 1, -1, 0}, int64)));
  CHECK(equal(remainder(a, b), Tensor({1, 2, -2, -1, 0}, int64)));
  CHECK(equal(floor_divide(a, b), Tensor({2, -3, -3, 2, -6}, int64)));
  CHECK(equal(floor_divide(a, 2), Tensor({3, -4, 3, -4, 3}, int64)));
  CHECK(equal(remainder(10, b), Tensor({1, 1, -2, -2, 0}, int64)));
  CHECK(fmod(a, 2.5).dtype() == float32);
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  CHECK(floor_divide(full({1}, -1, int64) * lowest, -1).dtype() == int64);
  CHECK_THROWS_WITH_AS(fmod(a, 0), doctest::Contains("fmod: an integer is divided by 0"),
                       ValueError);
  CHECK_THROWS_AS(remainder(a, Tensor({1, 2, 3, 4, 0}, int64)), ValueError);
  CHECK_THROWS_AS(floor_divide(a, Tensor({0, 2}, boolean)), ValueError);
  CHECK_THROWS_AS(fmod(a, Tensor({1, 2}, int64)), ShapeError);
  CHECK_THROWS_AS(fmod(Tensor({1.0, 2.0}), Tensor({1.0, 2.0, 3.0})), ShapeError);
}

TEST_CASE("rounding: questions about elements") {
  for (DType dtype : {float32, float64}) {
    const Tensor x({1, -0.0, infinity, -infinity, not_a_number, 0}, dtype);
    CHECK(equal(isnan(x), Tensor({0, 0, 0, 0, 1, 0}, boolean)));
    CHECK(equal(isinf(x), Tensor({0, 0, 1, 1, 0, 0}, boolean)));
    CHECK(equal(isfinite(x), Tensor({1, 1, 0, 0, 0, 1}, boolean)));
    CHECK(numbers(signbit(slice(x, 0, {.start = 0, .stop = 4}))) == Numbers{0, 1, 0, 1});
  }
  CHECK(numbers(isnan(Tensor({3, -3}, int64))) == Numbers{0, 0});
  CHECK(numbers(isinf(Tensor({3, -3}, int64))) == Numbers{0, 0});
  CHECK(numbers(isfinite(Tensor({3, -3}, int64))) == Numbers{1, 1});
  CHECK(numbers(signbit(Tensor({3, -3}, int64))) == Numbers{0, 1});
  CHECK(isnan(zeros({2, 0})).shape() == Shape{2, 0});
}

TEST_CASE("rounding: copysign") {
  const Tensor a = Tensor({3, -3, 0, -2, 5}, float64).requires_grad(true);
  const Tensor b = Tensor({-1, 2, -1, 0, -0.0}, float64).requires_grad(true);
  const Tensor y = copysign(a, b);
  CHECK(numbers(y) == Numbers{-3, 3, 0, 2, -5});
  CHECK(std::signbit(numbers(y)[2]));
  CHECK(slopes(y, a) == Numbers{-1, -1, 0, -1, -1});
  CHECK(slopes(copysign(a, b), b) == Numbers(5));
}

TEST_CASE("rounding: clamp") {
  for (DType dtype : {float32, float64}) {
    const Tensor x = Tensor({-2, -1, 0, 1, 2, not_a_number, infinity}, dtype).requires_grad(true);
    CHECK(equal(clamp(x, -1, 1).detach(), Tensor({-1, -1, 0, 1, 1, not_a_number, 1}, dtype)));
    CHECK(slopes(clamp(x, -1, 1), x) == Numbers{0, 1, 1, 1, 0, 0, 0});
    CHECK(slopes(clamp(x, 0, std::nullopt), x) == Numbers{0, 0, 1, 1, 1, 0, 1});
    CHECK(slopes(clamp(x, std::nullopt, 1), x) == Numbers{1, 1, 1, 1, 0, 0, 0});
    CHECK(equal(clamp(x, 1, -1).detach(), Tensor({-1, -1, -1, -1, -1, not_a_number, -1}, dtype)));
    CHECK(slopes(clamp(x, 1, -1), x) == Numbers(7));
    const Tensor low = Tensor({-1.5}, dtype).requires_grad(true);
    CHECK(slopes(clamp(x, low, 1), low) == Numbers{1});
  }
  CHECK(equal(clamp(Tensor({-5, 5}, int64), -1, 3), Tensor({-1, 3}, int64)));
  CHECK(equal(clamp(Tensor({-5, 5}, int64), 0), Tensor({0, 5}, int64)));
  CHECK(clamp(Tensor(5.0), std::nullopt, 1).rank() == 0);
  CHECK_THROWS_WITH_AS(clamp(ones({2}), std::nullopt), doctest::Contains("clamp: a lower or an"),
                       ValueError);
  CHECK_THROWS_AS(clamp(ones({2}), zeros({3})), ShapeError);
}

TEST_CASE("rounding: nan_to_num") {
  for (DType dtype : {float32, float64}) {
    const Tensor x = Tensor({1, not_a_number, infinity, -infinity}, dtype).requires_grad(true);
    CHECK(numbers(nan_to_num(x, 0.25, 9, -9)) == Numbers{1, 0.25, 9, -9});
    CHECK(slopes(nan_to_num(x), x) == Numbers{1, 0, 0, 0});
    const double largest =
        dtype == float32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
    CHECK(numbers(nan_to_num(x)) == Numbers{1, 0, largest, -largest});
  }
  CHECK(equal(nan_to_num(Tensor({3}, int64), 0.5), Tensor({3}, int64)));
}
