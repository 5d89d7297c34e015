// The formulas of which reductions and interpolation consist; users call what is made of them.
#pragma once

#include <xtape/ops/math.hpp>

namespace xtape::formulas {

inline const auto tie =
    detail::function({.name = "tie",
                      .about = "1 where a = b or both are NaN, else 0",
                      .formula = "x == y ? 1 : x == x ? 0 : y == y ? 0 : 1",
                      .kinks = "y"},
                     [](auto a, auto b) { return where(a == b || (a != a && b != b), 1.0, 0.0); });

inline const auto exp_share = detail::function(
    {.name = "exp_share", .about = "g e^(a - m - b), 0 where b is -infinity: a share of a softmax"},
    detail::by_rows<0b1101, Into::store>([](auto g, auto a, auto m, auto b) {
      return where(b == -std::numeric_limits<double>::infinity(), 0.0,
                   xtape::weigh(g, xtape::exp(a - m - b)));
    }));

inline const auto line = detail::function(
    {.name = "line", .about = "(x - y) z + w, what two moments give back to x"},
    detail::by_rows<0b1110, Into::store>([](auto x, auto mean, auto slope, auto constant) {
      return (x - mean) * slope + constant;
    }));

inline const auto squared_difference =
    detail::arithmetic({.name = "squared_difference",
                        .about = "the square of the difference",
                        .formula = "(x - y) * (x - y)"},
                       detail::by_rows<0b10, Into::one>([](auto a, auto b) {
                         const auto d = a - b;
                         return d * d;
                       }));
inline const auto root =
    detail::function({.name = "root",
                      .about = "a^q, the last step of a norm; slope 0 at 0 for q > 0",
                      .formula = "pow(x, y)",
                      .low = 0.1},
                     [](auto a, auto q) { return where(a == 0 && q > 0, 0.0, xtape::pow(a, q)); });
inline const auto square_root =
    detail::function({.name = "square_root",
                      .about = "the square root; slope 0 at 0",
                      .formula = "sqrt(x)",
                      .low = 0.05},
                     [](auto a) { return where(a == 0, 0.0, xtape::sqrt(a)); });
inline const auto magnitude_power = detail::function(
    {.name = "magnitude_power",
     .about = "|a|^p, a term of a norm; slope 0 at 0 for p > 0",
     .formula = "pow(abs(x), y)",
     .low = 0.1},
    [](auto a, auto p) { return where(a == 0 && p > 0, 0.0, xtape::pow(xtape::abs(a), p)); });
inline const auto nonzero =
    detail::function({.name = "nonzero", .about = "1 unless a is 0", .formula = "x != 0 ? 1 : 0"},
                     [](auto a) { return where(a != 0, 1.0, 0.0); });

inline const auto corner = detail::function(
    {.name = "corner",
     .about = "the share of one corner of a cell",
     .formula = "x != 0 ? y * z : 0",
     .kinks = "0"},
    [](auto inside, auto weight, auto value) { return where(inside != 0, weight * value, 0); });
inline const auto within = detail::function(
    {.name = "within",
     .about = "x between 0 and a bound, with slope 0 at both",
     .formula = "x > 0 ? (x < y ? x : y) : 0",
     .kinks = "0, y",
     .low = 0.1},
    [](auto x, auto bound) { return where(x > 0, where(x < bound, x, bound), 0); });

}  // namespace xtape::formulas
