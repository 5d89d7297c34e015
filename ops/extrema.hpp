// The largest and smallest elements, and where they are. NaN counts as larger and smaller than
// anything. Reducing over no elements throws ShapeError, an axis that is not there IndexError.
#pragma once

#include <optional>
#include <xtape/ops/math.hpp>

namespace xtape {

/// Chosen elements and their int64 indices along an axis: auto [values, indices] = max(x, 1).
struct Selection {
  Tensor values, indices;
};

/// The maximum over axes; ties share the gradient equally.
Tensor amax(const Arg& x, const Dims& dims = {}, bool keepdim = false);
/// The minimum over axes; ties share the gradient equally.
Tensor amin(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// The largest of all elements; ties share the gradient equally.
Tensor max(const Arg& x);
/// The smallest of all elements; ties share the gradient equally.
Tensor min(const Arg& x);
/// The maxima along an axis and the indices of the first of them, which get all of the gradient.
Selection max(const Arg& x, std::int64_t dim, bool keepdim = false);
/// The minima along an axis and the indices of the first of them, which get all of the gradient.
Selection min(const Arg& x, std::int64_t dim, bool keepdim = false);

/// The index of the first maximum along an axis, or in the flattened tensor; int64.
Tensor argmax(const Arg& x, std::optional<std::int64_t> dim = {}, bool keepdim = false);
/// The index of the first minimum along an axis, or in the flattened tensor; int64.
Tensor argmin(const Arg& x, std::optional<std::int64_t> dim = {}, bool keepdim = false);

namespace detail {

/// Records `out` as elements chosen from x: a gradient of shape `folded` goes to all the elements
/// of x that are equal to the one chosen, in equal shares.
Tensor chosen(const char* op, const Location& at, const Tensor& x, const Tensor& out,
              const Shape& folded);

/// The elements at `indices`, which has size 1 along the axis, or `count` if it stays.
Selection selected(const Tensor& x, int axis, const Tensor& indices, const Shape& result);

}  // namespace detail

}  // namespace xtape
