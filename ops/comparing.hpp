// Whether tensors hold the same numbers, exactly or nearly.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape {

/// Element by element, whether |a - b| <= atol + rtol |b|; an infinity is close to itself only, NaN
/// to NaN only if `equal_nan`. Integers are compared as float64. Throws ShapeError if they do not
/// broadcast, ValueError for a negative rtol or atol.
Tensor isclose(const Arg& a, const Arg& b, double rtol = 1e-5, double atol = 1e-8,
               bool equal_nan = false);
/// Whether all elements are close. Throws as isclose().
bool allclose(const Arg& a, const Arg& b, double rtol = 1e-5, double atol = 1e-8,
              bool equal_nan = false);
/// Whether shapes and all elements are equal; NaN equals nothing.
bool equal(const Arg& a, const Arg& b);

}  // namespace xtape
