// Elements in order of size along an axis. NaN counts as larger than anything. What moves carries
// its gradient with it. An axis that is not there throws IndexError.
#pragma once

#include <xtape/ops/extrema.hpp>

namespace xtape {

/// The elements along an axis in ascending or descending order and their indices; equal elements
/// keep theirs.
Selection sort(const Arg& x, std::int64_t dim = -1, bool descending = false);

/// The indices of sort().
Tensor argsort(const Arg& x, std::int64_t dim = -1, bool descending = false);

/// The k largest (or smallest) elements along an axis in order, and their indices; among equal ones
/// the first. Throws ShapeError unless 0 <= k <= the size of the axis.
Selection topk(const Arg& x, std::int64_t k, std::int64_t dim = -1, bool largest = true);

/// The lower median of all elements, NaN if one is; ties share the gradient equally. Throws
/// ShapeError for no elements.
Tensor median(const Arg& x);
/// The lower medians along an axis, NaN where there is one, and their indices. Throws ShapeError
/// for no elements.
Selection median(const Arg& x, std::int64_t dim, bool keepdim = false);

}  // namespace xtape
