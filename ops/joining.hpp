// Putting tensors together and repeating them. Lists of tensors are written {a, b} or come from a
// vector, an array or a span.
#pragma once

#include <optional>
#include <xtape/ops/builtin.hpp>

namespace xtape {

/// Tensors side by side along an existing axis, in the element type that they promote to; tensors
/// of shape [0] are left out, as in PyTorch. Throws ShapeError if the other sizes differ,
/// IndexError for the axis, ValueError for no tensors.
Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim = 0, Location where = {});
Tensor cat(std::span<const Tensor> tensors, std::int64_t dim = 0, Location where = {});
/// Tensors of one shape along a new axis, in the element type that they promote to. Throws as
/// cat().
Tensor stack(std::initializer_list<Tensor> tensors, std::int64_t dim = 0, Location where = {});
Tensor stack(std::span<const Tensor> tensors, std::int64_t dim = 0, Location where = {});

/// Elements moved by shifts[i] places along dims[i]; what leaves at one end enters at the other.
/// Without axes the flattened elements are moved. Throws IndexError for a bad axis and ValueError
/// if there are not as many shifts as axes.
Tensor roll(const Arg& x, const Dims& shifts, const Dims& dims = {});
/// x repeated reps[i] times along axis i, counted from the right: NumPy's tile, for which missing
/// repeats and missing axes are 1. Throws ValueError for a negative number.
Tensor tile(const Arg& x, const Dims& reps);
/// Each slice along an axis repeated in place: NumPy's repeat. Without an axis x is flattened.
/// `repeats` is a number or a 1-d int64 tensor with one for each slice. Throws IndexError for the
/// axis, ValueError for a negative number, ShapeError and DTypeError for a bad tensor.
Tensor repeat_interleave(const Arg& x, const Arg& repeats, std::optional<std::int64_t> dim = {});
/// From n 1-d tensors, n tensors with n axes; element (i, j, ...) of the first is x_i, of the
/// second y_j (PyTorch's and NumPy's indexing "ij"). Throws ShapeError if one is not 1-d.
std::vector<Tensor> meshgrid(std::initializer_list<Tensor> tensors, Location where = {});
std::vector<Tensor> meshgrid(std::span<const Tensor> tensors, Location where = {});

}  // namespace xtape
