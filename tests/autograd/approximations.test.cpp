// The float32 functions against those of the C library in long double, in units in the last place.
#include <xtape/autograd/approximations.hpp>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

using Exact = long double (*)(long double);

/// How far a float32 number is from the exact one in units in its last place.
double ulps(double got, long double exact) {
  if (std::isnan(got) || std::isnan(exact))
    return std::isnan(got) == std::isnan(exact) ? 0 : infinity;
  if (std::isinf(got) || std::isinf(exact))
    return std::fabs(got) > 0x1.fffff0p127 && std::fabs(exact) > 0x1.fffff0p127L &&
                   std::signbit(got) == std::signbit(exact)
               ? 0
               : infinity;
  if (got == 0 && std::signbit(got) != std::signbit(exact)) return infinity;
  const int exponent = exact == 0 ? -149 : std::max(std::ilogb(exact) - 23, -149);
  return static_cast<double>(std::fabs(got - exact) / std::ldexp(1.0L, exponent));
}

/// Numbers with all exponents and either sign, and many between -110 and 110.
std::vector<double> everywhere() {
  std::vector<double> out = {
      0, -0.0, infinity, -infinity, not_a_number, 0x1.fffffep127, -0x1.fffffep127};
  for (int exponent = -149; exponent < 128; ++exponent)
    for (double mantissa : {1.0, 1.1875, 1.4140625, 1.75, 1.999999}) {
      const double number = static_cast<float>(std::ldexp(mantissa, exponent));
      out.insert(out.end(), {number, -number});
    }
  for (int i = -11000; i <= 11000; ++i) out.push_back(static_cast<float>(i * 0.0100003));
  for (int i = -3000; i <= 3000; ++i) out.push_back(static_cast<float>(i * 0.00100007));
  return out;
}

Tensor singles(const std::vector<double>& from) {
  return cast(Tensor::from(from.data(), {static_cast<std::int64_t>(from.size())}), float32);
}

long double sigmoid_of(long double x) { return 1 / (1 + std::exp(-x)); }
long double softplus_of(long double x) {
  return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
}
long double less_tanh_of(long double x) {
  const long double s = x * x;
  if (s < 1e-5L) return x * s * (1 / 3.0L - s * (2 / 15.0L - s * (17 / 315.0L - s * 62 / 2835)));
  return x - std::tanh(x);
}
long double gelu_of(long double x) { return x * std::erfc(-x * std::sqrt(0.5L)) / 2; }

struct Row {
  const char* name;
  Tensor (*apply)(const Arg&);
  Exact exact, slope;
  double bound, slope_bound;
};

const Row rows[] = {
    {"exp", exp, std::exp, std::exp, 1.25, 1.25},
    {"expm1", expm1, std::expm1, std::exp, 1.75, 1.25},
    {"log", log, std::log, [](long double x) { return 1 / x; }, 1.5, 1},
    {"logit", logit, [](long double x) { return std::log(x) - std::log1p(-x); },
     [](long double x) { return 1 / (x * (1 - x)); }, 2, 3},
    {"sigmoid", sigmoid, sigmoid_of, [](long double x) { return sigmoid_of(x) * sigmoid_of(-x); },
     3.25, infinity},
    {"softplus", [](const Arg& x) { return softplus(x); }, softplus_of, sigmoid_of, 2.5, 3.25},
    {"log_sigmoid", [](const Arg& x) { return log_sigmoid(x); },
     [](long double x) { return -softplus_of(-x); }, [](long double x) { return sigmoid_of(-x); },
     2.5, 3.25},
    {"tanh", tanh, std::tanh,
     [](long double x) { return std::pow(std::cosh(std::fmin(std::fabs(x), 200.0L)), -2.0L); }, 2,
     6},
    {"tanhshrink", [](const Arg& x) { return tanhshrink(x); }, less_tanh_of,
     [](long double x) { return std::tanh(x) * std::tanh(x); }, 3.75, 5},
    {"erf", erf, std::erf,
     [](long double x) { return std::exp(-x * x) * 2 * std::numbers::inv_sqrtpi_v<long double>; },
     2, 3},
    {"erfc", erfc, std::erfc,
     [](long double x) { return -std::exp(-x * x) * 2 * std::numbers::inv_sqrtpi_v<long double>; },
     8, 3},
    {"ndtr", [](const Arg& x) { return ndtr(x); },
     [](long double x) { return std::erfc(-x * std::sqrt(0.5L)) / 2; },
     [](long double x) {
       return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<long double>);
     },
     8, 3},
    {"gelu", [](const Arg& x) { return gelu(x); }, gelu_of,
     [](long double x) {
       return std::erfc(-x * std::sqrt(0.5L)) / 2 +
              x * std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<long double>);
     },
     9, infinity},
};

}  // namespace

TEST_CASE("approximations: values and slopes, at numbers of all sizes") {
  const std::vector<double> at = everywhere();
  const Tensor x = singles(at).requires_grad(true);
  for (const Row& row : rows) {
    INFO(std::string(row.name));
    x.zero_grad();
    const Tensor y = row.apply(x);
    y.backward(ones(y.shape()));
    const std::vector<double> got = numbers(y), slopes = numbers(x.grad());
    double worst = 0, worst_at = 0, steep = 0, steep_at = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      const bool finite = std::isfinite(at[i]);
      const long double exact = row.exact(at[i]);
      double off = ulps(got[i], exact);
      if (std::isinf(at[i]) && std::isnan(exact)) off = 0;  // gelu(-infinity) is -infinity * 0
      if (off > worst) worst = off, worst_at = at[i];
      const double slope_off = finite && !std::isnan(exact) ? ulps(slopes[i], row.slope(at[i])) : 0;
      if (slope_off > steep) steep = slope_off, steep_at = at[i];
    }
    CAPTURE(worst_at);
    CAPTURE(steep_at);
    CHECK(worst <= row.bound);
    CHECK(steep <= row.slope_bound);
  }
}

TEST_CASE("approximations: the logarithm of 1 + x from 0 to 1") {
  using X = Lane<Register<float>>;
  double worst = 0;
  std::vector<double> at = everywhere();
  std::erase_if(at, [](double x) { return !(x >= 0 && x <= 1) || std::signbit(x); });
  for (double x : at) {
    float out[X::Traits::width];
    X::Traits::store(out, detail::short_log1p(X(x)).v);
    worst = std::max(worst, ulps(out[0], std::log1p(static_cast<long double>(x))));
  }
  CHECK(at.size() > 1500);
  CHECK(worst <= 1.75);
}

TEST_CASE("approximations: the place in a register does not matter") {
  const std::vector<double> at = everywhere();
  const Tensor x = singles({at.begin() + 2000, at.begin() + 3003});
  for (const Row& row : rows) {
    INFO(std::string(row.name));
    const Tensor whole = row.apply(x);
    for (std::int64_t begin : {1, 2, 3, 7, 13, 16, 17, 997})
      CHECK(equal(row.apply(slice(x, 0, {.start = begin})), slice(whole, 0, {.start = begin})));
  }
}
