#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");
const double pi = std::acos(-1);
const double gamma_constant = 0.57721566490153286061;
using Numbers = std::vector<double>;

double at(Tensor (*f)(const Arg&), double x) { return f(Tensor(x, float64)).item<double>(); }
bool near(double a, double b, double share = 4e-16) {
  return std::fabs(a - b) <= share * std::fabs(b);
}
Numbers slope(const Tensor& y, const Tensor& x) {
  return numbers(grad(sum(y), {x}, {.retain_graph = true})[0]);
}

}  // namespace

TEST_CASE("special: digamma and polygamma at known points") {
  CHECK(near(at(digamma, 1), -gamma_constant));
  CHECK(near(at(digamma, 0.5), -gamma_constant - 2 * std::log(2)));
  CHECK(near(at(digamma, -0.5), 2 - gamma_constant - 2 * std::log(2), 1e-14));
  CHECK(std::fabs(at(digamma, 1.4616321449683623413)) < 1e-15);
  for (const double x : {-0.3, -0.7, -1.3, -1.6, -1.9})  // by digamma(x + 1) = digamma(x) + 1 / x
    CHECK(near(at(digamma, x), at(digamma, x + 2) - 1 / x - 1 / (x + 1), 1e-13));
  CHECK(at(digamma, 0) == -infinity);
  CHECK(at(digamma, -0.0) == infinity);
  CHECK(std::isnan(at(digamma, -3)));
  CHECK(at(digamma, infinity) == infinity);
  CHECK(std::isnan(at(digamma, -infinity)));
  CHECK(std::isnan(at(digamma, not_a_number)));
  const auto poly = [](double n, double x) {
    return polygamma(n, Tensor(x, float64)).item<double>();
  };
  CHECK(near(poly(1, 1), pi * pi / 6));
  CHECK(near(poly(1, 0.5), pi * pi / 2));
  CHECK(near(poly(2, 1), -2 * 1.2020569031595942854));
  CHECK(near(poly(3, 1), std::pow(pi, 4) / 15));
  CHECK(near(poly(1, -0.5), pi * pi / 2 + 4));
  CHECK(near(poly(4, -2.3),
             poly(4, 0.7) - 24 * (std::pow(-2.3, -5) + std::pow(-1.3, -5) + std::pow(-0.3, -5)),
             1e-14));
  CHECK(poly(0, 2.5) == at(digamma, 2.5));
  CHECK(poly(1, 0) == infinity);
  CHECK(poly(1, -2) == infinity);
  CHECK(std::isnan(poly(2, -2)));
  CHECK(poly(1, infinity) == 0);
  CHECK(std::isnan(poly(1, not_a_number)));
  CHECK(near(poly(1, 1e10), 1e-10, 1e-9));
  CHECK(near(poly(1, 1e-10), 1e20, 1e-9));
  const Tensor orders = polygamma(Tensor({0, 1, 2}, int64), Tensor(1.0, float64));
  CHECK(near(numbers(orders)[1], pi * pi / 6));
  CHECK_THROWS_WITH_AS(polygamma(-1, ones({2})), doctest::Contains("the order is 0, 1, 2"),
                       ValueError);
  CHECK_THROWS_AS(polygamma(1.5, ones({2})), ValueError);
  CHECK(std::isnan(polygamma(Tensor({1.5}), ones({1})).item<double>()));
}

TEST_CASE("special: lgamma to the fourth order") {
  for (double x : {0.3, 1.0, 2.0, 7.25, -0.7, -3.4}) {
    CAPTURE(x);
    const Tensor t = Tensor(x, float64).requires_grad(true);
    Tensor y = lgamma(t);
    CHECK(near(y.item<double>(), std::lgamma(x)));
    for (int order = 0; order < 4; ++order) {
      y = grad(y, {t}, {.retain_graph = true, .create_graph = true})[0];
      CHECK(near(y.item<double>(), polygamma(order, Tensor(x, float64)).item<double>(), 1e-15));
    }
  }
  CHECK(at(lgamma, 0) == infinity);
  CHECK(at(lgamma, -2) == infinity);
  CHECK(at(lgamma, -infinity) == infinity);
  CHECK(lgamma(Tensor({3}, int64)).dtype() == float32);
  CHECK(lgamma(zeros({0, 3})).shape() == Shape{0, 3});
}

