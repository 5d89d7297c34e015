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

namespace formulas {

inline const auto exp_share = detail::function(
    {.name = "exp_share", .about = "g e^(a - m - b), 0 where b is -infinity: a share of a softmax"},
    [](auto g, auto a, auto m, auto b) {
      return where(b == -std::numeric_limits<double>::infinity(), 0.0,
                   xtape::weigh(g, xtape::exp(a - m - b)));
    });

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
inline const ArrayOperation prod_record{
    {.name = "prod", .about = "the product over axes", .formula = "prod_i x_i"},
    {{"prod(x)", {{2, 3}}, [](auto& in) { return xtape::prod(in[0]); }},
     {"prod(x * {0, 1, 0}, 1)",
      {{2, 3}},
      [](auto& in) {
        return xtape::prod(in[0] * Tensor({0, 1, 0}, float64), 1);
      }},
     {"prod(x, {0, 2})", {{2, 3, 2}}, [](auto& in) {
        return xtape::prod(in[0], {0, 2});
      }}}};
inline const ArrayOperation logsumexp_record{
    {.name = "logsumexp",
     .about = "the logarithm of a sum of exponentials",
     .formula = "log(sum_i exp(x_i))"},
    {{"logsumexp(x, 1)", {{3, 4}}, [](auto& in) { return xtape::logsumexp(in[0], 1); }},
     {"logsumexp(x, {0, 2}, true)", {{2, 3, 2}}, [](auto& in) {
        return xtape::logsumexp(in[0], {0, 2}, true);
      }}}};
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
