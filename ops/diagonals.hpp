// Diagonals and triangles of matrices. A positive offset lies above the main diagonal, a negative
// one below.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape {

/// The diagonals of the matrices that two axes span, along a new last axis; empty if the offset
/// lies outside. Throws IndexError for a bad axis or one axis twice.
Tensor diagonal(const Arg& x, std::int64_t offset = 0, std::int64_t dim1 = 0,
                std::int64_t dim2 = 1);
/// Square matrices along the new axes dim1 and dim2 with the last axis of x on a diagonal, 0
/// elsewhere: the transpose of diagonal(). Throws IndexError as diagonal().
Tensor diag_embed(const Arg& x, std::int64_t offset = 0, std::int64_t dim1 = -2,
                  std::int64_t dim2 = -1);
/// The diagonal of a matrix, or the matrix with a vector on its diagonal. Throws ShapeError for
/// another number of axes.
Tensor diag(const Arg& x, std::int64_t offset = 0);
/// The matrices of the last two axes with 0 above a diagonal. Throws ShapeError below two axes.
Tensor tril(const Arg& x, std::int64_t diagonal = 0);
/// The matrices of the last two axes with 0 below a diagonal. Throws ShapeError below two axes.
Tensor triu(const Arg& x, std::int64_t diagonal = 0);
/// The sum of the main diagonal of a matrix. Throws ShapeError unless x has two axes.
Tensor trace(const Arg& x);

}  // namespace xtape
