// Picking elements by index tensors, and adding to them. Axes may be negative, counted from the
// right; indices are int64 and, where said, count from the end if negative.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape {

/// out[..., i, ...] = x[..., index[..., i, ...], ...] along axis `dim`; index is int64, has as many
/// axes as x, and is not larger along the others. Negative indices count from the end.
/// Throws IndexError, ShapeError, DTypeError.
Tensor gather(const Arg& x, std::int64_t dim, const Tensor& index);
/// A copy of x with `source` added at `index` along axis `dim`: the transpose of gather(). Throws
/// as gather().
Tensor scatter_add(const Arg& x, std::int64_t dim, const Tensor& index, const Tensor& source);
/// Whole slices of x along axis `dim`, in the order of the 1-d int64 index. Throws as gather().
Tensor index_select(const Arg& x, std::int64_t dim, const Tensor& index);
/// The elements of the flattened x at `index`, int64, in the shape of `index`. Throws as gather().
Tensor take(const Arg& x, const Tensor& index);

namespace formulas {

inline const ArrayOperation gather_record{
    {.name = "gather", .about = "elements picked along an axis"},
    {{"gather(x, 1, index)", {{2, 4}}, [](auto& in) {
        return xtape::gather(in[0], 1, Tensor({{3, 0, 3}, {1, 2, 1}}, int64));
      }}}};
inline const ArrayOperation scatter_add_record{
    {.name = "scatter_add", .about = "elements added at picked places"},
    {{"scatter_add(x, 1, index, y)", {{2, 4}, {2, 3}}, [](auto& in) {
        return xtape::scatter_add(in[0], 1, Tensor({{3, 0, 3}, {1, 2, 1}}, int64), in[1]);
      }}}};
inline const ArrayOperation index_select_record{
    {.name = "index_select", .about = "slices picked along an axis"},
    {{"index_select(x, 0, index)", {{4, 3}}, [](auto& in) {
        return xtape::index_select(in[0], 0, Tensor({2, 0, 2}, int64));
      }}}};
inline const ArrayOperation take_record{
    {.name = "take", .about = "elements picked from the flattened tensor"},
    {{"take(x, index)", {{2, 3}}, [](auto& in) {
        return xtape::take(in[0], Tensor({{5, 0}, {-1, 2}}, int64));
      }}}};

}  // namespace formulas

}  // namespace xtape
