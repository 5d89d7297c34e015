// Trigonometric and hyperbolic functions and their inverses. Integers are taken as float32.
#pragma once

#include <xtape/ops/math.hpp>

namespace xtape {

namespace formulas {

inline const auto sin = detail::function({.name = "sin", .about = "the sine", .formula = "sin(x)"},
                                         [](auto x) { return xtape::sin(x); });
inline const auto cos =
    detail::function({.name = "cos", .about = "the cosine", .formula = "cos(x)"},
                     [](auto x) { return xtape::cos(x); });
inline const auto tan = detail::function_keeping<Entry::Kind::function, Keeps::result>(
    {.name = "tan", .about = "the tangent", .formula = "tan(x)", .low = -1.4, .high = 1.4},
    [](auto x) { return xtape::tan(x); });
inline const auto asin = detail::function(
    {.name = "asin", .about = "the inverse of sin", .formula = "asin(x)", .low = -0.8, .high = 0.8},
    [](auto x) { return xtape::asin(x); });
inline const auto acos = detail::function(
    {.name = "acos", .about = "the inverse of cos", .formula = "acos(x)", .low = -0.8, .high = 0.8},
    [](auto x) { return xtape::acos(x); });
inline const auto atan =
    detail::function({.name = "atan", .about = "the inverse of tan", .formula = "atan(x)"},
                     [](auto x) { return xtape::atan(x); });
inline const auto sinh =
    detail::function({.name = "sinh", .about = "the hyperbolic sine", .formula = "sinh(x)"},
                     [](auto x) { return xtape::sinh(x); });
inline const auto cosh =
    detail::function({.name = "cosh", .about = "the hyperbolic cosine", .formula = "cosh(x)"},
                     [](auto x) { return xtape::cosh(x); });
inline const auto asinh =
    detail::function({.name = "asinh", .about = "the inverse of sinh", .formula = "asinh(x)"},
                     [](auto x) { return xtape::asinh(x); });
inline const auto acosh = detail::function(
    {.name = "acosh", .about = "the inverse of cosh", .formula = "acosh(x)", .low = 1.1, .high = 4},
    [](auto x) { return xtape::acosh(x); });
inline const auto atanh = detail::function({.name = "atanh",
                                            .about = "the inverse of tanh",
                                            .formula = "atanh(x)",
                                            .low = -0.8,
                                            .high = 0.8},
                                           [](auto x) { return xtape::atanh(x); });
inline const auto atan2 = detail::function({.name = "atan2",
                                            .about = "the angle of the point (y, x)",
                                            .formula = "atan2(x, y)",
                                            .low = 0.2},
                                           [](auto a, auto b) { return xtape::atan2(a, b); });
inline const auto hypot = detail::function(
    {.name = "hypot",
     .about = "the length of (a, b)",
     .formula = "abs(x) > 1e400 ? abs(x) : abs(y) > 1e400 ? abs(y) : sqrt(x * x + y * y)",
     .low = 0.2},
    [](auto a, auto b) { return xtape::hypot(a, b); });

}  // namespace formulas

inline Tensor sin(const Arg& x) { return formulas::sin(x); }
inline Tensor cos(const Arg& x) { return formulas::cos(x); }
inline Tensor tan(const Arg& x) { return formulas::tan(x); }
/// The angle from -pi/2 to pi/2 with this sine.
inline Tensor asin(const Arg& x) { return formulas::asin(x); }
/// The angle from 0 to pi with this cosine.
inline Tensor acos(const Arg& x) { return formulas::acos(x); }
/// The angle from -pi/2 to pi/2 with this tangent.
inline Tensor atan(const Arg& x) { return formulas::atan(x); }
inline Tensor sinh(const Arg& x) { return formulas::sinh(x); }
inline Tensor cosh(const Arg& x) { return formulas::cosh(x); }
inline Tensor asinh(const Arg& x) { return formulas::asinh(x); }
/// The inverse of cosh for x >= 0.
inline Tensor acosh(const Arg& x) { return formulas::acosh(x); }
inline Tensor atanh(const Arg& x) { return formulas::atanh(x); }
/// The angle of the point (x, y), from -pi to pi. d/dy = x / (x^2 + y^2), d/dx = -y / (x^2 + y^2);
/// both are 0 at (0, 0).
inline Tensor atan2(const Arg& y, const Arg& x) { return formulas::atan2(y, x); }
/// sqrt(a^2 + b^2) without overflow. The slopes at (0, 0) are 0.
inline Tensor hypot(const Arg& a, const Arg& b) { return formulas::hypot(a, b); }

}  // namespace xtape
