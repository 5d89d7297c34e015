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

}  // namespace xtape
