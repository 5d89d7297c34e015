// Special functions. Integers are taken as float32.
#pragma once

#include <xtape/ops/trigonometry.hpp>

namespace xtape {

namespace formulas {

inline const auto lgamma = detail::function(
    {.name = "lgamma", .about = "log|Gamma(x)|", .formula = "lgamma(x)", .low = 0.1, .high = 6},
    [](auto x) { return xtape::lgamma(x); });
inline const auto digamma = detail::function({.name = "digamma",
                                              .about = "the derivative of lgamma",
                                              .formula = "digamma(x)",
                                              .low = 0.1,
                                              .high = 6},
                                             [](auto x) { return xtape::digamma(x); });
inline const auto polygamma =
    detail::function({.name = "polygamma",
                      .about = "the n-th derivative of digamma; no slope in n",
                      .low = 0.1,
                      .differences = false},
                     [](auto n, auto x) { return xtape::polygamma(n, x); });
inline const auto logit = detail::function({.name = "logit",
                                            .about = "the inverse of the sigmoid",
                                            .formula = "log(x / (1 - x))",
                                            .low = 0.1,
                                            .high = 0.9},
                                           [](auto x) { return xtape::logit(x); });
inline const auto ndtr = detail::function({.name = "ndtr",
                                           .about = "the normal distribution function",
                                           .formula = "erfc(-x / sqrt(2)) / 2"},
                                          [](auto x) { return xtape::ndtr(x); });
inline const auto sinc = detail::function(
    {.name = "sinc",
     .about = "sin(pi x) / (pi x), 1 at 0",
     .formula = "x == 0 ? 1 : sin(3.14159265358979323846 * x) / (3.14159265358979323846 * x)"},
    [](auto x) {
      const auto t = std::numbers::pi * x;
      // near 0 by its series, which has the right slopes of every order there
      const auto s = t * t;
      auto series = 1 - s / (20 * 21);
      series = 1 - s / (18 * 19) * series;
      series = 1 - s / (16 * 17) * series;
      series = 1 - s / (14 * 15) * series;
      series = 1 - s / (12 * 13) * series;
      series = 1 - s / (10 * 11) * series;
      series = 1 - s / (8 * 9) * series;
      series = 1 - s / (6 * 7) * series;
      series = 1 - s / (4 * 5) * series;
      series = 1 - s / (2 * 3) * series;
      const auto overflown = t - t != 0 && x - x == 0;
      return where(s < 4, series, where(overflown, 0, xtape::sin(t) / t));
    });
inline const auto xlogy = detail::function({.name = "xlogy",
                                            .about = "a log(b), 0 where a is 0",
                                            .formula = "x == 0 ? (y != y ? y : 0) : x * log(y)",
                                            .low = 0.05},
                                           [](auto a, auto b) {
                                             const auto none =
                                                 a == 0 && (b <= 0 || b - b != 0) && b == b;
                                             return where(none, 0, a * xtape::log(b));
                                           });
inline const auto logaddexp = detail::function(
    {.name = "logaddexp",
     .about = "log(exp(a) + exp(b)) without overflow",
     .formula = "x > y ? x + log1p(exp(y - x)) : x < y ? y + log1p(exp(x - y)) : x == y ? x + "
                "log(2) : x + y"},
    [](auto a, auto b) {
      const auto both_infinite = a == b && a - a != 0;
      const auto sum = where(a >= b, a + xtape::softplus(b - a), b + xtape::softplus(a - b));
      return where(both_infinite, 0.5 * (a + b), sum);
    });

}  // namespace formulas

/// log|Gamma(x)|; its derivative is digamma(x). Infinite at 0, -1, -2, ...
inline Tensor lgamma(const Arg& x) { return formulas::lgamma(x); }
/// The derivative of lgamma; its own is polygamma(1, x). NaN at -1, -2, ..., infinite at 0.
inline Tensor digamma(const Arg& x) { return formulas::digamma(x); }
/// The n-th derivative of digamma; n is a whole number, or a tensor of such, and has no gradient.
/// Throws ValueError if the number n is not 0, 1, 2, ...
Tensor polygamma(const Arg& n, const Arg& x);
/// log(x / (1 - x)), accurate near 1/2, too; NaN outside [0, 1].
inline Tensor logit(const Arg& x) { return formulas::logit(x); }
/// The share of the normal distribution below x, accurate in the left tail.
inline Tensor ndtr(const Arg& x) { return formulas::ndtr(x); }
/// sin(pi x) / (pi x), and 1 at 0.
inline Tensor sinc(const Arg& x) { return formulas::sinc(x); }
/// a log(b), 0 where a is 0 unless b is NaN. d/da = log(b), 0 where a is 0 and b <= 0 or infinite;
/// d/db = a / b, 0 where a is 0.
inline Tensor xlogy(const Arg& a, const Arg& b) { return formulas::xlogy(a, b); }
/// log(e^a + e^b) without overflow.
inline Tensor logaddexp(const Arg& a, const Arg& b) { return formulas::logaddexp(a, b); }

}  // namespace xtape
