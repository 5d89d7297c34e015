// Rearranging elements without computing anything. reshape, flatten, squeeze and unsqueeze share
// the memory of their argument; all others copy. Axes may be negative, counted from the right.
#pragma once

#include <optional>
#include <xtape/ops/builtin.hpp>

namespace xtape {

/// The same elements, row-major, under another shape; one size may be -1 and is worked out. Shares
/// memory. Throws ShapeError if the number of elements does not fit.
Tensor reshape(const Arg& x, std::initializer_list<std::int64_t> sizes);
Tensor reshape(const Arg& x, const Shape& shape);
/// Axes first..last as one. Shares memory. Throws IndexError.
Tensor flatten(const Arg& x, std::int64_t first = 0, std::int64_t last = -1);
/// A new axis of size 1 before axis `dim`. Shares memory. Throws IndexError.
Tensor unsqueeze(const Arg& x, std::int64_t dim);
/// Without axis `dim` if its size is 1. Shares memory. Throws IndexError.
Tensor squeeze(const Arg& x, std::int64_t dim);

/// Output axis j is input axis dims[j]. Throws IndexError unless dims names every axis once.
Tensor permute(const Arg& x, const std::vector<std::int64_t>& dims);
/// Two axes exchanged. Throws IndexError.
Tensor transpose(const Arg& x, std::int64_t dim0 = -2, std::int64_t dim1 = -1);

/// Indices start, start + step, ... before stop along an axis, with Python's rules for negative and
/// missing values and for the bounds.
struct Range {
  std::optional<std::int64_t> start{}, stop{};
  std::int64_t step = 1;
};
/// The elements in `range` along axis `dim`: slice(x, 0, {.start = 2, .stop = 5}).
/// Throws IndexError for the axis and ValueError for a step of 0.
Tensor slice(const Arg& x, std::int64_t dim, const Range& range);

/// Tensors side by side along an existing axis. Throws ShapeError if the other sizes differ,
/// DTypeError if the element types do, ValueError for no tensors.
Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim = 0, Location where = {});
/// Tensors of one shape along a new axis. Throws as cat().
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim = 0, Location where = {});

namespace formulas {

inline const ArrayOperation reshape_record{
    {.name = "reshape", .about = "the same elements under another shape"},
    {{"reshape(x, {4, -1})", {{2, 6}}, [](auto& in) {
        return xtape::reshape(in[0], {4, -1});
      }}}};
inline const ArrayOperation permute_record{
    {.name = "permute", .about = "the axes in another order"},
    {{"permute(x, {2, 0, 1})",
      {{2, 3, 4}},
      [](auto& in) {
        return xtape::permute(in[0], {2, 0, 1});
      }},
     {"transpose(x)", {{3, 5}}, [](auto& in) { return xtape::transpose(in[0]); }}}};
inline const ArrayOperation slice_record{
    {.name = "slice", .about = "a range of indices along an axis"},
    {{"slice(x, 1, {.start = 1, .step = 2})",
      {{3, 6}},
      [](auto& in) { return xtape::slice(in[0], 1, {.start = 1, .stop = {}, .step = 2}); }},
     {"slice(x, 0, {.step = -1})", {{4, 2}}, [](auto& in) {
        return xtape::slice(in[0], 0, {.start = {}, .stop = {}, .step = -1});
      }}}};
inline const ArrayOperation cat_record{{.name = "cat", .about = "tensors side by side"},
                                       {{"cat({x, y}, 1)", {{3, 2}, {3, 4}}, [](auto& in) {
                                           return xtape::cat({in[0], in[1]}, 1);
                                         }}}};
inline const ArrayOperation stack_record{{.name = "stack", .about = "tensors along a new axis"},
                                         {{"stack({x, y})", {{3, 2}, {3, 2}}, [](auto& in) {
                                             return xtape::stack({in[0], in[1]});
                                           }}}};
}  // namespace formulas

}  // namespace xtape