TEST_CASE("special: sinc and its slopes around 0") {
  CHECK(at(sinc, 0) == 1);
  CHECK(near(at(sinc, 0.5), 2 / pi));
  CHECK(std::fabs(at(sinc, 2)) < 1e-16);
  for (double x : {0.0, 1e-9, 1e-3, -0.2, 0.6, 0.7, 2.3}) {
    CAPTURE(x);
    const Tensor t = Tensor(x, float64).requires_grad(true);
    const Tensor first = grad(sinc(t), {t}, {.retain_graph = true, .create_graph = true})[0];
    const Tensor second = grad(first, {t}, {.retain_graph = true, .create_graph = true})[0];
    const long double u = std::acos(-1.0L) * x, s = std::sin(u), c = std::cos(u);
    const bool small = std::fabs(x) < 0.01;
    const long double one = small ? -u / 3 + u * u * u / 30 : (c - s / u) / u;
    const long double two = small ? -1 / 3.0L + u * u / 10 : -s / u - 2 * (c - s / u) / (u * u);
    const long double scale = std::acos(-1.0L);
    CHECK(near(first.item<double>(), static_cast<double>(scale * one), 1e-11));
    CHECK(near(second.item<double>(), static_cast<double>(scale * scale * two), 1e-9));
  }
}

TEST_CASE("special: logit") {
  CHECK(at(logit, 0.5) == 0);
  CHECK(near(at(logit, 0.5 + 0x1p-40), 0x1p-38));
  CHECK(near(at(logit, 0.2), std::log(0.25)));
  CHECK(at(logit, 0) == -infinity);
  CHECK(at(logit, 1) == infinity);
  CHECK(std::isnan(at(logit, 1.5)));
  const Tensor x = leaf({0, 0.5, 1});
  CHECK(slope(logit(x), x) == Numbers{infinity, 4, infinity});
}

TEST_CASE("special: xlogy") {
  const Tensor x = leaf({0, 0, 0, 0, 2, 0}), y = leaf({0, -1, 3, infinity, 3, not_a_number});
  const Tensor z = xlogy(x, y);
  CHECK(distance(z.detach(), Tensor({0, 0, 0, 0, 2 * std::log(3), not_a_number}, float64)) < 1e-15);
  const Numbers by_x = slope(z, x), by_y = slope(z, y);
  CHECK(by_x[0] == 0);
  CHECK(by_x[1] == 0);
  CHECK(near(by_x[2], std::log(3)));
  CHECK(near(by_x[4], std::log(3)));
  CHECK(by_y[0] == 0);
  CHECK(by_y[2] == 0);
  CHECK(near(by_y[4], 2.0 / 3));
}

TEST_CASE("special: logaddexp") {
  const Tensor a = leaf({1000, -1000, 0, infinity, -infinity, -infinity, 3, infinity}),
               b = leaf({0, -1000, 0, 1, 2, -infinity, not_a_number, infinity});
  const Tensor z = logaddexp(a, b);
  const Numbers got = numbers(z);
  CHECK(got[0] == 1000);
  CHECK(near(got[1], -1000 + std::log(2)));
  CHECK(near(got[2], std::log(2)));
  CHECK(got[3] == infinity);
  CHECK(got[4] == 2);
  CHECK(got[5] == -infinity);
  CHECK(std::isnan(got[6]));
  CHECK(got[7] == infinity);
  const Numbers by_a = slope(z, a), by_b = slope(z, b);
  const Numbers wanted_a{1, 0.5, 0.5, 1, 0, 0.5}, wanted_b{0, 0.5, 0.5, 0, 1, 0.5};
  for (std::size_t i = 0; i < wanted_a.size(); ++i) {
    CAPTURE(i);
    CHECK(by_a[i] == wanted_a[i]);
    CHECK(by_b[i] == wanted_b[i]);
  }
}

TEST_CASE("special: first and second slopes against differences") {
  const std::vector<Tensor> points{Tensor({{0.4}, {0.8}}, float64),
                                   Tensor({0.25, 0.7, 0.4}, float64)};
  const std::vector<Function> functions = {
      [](auto& x) { return lgamma(x[0]) * digamma(x[1]); },
      [](auto& x) { return polygamma(2, x[0] + x[1]); },
      [](auto& x) { return sinc(x[0]) + logit(x[1]) * x[0]; },
      [](auto& x) { return xlogy(x[0], x[1]); },
      [](auto& x) { return logaddexp(x[0], x[1]); },
  };
  for (std::size_t i = 0; i < functions.size(); ++i) {
    CAPTURE(i);
    CHECK(slope_error(functions[i], points) < 1e-6);
    CHECK(slope_error(functions[i], points, true) < 1e-6);
    CHECK(curvature_error(functions[i], points) < 1e-5);
  }
}
