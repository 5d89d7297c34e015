// Spread and size: variances, standard deviations and norms over axes, made from sums of formulas.
// Axes as in reduce.hpp. All throw IndexError for a bad axis and DTypeError for integers.
#pragma once

#include <xtape/ops/math.hpp>

namespace xtape {

/// sum((x - mean)^2) / (n - correction) over axes, in two passes. NaN where n - correction <= 0.
Tensor var(const Arg& x, const Dims& dims = {}, std::int64_t correction = 1, bool keepdim = false);

/// The square root of var(), with slope 0 where it is 0. PyTorch's std, which is not a name for a
/// function beside the namespace.
Tensor stddev(const Arg& x, const Dims& dims = {}, std::int64_t correction = 1,
              bool keepdim = false);

/// (sum |x|^p)^(1/p) over axes; the number of nonzeros for p = 0, max |x| for p = infinity, min |x|
/// for p = -infinity. The slope is 0 where the norm is 0. Nothing overflows or underflows on the
/// way: elements are scaled where their powers would.
Tensor norm(const Arg& x, double p = 2, const Dims& dims = {}, bool keepdim = false);

namespace formulas {

inline const auto squared_difference = detail::arithmetic({.name = "squared_difference",
                                                           .about = "the square of the difference",
                                                           .formula = "(x - y) * (x - y)"},
                                                          [](auto a, auto b) {
                                                            const auto d = a - b;
                                                            return d * d;
                                                          });
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

}  // namespace formulas

}  // namespace xtape
