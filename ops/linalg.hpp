// Matrix products on BLAS.
#pragma once

#include <optional>
#include <xtape/ops/builtin.hpp>

namespace xtape {

/// NumPy's a @ b: the product of matrices [m, k] and [k, n], of stacks of them whose leading axes
/// broadcast, and with 1-d arguments taken as a row on the left and a column on the right.
/// Throws ShapeError if the inner sizes differ or an argument is 0-d, DTypeError for integers or
/// different element types.
Tensor matmul(const Arg& a, const Arg& b);

/// x W^T + b: x is [..., in], weight [out, in], bias [out] or absent. One product whose result
/// starts as the bias. Throws ShapeError and DTypeError as matmul().
Tensor linear(const Arg& x, const Tensor& weight, const Tensor& bias = {});

namespace formulas {

inline const ArrayOperation matmul_record{
    {.name = "matmul", .about = "the matrix product", .formula = "sum_k a_ik b_kj"},
    {{"matmul(a, b)", {{3, 4}, {4, 2}}, [](auto& in) { return xtape::matmul(in[0], in[1]); }},
     {"matmul(a, v)", {{3, 4}, {4}}, [](auto& in) { return xtape::matmul(in[0], in[1]); }},
     {"matmul(stack, b)", {{2, 1, 3, 4}, {5, 4, 2}}, [](auto& in) {
        return xtape::matmul(in[0], in[1]);
      }}}};
inline const ArrayOperation linear_record{
    {.name = "linear", .about = "an affine map of the last axis", .formula = "x W^T + b"},
    {{"linear(x, W, b)",
      {{3, 4}, {2, 4}, {2}},
      [](auto& in) { return xtape::linear(in[0], in[1], in[2]); }},
     {"linear(x, W)", {{2, 3, 4}, {5, 4}}, [](auto& in) { return xtape::linear(in[0], in[1]); }}}};

}  // namespace formulas

}  // namespace xtape
