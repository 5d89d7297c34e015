// Rearranging elements without computing anything. reshape, flatten, squeeze and unsqueeze share
// the memory of their argument; all others copy. Axes may be negative, counted from the right.
// Cutting and joining are of this kind, too, and have headers of their own.
#pragma once

#include <xtape/ops/builtin.hpp>
#include <xtape/ops/joining.hpp>
#include <xtape/ops/slicing.hpp>

namespace xtape {

/// The same elements, row-major, under another shape; one size may be -1 and is worked out. Shares
/// memory. Throws ShapeError if the number of elements does not fit.
Tensor reshape(const Arg& x, std::initializer_list<std::int64_t> sizes);
Tensor reshape(const Arg& x, std::span<const std::int64_t> sizes);
Tensor reshape(const Arg& x, const Shape& shape);
/// Axes first..last as one. Shares memory. Throws IndexError.
Tensor flatten(const Arg& x, std::int64_t first = 0, std::int64_t last = -1);
/// A new axis of size 1 before axis `dim`. Shares memory. Throws IndexError.
Tensor unsqueeze(const Arg& x, std::int64_t dim);
/// Without axis `dim` if its size is 1. Shares memory. Throws IndexError.
Tensor squeeze(const Arg& x, std::int64_t dim);
/// Without all axes of size 1. Shares memory.
Tensor squeeze(const Arg& x);

/// Output axis j is input axis dims[j]. Throws IndexError unless dims names every axis once.
Tensor permute(const Arg& x, const Dims& dims);
/// Two axes exchanged. Throws IndexError.
Tensor transpose(const Arg& x, std::int64_t dim0 = -2, std::int64_t dim1 = -1);
/// Axis source[i] goes to place destination[i]; the others keep their order. Throws IndexError for
/// a bad or repeated axis and ValueError for lists of different lengths.
Tensor movedim(const Arg& x, const Dims& source, const Dims& destination);

}  // namespace xtape
