#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/comparing.hpp>

namespace xtape {

namespace {

// A constant in an element type in which differences of integers and of fractions exist.
Tensor floating(const Arg& argument) {
  const Tensor x = argument.is_tensor() ? argument.tensor().detach(argument.where())
                                        : argument.as_tensor(float64);
  return is_floating(x.dtype()) ? x : cast(x, float64);
}

bool all_true(const Tensor& x) {
  const bool* const elements = x.value()->as<bool>();
  return std::all_of(elements, elements + x.numel(), [](bool each) { return each; });
}

}  // namespace

Tensor isclose(const Arg& first, const Arg& second, double rtol, double atol, bool equal_nan) {
  const Caller caller(first.where());
  if (!(rtol >= 0 && atol >= 0))
    raise<ValueError>(first.where(), "isclose", fmt::format("rtol is {}, atol {}", rtol, atol));
  const Tensor a = floating(first), b = floating(second);
  const Tensor apart = abs(a - b);
  const Tensor near = apart <= atol + rtol * abs(b);
  const Tensor close =
      a == b || (near && apart < std::numeric_limits<double>::infinity());  // not inf <= inf
  return equal_nan ? close || (a != a && b != b) : close;
}

bool allclose(const Arg& a, const Arg& b, double rtol, double atol, bool equal_nan) {
  return all_true(isclose(a, b, rtol, atol, equal_nan));
}

bool equal(const Arg& a, const Arg& b) {
  const Caller caller(a.where());
  if (a.as_tensor(float64).shape() != b.as_tensor(float64).shape()) return false;
  return all_true(a == b);
}

}  // namespace xtape
