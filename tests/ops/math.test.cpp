#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

Tensor smooth(const Arg& x) { return softplus(x); }

struct Row {
  const char* name;
  Tensor (*apply)(const Arg&);
  double (*naive)(double);
  double low, high;  // where values and slopes are compared
};

const Row rows[] = {
    {"exp", exp, std::exp, -80, 80},
    {"expm1", expm1, std::expm1, -5, 5},
    {"log", log, std::log, 1e-3, 100},
    {"log1p", log1p, std::log1p, -0.9, 20},
    {"sqrt", sqrt, std::sqrt, 1e-3, 100},
    {"sin", sin, std::sin, -30, 30},
    {"cos", cos, std::cos, -30, 30},
    {"tanh", tanh, std::tanh, -12, 12},
    {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -30, 30},
    {"softplus", smooth, [](double x) { return std::log1p(std::exp(x)); }, -30, 19},
    {"exp2", exp2, std::exp2, -80, 80},
    {"log2", log2, std::log2, 1.01, 100},
    {"log10", log10, std::log10, 1.01, 100},
    {"rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, 1e-3, 100},
    {"reciprocal", reciprocal, [](double x) { return 1 / x; }, 1e-3, 100},
    {"erf", erf, std::erf, -4, 4},
    {"erfc", erfc, std::erfc, -4, 8},
    {"square", square, [](double x) { return x * x; }, -9, 9},
};

}  // namespace

TEST_CASE("math: values against the C library, in both precisions and at odd lengths") {
  for (const Row& row : rows)
    for (DType dtype : {float32, float64}) {
      CAPTURE(row.name);
      const Tensor x = linspace(row.low, row.high, 1003, dtype);
      const std::vector<double> at = numbers(x), got = numbers(row.apply(x));
      double worst = 0;
      for (std::size_t i = 0; i < at.size(); ++i) {
        const double wanted = row.naive(at[i]);
        worst = std::max(worst, std::abs(got[i] - wanted) /
                                    std::max(std::abs(wanted), dtype == float32 ? 1e-30 : 1e-300));
      }
      // near a root of the function the argument's own rounding dominates
      const bool roots = row.naive == static_cast<double (*)(double)>(std::sin) ||
                         row.naive == static_cast<double (*)(double)>(std::cos);
      CHECK(worst < (dtype == float32 ? 6e-6 : roots ? 1e-13 : 2e-14));
    }
}

TEST_CASE("math: at the edges of the numbers") {
  struct Edge {
    Tensor (*apply)(const Arg&);
    double x, wanted;
  };
  const Edge edges[] = {{exp, infinity, infinity},
                        {exp, -infinity, 0},
                        {exp, 1000, infinity},
                        {exp, -1000, 0},
                        {expm1, -infinity, -1},
                        {expm1, infinity, infinity},
                        {log, 0, -infinity},
                        {log, infinity, infinity},
                        {log, -1, not_a_number},
                        {log1p, -1, -infinity},
                        {log1p, -2, not_a_number},
                        {sqrt, infinity, infinity},
                        {sqrt, 0, 0},
                        {sqrt, -1, not_a_number},
                        {sin, infinity, not_a_number},
                        {cos, -infinity, not_a_number},
                        {tanh, infinity, 1},
                        {tanh, -infinity, -1},
                        {tanh, 1000, 1},
                        {sigmoid, infinity, 1},
                        {sigmoid, -infinity, 0},
                        {sigmoid, -1000, 0},
                        {smooth, 1000, 1000},
                        {smooth, -1000, 0},
                        {smooth, infinity, infinity},
                        {smooth, -infinity, 0},
                        {erf, infinity, 1},
                        {erf, -infinity, -1},
                        {erfc, infinity, 0},
                        {erfc, -infinity, 2},
                        {abs, -infinity, infinity},
                        {sign, -infinity, -1},
                        {exp2, -infinity, 0},
                        {exp2, 2000, infinity},
                        {log2, 0, -infinity},
                        {log10, -1, not_a_number},
                        {rsqrt, 0, infinity},
                        {rsqrt, infinity, 0},
                        {reciprocal, infinity, 0},
                        {square, -infinity, infinity}};
  for (std::size_t i = 0; i < std::size(edges); ++i)
    for (DType dtype : {float32, float64}) {
      CAPTURE(i);
      const double got = edges[i].apply(Tensor({edges[i].x}, dtype)).item<double>();
      CAPTURE(got);
      CHECK(same(got, edges[i].wanted));
    }
  for (const Row& row : rows)
    for (DType dtype : {float32, float64})
      CHECK(std::isnan(row.apply(Tensor({not_a_number}, dtype)).item<double>()));
}

TEST_CASE("math: slopes that must be finite are") {
  const Tensor x = Tensor({-1000, 0, 1000}, float64).requires_grad(true);
  const auto slopes = [&](Tensor (*f)(const Arg&)) {
    x.zero_grad();
    sum(f(x)).backward();
    return numbers(x.grad());
  };
  using Numbers = std::vector<double>;
  CHECK(slopes(sigmoid) == Numbers{0, 0.25, 0});
  CHECK(slopes(smooth) == Numbers{0, 0.5, 1});
  CHECK(slopes(tanh) == Numbers{0, 1, 0});
  CHECK(slopes(abs) == Numbers{-1, 0, 1});
  CHECK(slopes(sign) == Numbers{0, 0, 0});
}

