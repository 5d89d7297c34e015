// Reductions. Axes count from the left, or from the right if negative; none means all. With
// keepdim the reduced axes stay with size 1. The sum of a formula, formula.sum(dims, x, ...), needs
// no temporary; see elementwise.hpp. An axis that is not there or named twice throws IndexError.
#pragma once

#include <xtape/ops/extrema.hpp>

namespace xtape {

/// The sum over axes, 0 over no elements. Integers and booleans are summed as int64.
Tensor sum(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// The mean over axes, NaN over no elements. Throws DTypeError for integers.
Tensor mean(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// The product over axes, 1 over no elements. Integers and booleans are multiplied as int64. The
/// gradient is exact, to any order, where elements are 0.
Tensor prod(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// log(sum(exp(x))) over axes, -infinity over no elements. With the maximum m it is computed as
/// m + log1p(sum of all exp(x - m) but one that is 1), which keeps what is far below the maximum.
/// The slope is 0 where all of x is -infinity, as in PyTorch.
Tensor logsumexp(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// Whether any element is not 0; NaN is not. Boolean; false over no elements. With <any> and
/// `using namespace std` it is called xtape::any.
Tensor any(const Arg& x, const Dims& dims = {}, bool keepdim = false);
/// Whether no element is 0. Boolean; true over no elements.
Tensor all(const Arg& x, const Dims& dims = {}, bool keepdim = false);
/// How many elements are not 0; int64.
Tensor count_nonzero(const Arg& x, const Dims& dims = {});

/// The sum over all axes that `shape` does not have or has with size 1: the transpose of
/// broadcast_to. Integers and booleans are summed as int64. Throws ShapeError if `shape` does not
/// broadcast to the shape of x.
Tensor sum_to(const Arg& x, const Shape& shape);

/// x repeated to `shape` by NumPy's rule. Throws ShapeError if it does not broadcast to it.
Tensor broadcast_to(const Arg& x, const Shape& shape);

}  // namespace xtape
