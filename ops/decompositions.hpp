// Linear systems, determinants and decompositions on LAPACK, PyTorch's torch.linalg. Everything
// takes a matrix or a stack of matrices along the leading axes, float32 or float64, and can be
// differentiated any number of times. An error names the matrix of the stack that it is about.
#pragma once

#include <xtape/ops/creation.hpp>
#include <xtape/ops/math.hpp>
#include <xtape/ops/products.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

/// The inverse of each matrix. Throws ShapeError unless they are square, ValueError if one is
/// singular, DTypeError for integers.
Tensor inv(const Arg& a);

/// The determinant of each matrix; 1 for a matrix without elements. The first two derivatives are
/// exact for singular matrices, too (cofactors from the singular values); a third throws ValueError
/// there. Throws ShapeError and DTypeError as inv().
Tensor det(const Arg& a);

/// det = sign exp(logabsdet); 0 and -infinity for a singular matrix.
struct SignAndLog {
  Tensor sign, logabsdet;
};
/// The determinant of each matrix without overflow. The sign has no gradient. Throws ShapeError and
/// DTypeError as inv(); its gradient throws ValueError for a singular matrix.
SignAndLog slogdet(const Arg& a);

/// The x with a @ x = b. b is a stack of matrices [..., n, k], or of vectors if it is 1-d or has
/// a's shape without the last axis; leading axes broadcast. Throws as inv(), and ShapeError if b
/// does not fit.
Tensor solve(const Arg& a, const Tensor& b);

/// The lower triangular L with L L^T = a for a symmetric positive definite matrix, of which only
/// the lower triangle is read. The gradient is symmetric (Murray 2016, "Differentiation of the
/// Cholesky decomposition"). Throws ShapeError and DTypeError as inv(), and ValueError if a matrix
/// is not positive definite.
Tensor cholesky(const Arg& a);

/// a = u diag(s) vh for a matrix [m, n]: u is [m, k], s [k] in descending order, vh [k, n] with
/// k = min(m, n).
struct Svd {
  Tensor u, s, vh;
};
/// The singular value decomposition (torch.linalg.svd with full_matrices=False). The gradient is
/// infinite or NaN where it does not exist: through u and vh at equal singular values, or at 0.
/// Throws DTypeError as inv(), ShapeError for fewer than two axes, and ValueError for NaN and
/// infinity.
Svd svd(const Arg& a);

/// a = vectors diag(values) vectors^T for a symmetric matrix; the values ascend.
struct Eigh {
  Tensor values, vectors;
};
/// The eigenvalues and the orthonormal eigenvectors, in columns, of a symmetric matrix, of which
/// only the lower triangle is read. The gradient is symmetric, and infinite where it does not
/// exist: through vectors of equal values. Throws as svd(), and ShapeError unless square.
Eigh eigh(const Arg& a);
/// The eigenvalues alone.
Tensor eigvalsh(const Arg& a);

}  // namespace xtape
