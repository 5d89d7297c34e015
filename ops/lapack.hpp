// LAPACK on stacks of matrices, without a place on the tape: what ops/decompositions.cpp records.
// LAPACK counts along columns, so it sees the transpose of every row-major matrix.
#pragma once

#include <xtape/autograd/tensor.hpp>

namespace xtape::detail::lapack {

/// Throws ShapeError for a size that is too large for LAPACK.
void check_size(std::int64_t size, const char* op, const Location& at);

/// The inverses. Throws ValueError if one is singular.
Tensor inverse(const Tensor& a, const char* op, const Location& at);

/// The signs of the determinants, and their sizes or the logarithms of these.
struct Determinants {
  Tensor sign, size;
};
Determinants determinants(const Tensor& a, bool logarithm);

/// op(a) x = b of equally many matrices, where op transposes on request. Throws ValueError if one
/// is singular.
Tensor solution(const Tensor& a, bool transposed, const Tensor& b, const char* op,
                const Location& at);

/// The lower triangular factors. Throws ValueError if a matrix is not positive definite.
Tensor cholesky(const Tensor& a, const Location& at);

/// Singular values with their vectors, u and vh. Throws ValueError for NaN and infinity.
struct Singular {
  Tensor u, s, vh;
};
Singular singular(const Tensor& a, const char* op, const Location& at);

/// Eigenvalues and eigenvectors of symmetric matrices. Throws as singular().
struct Eigen {
  Tensor values, vectors;
};
Eigen eigen(const Tensor& a, const Location& at);

}  // namespace xtape::detail::lapack
