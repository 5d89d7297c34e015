// The mean and the variance together, which is what normalisations begin with.
#pragma once

#include <xtape/ops/math.hpp>

namespace xtape {

struct Moments {
  Tensor mean, var;
};
/// The mean and the biased variance sum((x - mean)^2) / n over axes, which stay with size 1; NaN
/// over no elements. Both gradients take one pass over x. Throws IndexError, and DTypeError for
/// integers.
Moments moments(const Arg& x, const Dims& dims = {});

namespace formulas {

inline const auto line = detail::function(
    {.name = "line", .about = "(x - y) z + w, what two moments give back to x"},
    [](auto x, auto mean, auto slope, auto constant) { return (x - mean) * slope + constant; });

inline const ArrayOperation moments_record{{.name = "moments",
                                            .about = "the mean and the variance over axes",
                                            .formula = "sum_i x_i / n, sum_i (x_i - mean)^2 / n"},
                                           {{"moments(x, 0)",
                                             {{4, 3}},
                                             [](auto& in) {
                                               const Moments both = xtape::moments(in[0], 0);
                                               return both.mean + 2 * both.var;
                                             }},
                                            {"moments(x, {0, 2}).var", {{2, 3, 4}}, [](auto& in) {
                                               return xtape::moments(in[0], {0, 2}).var;
                                             }}}};

}  // namespace formulas

}  // namespace xtape
