// Reductions. Axes count from the left, or from the right if negative; none means all. With
// keepdim the reduced axes stay with size 1. The sum of a formula, formula.sum(dims, x, ...), needs
// no temporary; see elementwise.hpp.
#pragma once

#include <xtape/ops/math.hpp>

namespace xtape {

/// The sum over axes, 0 over no elements. Integers and booleans are summed as int64.
/// Throws IndexError for an axis that is not there or named twice.
Tensor sum(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// The mean over axes, NaN over no elements. Throws IndexError, and DTypeError for integers.
Tensor mean(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// The maximum over axes; NaN wins; ties share the gradient equally.
/// Throws IndexError for a bad axis and ShapeError over no elements.
Tensor amax(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// The minimum over axes; NaN wins; ties share the gradient equally. Throws as amax().
Tensor amin(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// The index of the first maximum along an axis, int64. Throws IndexError, ShapeError if empty.
Tensor argmax(const Arg& x, std::int64_t dim, bool keepdim = false);

/// log(sum(exp(x))) over axes, computed as log(sum(exp(x - m))) + m with the maximum m.
/// The slope is 0 where all of x is -infinity, as in PyTorch. Throws as amax().
Tensor logsumexp(const Arg& x, const Dims& dims = {}, bool keepdim = false);

/// The sum over all axes that `shape` does not have or has with size 1: the transpose of
/// broadcast_to. Integers and booleans are summed as int64. Throws ShapeError if `shape` does not
/// broadcast to the shape of x.
Tensor sum_to(const Arg& x, const Shape& shape);

/// x repeated to `shape` by NumPy's rule. Throws ShapeError if it does not broadcast to it.
Tensor broadcast_to(const Arg& x, const Shape& shape);

namespace formulas {

inline const ArrayOperation sum_record{
    {.name = "sum", .about = "the sum over axes", .formula = "sum_i x_i"},
    {{"sum(x)", {{3, 4}}, [](auto& in) { return xtape::sum(in[0]); }},
     {"sum(x, 1)", {{2, 3, 4}}, [](auto& in) { return xtape::sum(in[0], 1); }},
     {"sum(x, {0, 2}, true)", {{2, 3, 4}}, [](auto& in) {
        return xtape::sum(in[0], {0, 2}, true);
      }}}};
inline const ArrayOperation mean_record{
    {.name = "mean", .about = "the mean over axes", .formula = "sum_i x_i / n"},
    {{"mean(x)", {{3, 4}}, [](auto& in) { return xtape::mean(in[0]); }},
     {"mean(x, -1, true)", {{3, 5}}, [](auto& in) { return xtape::mean(in[0], -1, true); }}}};
inline const ArrayOperation amax_record{
    {.name = "amax", .about = "the maximum over axes; ties share the gradient"},
    {{"amax(x)", {{3, 4}}, [](auto& in) { return xtape::amax(in[0]); }},
     {"amax(x, 0)", {{3, 4}}, [](auto& in) { return xtape::amax(in[0], 0); }}}};
inline const ArrayOperation amin_record{
    {.name = "amin", .about = "the minimum over axes; ties share the gradient"},
    {{"amin(x, {0, 1})", {{3, 4, 2}}, [](auto& in) {
        return xtape::amin(in[0], {0, 1});
      }}}};
inline const ArrayOperation logsumexp_record{
    {.name = "logsumexp",
     .about = "the logarithm of a sum of exponentials",
     .formula = "log(sum_i exp(x_i))"},
    {{"logsumexp(x, 1)", {{3, 4}}, [](auto& in) { return xtape::logsumexp(in[0], 1); }}}};
inline const ArrayOperation sum_to_record{
    {.name = "sum_to", .about = "the sum over the axes that a smaller shape does not have"},
    {{"sum_to(x, {3, 1})", {{2, 3, 4}}, [](auto& in) {
        return xtape::sum_to(in[0], {3, 1});
      }}}};
inline const ArrayOperation broadcast_to_record{
    {.name = "broadcast_to", .about = "x repeated to a larger shape"},
    {{"broadcast_to(x, {2, 3, 4})", {{3, 1}}, [](auto& in) {
        return xtape::broadcast_to(in[0], {2, 3, 4});
      }}}};

}  // namespace formulas

}  // namespace xtape
