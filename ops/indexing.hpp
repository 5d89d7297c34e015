// Picking elements by index tensors, and writing or adding to picked places. Axes may be negative,
// counted from the right; indices are int64 and, but for take(), not negative, as in PyTorch.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape {

/// out[..., i, ...] = x[..., index[..., i, ...], ...] along axis `dim`; index is int64, has as many
/// axes as x, and is not larger along the others. Throws IndexError, ShapeError, DTypeError.
Tensor gather(const Arg& x, std::int64_t dim, const Tensor& index);
/// A copy of x with `source` added at `index` along axis `dim`: the transpose of gather(). Throws
/// as gather(). Here and in scatter() the source may be larger than the index; its beginning
/// counts.
Tensor scatter_add(const Arg& x, std::int64_t dim, const Tensor& index, const Tensor& source);
/// A copy of x with `source`, a number or a tensor of the shape of the index, written at `index`
/// along axis `dim`. Of several elements written to one place the last stays and gets the gradient.
/// Throws as gather().
Tensor scatter(const Arg& x, std::int64_t dim, const Tensor& index, const Arg& source);
/// Whole slices of x along axis `dim`, in the order of the 1-d index. Throws as gather().
Tensor index_select(const Arg& x, std::int64_t dim, const Tensor& index);
/// A copy of x with the slices of `source` added to those that the 1-d index names along axis
/// `dim`: the transpose of index_select(). Throws as gather().
Tensor index_add(const Arg& x, std::int64_t dim, const Tensor& index, const Tensor& source);
/// The elements of the flattened x at `index`, in the shape of `index`; negative indices count from
/// the end. Throws as gather().
Tensor take(const Arg& x, const Tensor& index);

/// The elements of x where the boolean mask is true, 1-d and in row-major order; x and mask
/// broadcast. Throws DTypeError for a mask of another type, ShapeError if they do not broadcast.
Tensor masked_select(const Arg& x, const Tensor& mask);
/// The indices of the elements that are not 0, in row-major order: int64 [count, axes of x].
Tensor nonzero(const Arg& x);
/// For each class 0 ... classes - 1 of an int64 tensor a new last axis with 1 there and 0
/// elsewhere, int64. With -1 classes there is one more than the largest. Throws DTypeError,
/// ValueError for a bad number of classes, IndexError for a class outside.
Tensor one_hot(const Tensor& index, std::int64_t classes = -1, Location where = {});

}  // namespace xtape
