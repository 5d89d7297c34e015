// Tensors looked at one element at a time, for tests that say where each element comes from.
#pragma once

#include "../check.hpp"

namespace check {

using Numbers = std::vector<double>;
using Place = std::vector<std::int64_t>;

/// 0, 1, 2, ... in a shape.
inline Tensor counted(const Shape& shape, DType dtype = float64) {
  return reshape(arange(static_cast<double>(shape.numel()), dtype), shape);
}

/// The element of x at a place.
inline double element(const Tensor& x, const Place& place) {
  std::int64_t flat = 0;
  for (int axis = 0; axis < x.rank(); ++axis)
    flat = flat * x.shape()[axis] + place[static_cast<std::size_t>(axis)];
  return numbers(x)[static_cast<std::size_t>(flat)];
}

/// Whether x has the shape, and at each place the element that `expected` names.
inline bool matches(const Tensor& x, const Shape& shape,
                    const std::function<double(const Place&)>& expected) {
  if (x.shape() != shape) return false;
  const Numbers got = numbers(x);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    Place place(static_cast<std::size_t>(shape.rank()));
    std::int64_t rest = i;
    for (int axis = shape.rank() - 1; axis >= 0; rest /= shape[axis--])
      place[static_cast<std::size_t>(axis)] = rest % shape[axis];
    if (!same(got[static_cast<std::size_t>(i)], expected(place))) return false;
  }
  return true;
}

/// Checks the slopes of functions of first and second order at some points.
inline void check_slopes(const std::vector<Function>& functions,
                         const std::vector<Tensor>& points) {
  for (std::size_t i = 0; i < functions.size(); ++i) {
    CAPTURE(i);
    CHECK(slope_error(functions[i], points) < 1e-7);
    CHECK(slope_error(functions[i], points, true) < 1e-7);
    CHECK(curvature_error(functions[i], points) < 1e-6);
  }
}

}  // namespace check
