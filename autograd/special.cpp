#include <cmath>
#include <limits>
#include <xtape/autograd/special.hpp>

namespace xtape::detail {

namespace {

using Real = long double;  // differences of large terms come near the roots of these functions

constexpr Real infinity = std::numeric_limits<Real>::infinity();
constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();

// B_2, B_4, ...: the Bernoulli numbers
constexpr Real bernoulli[] = {1.0L / 6,         -1.0L / 30,      1.0L / 42,
                              -1.0L / 30,       5.0L / 66,       -691.0L / 2730,
                              7.0L / 6,         -3617.0L / 510,  43867.0L / 798,
                              -174611.0L / 330, 854513.0L / 138, -236364091.0L / 2730};

// Hurwitz's zeta(s, x) = sum over k >= 0 of (x + k)^-s for whole s >= 2 and x > 0, by the formula
// of Euler and Maclaurin once x + k is large.
Real zeta(Real s, Real x) {
  Real sum = 0;
  const Real large = 12 + s;
  for (; x < large; ++x) sum += std::pow(x, -s);
  const Real end = std::pow(x, -s);
  sum += x * end / (s - 1) + end / 2;
  Real term = end * s / x;  // s (s + 1) ... (s + 2j) x^(-s - 2j - 1) / (2j + 2)!, but for 1 / 2
  term /= 2;
  for (int j = 0; j < static_cast<int>(std::size(bernoulli)); ++j) {
    sum += bernoulli[j] * term;
    term *= (s + 2 * j + 1) * (s + 2 * j + 2) / ((2 * j + 3) * (2 * j + 4) * x * x);
  }
  return sum;
}

// By the recurrence up to where the asymptotic series holds, and by reflection for x < 0.
Real digamma(Real x) {
  if (x == 0) return std::copysign(infinity, -x);
  Real sum = 0;
  if (x < 0) {
    const Real pi = 3.14159265358979323846264338327950288L;
    const Real rest = x - std::nearbyint(x);
    if (!(rest != 0)) return nan;
    // pi cot(pi x), exact at halves
    sum = std::fabs(rest) < 0.25L ? -pi / std::tan(pi * rest)
                                  : -pi * std::tan(pi * (std::copysign(0.5L, rest) - rest));
    x = 1 - x;
  }
  for (; x < 16; ++x) sum -= 1 / x;
  const Real square = 1 / (x * x);
  Real power = 1;
  sum += std::log(x) - 1 / (2 * x);
  for (int j = 0; j < static_cast<int>(std::size(bernoulli)); ++j) {
    power *= square;
    sum -= bernoulli[j] / (2 * j + 2) * power;
  }
  return sum;
}

}  // namespace

double log_gamma(double x) {
  int sign = 0;  // std::lgamma keeps it in a variable that all threads share
  return ::lgamma_r(x, &sign);
}

double polygamma(double n, double x) {
  if (!(n >= 0) || n != std::floor(n) || std::isnan(x)) return nan;
  if (n == 0) return static_cast<double>(digamma(x));
  if (x == infinity) return 0;
  const Real s = static_cast<Real>(n) + 1;
  const bool even = std::fmod(s, 2) == 0;
  const Real factor = (even ? 1 : -1) * std::tgamma(s);
  if (x > 0) return static_cast<double>(factor * zeta(s, x));
  const Real nearest = std::nearbyint(x), rest = x - nearest;
  // a pole: the sign on both sides is the same if s is even
  if (rest == 0) return even ? infinity : nan;
  if (std::isnan(rest)) return nan;
  // the terms for all whole k, less those for k < 0
  const Real reflected = even ? 1 : -1;
  const Real both = std::pow(rest, -s) + zeta(s, 1 + rest) + reflected * zeta(s, 1 - rest);
  return static_cast<double>(factor * (both - reflected * zeta(s, 1 - Real(x))));
}

}  // namespace xtape::detail
