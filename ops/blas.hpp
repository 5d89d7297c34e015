// How matrices reach BLAS: products in pieces that do not depend on the number of threads, each
// piece a single-threaded call, so that any number of threads gives the same bits.
#pragma once

#include <xtape/autograd/tensor.hpp>

namespace xtape::detail {

/// While one lives, OpenBLAS uses one thread: it gives other bits with two threads than with one.
/// The caller's setting is put back when the last one is gone.
class OneBlasThread {
 public:
  OneBlasThread();
  ~OneBlasThread();
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;
};

/// C = op(A) op(B), or C += it, where op transposes on request; C is m by n, row-major and
/// contiguous, and the inner size is k.
struct Product {
  bool ta, tb;
  std::int64_t m, n, k;
  bool accumulate;

  template <class T>
  void run(const T* a, const T* b, T* c) const;
  void run(const Tensor& a, const Tensor& b, const Tensor& c) const;
};
extern template void Product::run(const float*, const float*, float*) const;
extern template void Product::run(const double*, const double*, double*) const;

/// Counts the floating operations of products and convolutions, of all threads: 2 for each
/// multiplication with its addition.
void count_flops(std::int64_t m, std::int64_t n, std::int64_t k);
std::int64_t counted_flops();

/// Throws ShapeError for a size that is too large for BLAS.
void check_blas_size(std::int64_t size, const char* op, const Location& at);

/// Throws DTypeError unless a and b are floating and of one element type.
void check_floating_pair(const Tensor& a, const Tensor& b, const char* op, const Location& at);

/// Throws DTypeError unless x is floating.
void check_floating(const Tensor& x, const char* op, const Location& at);

/// Calls f with a null pointer to the floating element type.
template <class F>
void by_floating(DType dtype, F f) {
  if (dtype == float32) f(static_cast<float*>(nullptr));
  else f(static_cast<double*>(nullptr));
}

/// The axes before the last two, which count a stack of matrices.
Shape stack_of(const Shape& shape);
/// `stack` followed by two more axes.
Shape with_matrix(Shape stack, std::int64_t rows, std::int64_t columns);

}  // namespace xtape::detail
