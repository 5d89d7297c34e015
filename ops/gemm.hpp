// Matrix products of floats and doubles on one thread, without a heap allocation.
//
// Not BLAS: OpenBLAS 0.3.21 falls back to kernels for half as long registers on processors younger
// than itself and copies small factors before it starts; oneDNN allocates in every call and
// compiles its kernels for some 10 ms in the first one. benchmarks/products.cpp measures all three.
#pragma once

#include <cstdint>

namespace xtape::detail {

/// A matrix in memory: element (i, j) is at[i * row + j * column].
template <class T>
struct Matrix {
  T* at;
  std::int64_t row, column;

  Matrix transposed() const { return {at, column, row}; }
  Matrix from(std::int64_t i, std::int64_t j) const {
    return {at + i * row + j * column, row, column};
  }
};

/// c = a b, or c += a b if `add`; a is m by k and c, whose rows are contiguous and `pitch` apart,
/// m by n. Neither reads what c holds before unless `add`.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<const float>& a,
          const Matrix<const float>& b, float* c, std::int64_t pitch, bool add);
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<const double>& a,
          const Matrix<const double>& b, double* c, std::int64_t pitch, bool add);

/// The floating operations of all products so far, of all threads: 2 for each multiplication with
/// its addition.
std::int64_t counted_flops();
/// Counts some that were saved.
void count_flops(std::int64_t more);

}  // namespace xtape::detail
