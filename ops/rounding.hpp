// Rounding, remainders, bounds, and questions about single elements. Steps have the slope 0.
#pragma once

#include <optional>
#include <xtape/ops/arithmetic.hpp>

namespace xtape {

namespace formulas {

inline const auto floor = detail::arithmetic({.name = "floor",
                                              .about = "the largest whole number not above x",
                                              .formula = "floor(x)",
                                              .kinks = "-2, -1, 0, 1, 2",
                                              .low = -2.4,
                                              .high = 2.4},
                                             [](auto x) { return xtape::floor(x); });
inline const auto ceil = detail::arithmetic({.name = "ceil",
                                             .about = "the smallest whole number not below x",
                                             .formula = "ceil(x)",
                                             .kinks = "-2, -1, 0, 1, 2",
                                             .low = -2.4,
                                             .high = 2.4},
                                            [](auto x) { return xtape::ceil(x); });
inline const auto round =
    detail::arithmetic({.name = "round",
                        .about = "the nearest whole number, the even one of two",
                        .formula = "round(x)",
                        .kinks = "-1.5, -0.5, 0.5, 1.5",
                        .low = -2.4,
                        .high = 2.4},
                       [](auto x) { return xtape::round(x); });
inline const auto trunc = detail::arithmetic({.name = "trunc",
                                              .about = "the whole part, with the sign of x",
                                              .formula = "trunc(x)",
                                              .kinks = "-2, -1, 1, 2",
                                              .low = -2.4,
                                              .high = 2.4},
                                             [](auto x) { return xtape::trunc(x); });
inline const auto frac = detail::arithmetic({.name = "frac",
                                             .about = "what trunc leaves; slope 1",
                                             .formula = "x - trunc(x)",
                                             .kinks = "-2, -1, 1, 2",
                                             .low = -2.4,
                                             .high = 2.4},
                                            [](auto x) { return x - xtape::trunc(x); });

inline const auto fmod = detail::function({.name = "fmod",
                                           .about = "the remainder with the sign of the dividend",
                                           .formula = "x - trunc(x / y) * y",
                                           .kinks = "y, 2 * y",
                                           .low = 0.5,
                                           .high = 1.4},
                                          [](auto a, auto b) { return xtape::fmod(a, b); });
inline const auto remainder =
    detail::function({.name = "remainder",
                      .about = "the remainder with the sign of the divisor",
                      .formula = "x - floor(x / y) * y",
                      .kinks = "y, 2 * y",
                      .low = 0.5,
                      .high = 1.4},
                     [](auto a, auto b) {
                       const auto rest = xtape::fmod(a, b);
                       return where((rest < 0 && b > 0) || (rest > 0 && b < 0), rest + b, rest);
                     });
inline const auto floor_divide = detail::function(
    {.name = "floor_divide", .about = "the quotient, rounded down; slope 0", .low = 0.5},
    [](auto a, auto b) {  // without the remainder the quotient is whole but for rounding
      const auto rest = xtape::fmod(a, b);
      const auto quotient = xtape::round((a - rest) / b);
      const auto down = (rest < 0 && b > 0) || (rest > 0 && b < 0);
      return where(b == 0, xtape::trunc(a / b), where(down, quotient - 1, quotient));
    });

inline const auto isnan = detail::arithmetic({.name = "isnan", .about = "whether x is NaN"},
                                             [](auto x) { return x != x; });
inline const auto isinf = detail::arithmetic({.name = "isinf", .about = "whether x is infinite"},
                                             [](auto x) { return x == x && x - x != 0; });
inline const auto isfinite =
    detail::arithmetic({.name = "isfinite", .about = "whether x is neither infinite nor NaN"},
                       [](auto x) { return x - x == 0; });
inline const auto signbit =
    detail::arithmetic({.name = "signbit", .about = "whether the sign is minus, also that of zero"},
                       [](auto x) { return xtape::signbit(x); });
inline const auto copysign = detail::function(
    {.name = "copysign",
     .about = "a with the sign of b, also that of a zero; slope 0 at a = 0",
     .formula = "y < 0 ? -abs(x) : 1 / y < 0 ? -abs(x) : abs(x)",
     .kinks = "0"},
    [](auto a, auto b) { return where(xtape::signbit(b), -xtape::abs(a), xtape::abs(a)); });

inline const auto clamp = detail::arithmetic(
    {.name = "clamp",
     .about = "x within bounds; slope 1 at them; the upper one rules",
     .formula = "x < min ? (min < max ? min : max) : x > max ? max : x",
     .kinks = "min, max"},
    [](auto x, auto min, auto max) {
      const auto bound = where(min >= max || x > max, max, min);
      return where(x >= min && x <= max, x, where(x != x, x - x, bound));
    },
    Parameter{"min", -1, -0.5}, Parameter{"max", 1, 1.8});
inline const auto clamp_min = detail::arithmetic(
    {.name = "clamp_min",
     .about = "x, not below a bound; slope 1 at it",
     .formula = "x < min ? min : x",
     .kinks = "min"},
    [](auto x, auto min) { return where(x >= min, x, where(x != x, x - x, min)); },
    Parameter{"min", -1, -0.5});
inline const auto clamp_max = detail::arithmetic(
    {.name = "clamp_max",
     .about = "x, not above a bound; slope 1 at it",
     .formula = "x > max ? max : x",
     .kinks = "max"},
    [](auto x, auto max) { return where(x <= max, x, where(x != x, x - x, max)); },
    Parameter{"max", 1, 1.8});
inline const auto nan_to_num = detail::function(
    {.name = "nan_to_num",
     .about = "x with numbers in place of NaN and infinity; slope 0 there",
     .formula = "x != x ? nan : x > 1e400 ? posinf : x < -1e400 ? neginf : x"},
    [](auto x, auto nan, auto posinf, auto neginf) {
      const auto replaced = where(x != x, nan, where(x > 0, posinf, neginf));
      return where(x - x == 0, x, replaced);
    },
    Parameter{"nan", 0, 0.5}, Parameter{"posinf", std::numeric_limits<float>::max(), 9},
    Parameter{"neginf", std::numeric_limits<float>::lowest(), -7});

}  // namespace formulas

// These leave integers alone.

/// The largest whole number not above x.
inline Tensor floor(const Arg& x) { return formulas::floor(x); }
/// The smallest whole number not below x.
inline Tensor ceil(const Arg& x) { return formulas::ceil(x); }
/// The nearest whole number, the even one of two.
inline Tensor round(const Arg& x) { return formulas::round(x); }
/// The whole part, with the sign of x.
inline Tensor trunc(const Arg& x) { return formulas::trunc(x); }
/// x - trunc(x)
inline Tensor frac(const Arg& x) { return formulas::frac(x); }

/// a - trunc(a / b) b, exactly, with the sign of a. d/da = 1, d/db = -trunc(a / b). Integers give
/// integers. Throws ValueError if an integer is divided by 0, as the two below.
Tensor fmod(const Arg& a, const Arg& b);
/// a - floor(a / b) b with the sign of b, as Python's %. d/da = 1, d/db = -floor(a / b).
Tensor remainder(const Arg& a, const Arg& b);
/// floor(a / b), as Python's //.
Tensor floor_divide(const Arg& a, const Arg& b);

// These give boolean tensors.

inline Tensor isnan(const Arg& x) { return formulas::isnan(x); }
inline Tensor isinf(const Arg& x) { return formulas::isinf(x); }
inline Tensor isfinite(const Arg& x) { return formulas::isfinite(x); }
/// Whether the sign is minus, also that of zero and NaN.
inline Tensor signbit(const Arg& x) { return formulas::signbit(x); }

/// |a| with the sign of b, also that of a zero or NaN. Slope 0 at a = 0 and in b.
inline Tensor copysign(const Arg& a, const Arg& b) { return formulas::copysign(a, b); }

/// min(max(x, min), max), where a bound may be std::nullopt. The slope is 1 from bound to bound,
/// both included, 0 elsewhere and for NaN, which stays NaN. Throws ValueError without any bound.
Tensor clamp(const Arg& x, const std::optional<Arg>& min,
             const std::optional<Arg>& max = std::nullopt);

/// x with numbers in place of NaN, infinity and -infinity; by default 0 and the largest and the
/// lowest number of the element type. The slope is 1 at finite elements, 0 elsewhere.
Tensor nan_to_num(const Arg& x, double nan = 0, std::optional<double> posinf = {},
                  std::optional<double> neginf = {});

}  // namespace xtape
