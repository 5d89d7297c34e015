// Matrix products and what is made from them.
#pragma once

#include <vector>
#include <xtape/ops/builtin.hpp>

namespace xtape {

/// NumPy's a @ b: the product of matrices [m, k] and [k, n], of stacks of them whose leading axes
/// broadcast, and with 1-d arguments taken as a row on the left and a column on the right.
/// Throws ShapeError if the inner sizes differ or an argument is 0-d, DTypeError for integers or
/// different element types.
Tensor matmul(const Arg& a, const Arg& b);

/// a @ b for two vectors, a matrix and a vector, two matrices, and two stacks [n, ., .] of as many
/// matrices. Throw ShapeError for other ranks; otherwise as matmul().
Tensor dot(const Arg& a, const Tensor& b);
Tensor mv(const Arg& a, const Tensor& v);
Tensor mm(const Arg& a, const Tensor& b);
Tensor bmm(const Arg& a, const Tensor& b);

/// beta c + alpha (a @ b) for matrices a and b; c broadcasts to the product's shape and is not read
/// if beta is 0. Throws ShapeError and DTypeError as matmul().
Tensor addmm(const Arg& c, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);

/// out_ij = a_i b_j of two 1-d tensors. Throws ShapeError for other ranks.
Tensor outer(const Arg& a, const Tensor& b);

/// NumPy's tensordot: products summed over pairs of axes, axes_a of a with axes_b of b; what is
/// left of a comes first. Throws IndexError for bad axes and ShapeError if the sizes of a pair
/// differ.
Tensor tensordot(const Arg& a, const Tensor& b, const std::vector<std::int64_t>& axes_a,
                 const std::vector<std::int64_t>& axes_b);
/// The same over the last `count` axes of a and the first of b.
Tensor tensordot(const Arg& a, const Tensor& b, std::int64_t count = 2);

/// x W^T + b: x is [..., in], weight [out, in], bias [out] or absent. One product whose result
/// starts as the bias. Throws ShapeError and DTypeError as matmul().
Tensor linear(const Arg& x, const Tensor& weight, const Tensor& bias = {});

/// y_o = x1^T W_o x2 + b_o: x1 is [..., in1], x2 [..., in2], weight [out, in1, in2], bias [out] or
/// absent. Throws ShapeError and DTypeError as matmul().
Tensor bilinear(const Arg& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias = {});

namespace detail {

/// op(a) op(b) of two matrices, where op transposes on request. The vjp is the same operation with
/// the flags that undo theirs: dA = dC B^T and dB = A^T dC for C = A B.
Tensor product(const Tensor& a, bool ta, const Tensor& b, bool tb, const char* op,
               const Location& at);
/// The same for each pair of two stacks of matrices with equal first axes.
Tensor stacked_product(const Tensor& a, bool ta, const Tensor& b, bool tb, const char* op,
                       const Location& at);
/// matmul(a, transpose(b)) without a copy of b, which has at least two axes.
Tensor matmul_transposed(const Tensor& a, const Tensor& b, const char* op, const Location& at);

}  // namespace detail

}  // namespace xtape
