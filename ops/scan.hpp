// Running totals along an axis. Axes may be negative, counted from the right; one that is not there
// throws IndexError. Integers and booleans give int64.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape {

/// The sums of the elements up to and with each one: y_i = y_(i-1) + x_i.
Tensor cumsum(const Arg& x, std::int64_t dim);

/// The products of the elements up to and with each one: y_i = y_(i-1) x_i. The gradient is exact,
/// to any order, where elements are 0.
Tensor cumprod(const Arg& x, std::int64_t dim);

/// The state before each element of s_i = a_i s_(i-1) + b_i, which begins with `start`; without b
/// that is the product of the elements before. In reverse the elements are visited from the end.
/// Throws ShapeError unless a and b have one shape, DTypeError unless both have one floating type.
Tensor recurrence(const Arg& a, const Tensor& b, std::int64_t dim, double start = 0,
                  bool reverse = false);

namespace formulas {

inline const ArrayOperation cumsum_record{
    {.name = "cumsum", .about = "running sums along an axis", .formula = "sum_(j <= i) x_j"},
    {{"cumsum(x, 1)", {{2, 4}}, [](auto& in) { return xtape::cumsum(in[0], 1); }},
     {"cumsum(x, 0)", {{3, 2}}, [](auto& in) { return xtape::cumsum(in[0], 0); }}}};
inline const ArrayOperation cumprod_record{
    {.name = "cumprod", .about = "running products along an axis", .formula = "prod_(j <= i) x_j"},
    {{"cumprod(x, -1)", {{2, 4}}, [](auto& in) { return xtape::cumprod(in[0], -1); }},
     {"cumprod(x * {0, 1, 0}, -1)", {{2, 3}}, [](auto& in) {
        return xtape::cumprod(in[0] * Tensor({0, 1, 0}, float64), -1);
      }}}};
inline const ArrayOperation recurrence_record{
    {.name = "recurrence",
     .about = "the states of a linear recurrence along an axis",
     .formula = "s_i = a_i s_(i-1) + b_i"},
    {{"recurrence(a, b, 0)",
      {{4, 2}, {4, 2}},
      [](auto& in) { return xtape::recurrence(in[0], in[1], 0); }},
     {"recurrence(a, b, 1, 0.5, true)",
      {{2, 3}, {2, 3}},
      [](auto& in) { return xtape::recurrence(in[0], in[1], 1, 0.5, true); }},
     {"recurrence(a, {}, 0, 1)", {{4}}, [](auto& in) {
        return xtape::recurrence(in[0], {}, 0, 1);
      }}}};

}  // namespace formulas

}  // namespace xtape
