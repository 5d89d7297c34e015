#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");
using Numbers = std::vector<double>;

struct Row {
  const char* name;
  Tensor (*apply)(const Arg&);
  double (*naive)(double);
  double low, high;
};

const Row rows[] = {
    {"tan", tan, std::tan, -1.5, 1.5},        {"asin", asin, std::asin, -0.99, 0.99},
    {"acos", acos, std::acos, -0.99, 0.9},    {"atan", atan, std::atan, -50, 50},
    {"sinh", sinh, std::sinh, -20, 20},       {"cosh", cosh, std::cosh, -20, 20},
    {"asinh", asinh, std::asinh, -50, 50},    {"acosh", acosh, std::acosh, 1.01, 50},
    {"atanh", atanh, std::atanh, -0.99, 0.99}};

}  // namespace

TEST_CASE("trigonometry: values against the C library, slopes against differences") {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    for (DType dtype : {float32, float64}) {
      const Tensor x = linspace(row.low, row.high, 101, dtype);
      const Numbers from = numbers(x), got = numbers(row.apply(x));
      for (std::size_t i = 0; i < got.size(); ++i) {
        const double wanted = row.naive(from[i]);
        CHECK(std::fabs(got[i] - wanted) <=
              (dtype == float32 ? 4e-7 : 4e-16) * std::fabs(wanted) + 1e-30);
      }
      CHECK(std::isnan(row.apply(Tensor({not_a_number}, dtype)).item<double>()));
    }
    const double low = std::max(row.low, -1.0), high = std::min(row.high, low + 2);
    const Tensor x = linspace(low + 0.11, high - 0.07, 7, float64);
    const Function f = [&](const std::vector<Tensor>& in) { return row.apply(in[0]); };
    CHECK(slope_error(f, {x}) < 1e-6);
    CHECK(slope_error(f, {x}, true) < 1e-6);
    CHECK(curvature_error(f, {x}) < 2e-5);
    CHECK(row.apply(Tensor({1}, int64)).dtype() == float32);
    CHECK(row.apply(zeros({0, 2})).shape() == Shape{0, 2});
  }
}

TEST_CASE("trigonometry: odd functions keep the sign of zero") {
  Tensor (*const odd[])(const Arg&) = {sin,  tan, asin, atan,  sinh,  asinh, atanh,
                                       tanh, erf, sqrt, expm1, log1p, trunc, round};
  for (std::size_t i = 0; i < std::size(odd); ++i)
    for (DType dtype : {float32, float64}) {
      CAPTURE(i);
      const Numbers got = numbers(odd[i](Tensor({0.0, -0.0}, dtype)));
      CHECK(got == Numbers{0, 0});
      CHECK(!std::signbit(got[0]));
      CHECK(std::signbit(got[1]));
    }
}

TEST_CASE("trigonometry: slopes far out and at the ends of the domain") {
  const auto slope = [](Tensor (*f)(const Arg&), double at) {
    const Tensor x = Tensor(at, float64).requires_grad(true);
    f(x).backward();
    return x.grad().item<double>();
  };
  CHECK(slope(asinh, 1e200) == doctest::Approx(1e-200));
  CHECK(slope(acosh, 1e200) == doctest::Approx(1e-200));
  CHECK(slope(atan, infinity) == 0);
  CHECK(slope(asin, 1) == infinity);
  CHECK(slope(acos, -1) == -infinity);
  CHECK(slope(acosh, 1) == infinity);
  CHECK(std::isnan(slope(asin, 2)));
}

TEST_CASE("trigonometry: atan2 and hypot") {
  for (DType dtype : {float32, float64}) {
    const Tensor y({0.0, -0.0, 0.0, -0.0, 1, -infinity, infinity}, dtype),
        x({1.0, 1.0, -1.0, -1.0, 0, infinity, -infinity}, dtype);
    const Numbers got = numbers(atan2(y, x)), ys = numbers(y), xs = numbers(x);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i] == doctest::Approx(std::atan2(ys[i], xs[i])));
      CHECK(std::signbit(got[i]) == std::signbit(ys[i]));
    }
    const double large = dtype == float32 ? 1e38 : 1e308;
    CHECK(hypot(Tensor({large}, dtype), large).item<double>() ==
          doctest::Approx(large * std::sqrt(2)));
    CHECK(hypot(Tensor({infinity}, dtype), not_a_number).item<double>() == infinity);
  }
  const Tensor a = Tensor({0.0, 3.0}, float64).requires_grad(true),
               b = Tensor({0.0, 4.0}, float64).requires_grad(true);
  sum(hypot(a, b)).backward();
  CHECK(numbers(a.grad()) == Numbers{0, 0.6});
  CHECK(numbers(b.grad()) == Numbers{0, 0.8});
  a.zero_grad();
  b.zero_grad();
  sum(atan2(a, b)).backward();
  CHECK(numbers(a.grad())[0] == 0);
  CHECK(numbers(b.grad())[0] == 0);
  CHECK(numbers(a.grad())[1] == doctest::Approx(0.16));
  CHECK(numbers(b.grad())[1] == doctest::Approx(-0.12));
  const std::vector<Tensor> points{Tensor({{0.7, -1.2, 2.1}, {0.4, 1.9, -0.3}}, float64),
                                   Tensor({1.3, 0.6, -0.8}, float64)};
  for (const Function& f : {Function([](auto& x) { return atan2(x[0], x[1]); }),
                            Function([](auto& x) { return hypot(x[0], x[1]); })}) {
    CHECK(slope_error(f, points) < 1e-7);
    CHECK(slope_error(f, points, true) < 1e-7);
    CHECK(curvature_error(f, points) < 1e-6);
  }
}