TEST_CASE("math: pow") {
  const double xs[] = {2, -2, 0, 1, infinity, -3, 0.5},
               ys[] = {0, 1, 2, 3, -1, -2, 0.5, infinity, -infinity};
  for (DType dtype : {float32, float64})
    for (double x : xs)
      for (double y : ys) {
        CAPTURE(x);
        CAPTURE(y);
        const double got = pow(Tensor({x}, dtype), Tensor({y}, dtype)).item<double>();
        const double wanted = std::pow(x, y);
        if (std::isfinite(wanted)) CHECK(got == doctest::Approx(wanted));
        else CHECK(same(got, wanted));
      }
  CHECK(pow(Tensor({not_a_number}), 0).item<float>() == 1);
  CHECK(pow(1, Tensor({not_a_number})).item<float>() == 1);
  const auto slopes = [](double a, double b) {
    const Tensor x = Tensor(a, float64).requires_grad(true),
                 y = Tensor(b, float64).requires_grad(true);
    pow(x, y).backward();
    return std::pair(x.grad().item<double>(), y.grad().item<double>());
  };
  CHECK(slopes(0, 1) == std::pair(1.0, 0.0));
  CHECK(slopes(0, 2) == std::pair(0.0, 0.0));
  CHECK(slopes(0, 0) == std::pair(0.0, 0.0));
  CHECK(slopes(3, 0).first == 0);
  CHECK(slopes(3, 0).second == doctest::Approx(std::log(3)));
  CHECK(slopes(-2, 3).first == doctest::Approx(12));
  CHECK(std::isnan(slopes(-2, 3).second));
  const Tensor x = Tensor({-2, 3}, float64).requires_grad(true);
  sum(pow(x, 2)).backward();
  CHECK(numbers(x.grad())[0] == doctest::Approx(-4));
}

TEST_CASE("math: pow is accurate to a few units in the last place") {
  for (DType dtype : {float32, float64}) {
    const Tensor x = reshape(linspace(0.01, 30, 301, dtype), {-1, 1}),
                 y = linspace(-9, 9, 37, dtype), got = pow(x, y);
    const std::vector<double> xs = numbers(x), ys = numbers(y), values = numbers(got);
    double worst = 0;
    for (std::size_t i = 0; i < xs.size(); ++i)
      for (std::size_t j = 0; j < ys.size(); ++j) {
        const long double wanted = std::pow(static_cast<long double>(xs[i]), ys[j]);
        const long double off = std::fabs(values[i * ys.size() + j] - wanted) / wanted;
        worst = std::max(worst, static_cast<double>(off));
      }
    CHECK(worst < (dtype == float32 ? 6e-7 : 3e-16));
  }
}

TEST_CASE("math: pow of integers gives integers") {
  const Tensor base({3, -2, 0, 1, -1, 7}, int64), exponent({4, 3, 0, -5, -3, -1}, int64);
  CHECK(equal(pow(base, exponent), Tensor({81, -8, 1, 1, -1, 0}, int64)));
  CHECK(equal(pow(base, 2), Tensor({9, 4, 0, 1, 1, 49}, int64)));
  CHECK(equal(pow(base, 3), Tensor({27, -8, 0, 1, -1, 343}, int64)));
  CHECK(equal(pow(2, Tensor({{0}, {10}}, int64)), Tensor({{1}, {1024}}, int64)));
  CHECK(pow(base, 0.5).dtype() == float32);
  CHECK(pow(base, Tensor({2.0}, float64)).dtype() == float64);
  CHECK(pow(Tensor({1, 0}, boolean), Tensor({0, 3}, int64)).dtype() == int64);
  CHECK(pow(zeros({0, 3}, int64), Tensor({1, 2, 3}, int64)).shape() == Shape{0, 3});
  CHECK_THROWS_WITH_AS(pow(base, -1), doctest::Contains("pow: integers to the power -1"),
                       ValueError);
  CHECK_THROWS_AS(pow(base, Tensor({1, 2}, int64)), ShapeError);
}

TEST_CASE("math: softplus is linear above its threshold") {
  const Tensor x = Tensor({1, 7, 41, infinity, -infinity}, float64).requires_grad(true);
  const Tensor y = softplus(x, 0.5);
  const double wanted = 2 * std::log1p(std::exp(0.5));
  CHECK(numbers(y)[0] == doctest::Approx(wanted));
  CHECK(numbers(y)[1] != 7);
  CHECK(numbers(y)[2] == 41);
  CHECK(numbers(y)[3] == infinity);
  CHECK(numbers(y)[4] == 0);
  sum(y).backward();
  CHECK(numbers(x.grad())[2] == 1);
  CHECK(numbers(x.grad())[3] == 1);
  CHECK(numbers(x.grad())[4] == 0);
  CHECK(numbers(softplus(x, 1, 5))[1] == 7);
}

TEST_CASE("math: first and second slopes against differences") {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const double low = std::max(row.low, -2.0), high = std::min(row.high, 2.0);
    const Tensor x = linspace(low + 0.31 * (high - low) / 7, high, 7, float64);
    const Function f = [&](const std::vector<Tensor>& in) { return row.apply(in[0]); };
    CHECK(slope_error(f, {x}) < 1e-7);
    CHECK(slope_error(f, {x}, true) < 1e-7);
    CHECK(curvature_error(f, {x}) < 1e-5);
  }
  const Function power = [](const std::vector<Tensor>& in) { return pow(in[0], in[1]); };
  const std::vector<Tensor> points{Tensor({{0.4}, {1.7}}, float64),
                                   Tensor({-1.2, 0.3, 2}, float64)};
  CHECK(slope_error(power, points) < 1e-7);
  CHECK(curvature_error(power, points) < 1e-5);
}

TEST_CASE("math: integers are taken as float32") {
  for (const Row& row : rows)
    CHECK(row.apply(Tensor({1, 2}, int64)).dtype() == (row.apply == square ? int64 : float32));
  CHECK(xtape::exp(2).item<double>() == doctest::Approx(std::exp(2)));
  CHECK(exp(Tensor({1}, boolean)).item<double>() == doctest::Approx(std::exp(1)));
}
