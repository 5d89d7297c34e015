#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/lapack.hpp>
#include <xtape/ops/matrices.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtensor-blas/xblas.hpp>
#include <xtensor-blas/xlapack.hpp>

// OpenBLAS only; absent from other implementations.
extern "C" {
__attribute__((weak)) void openblas_set_num_threads(int);
__attribute__((weak)) int openblas_get_num_threads();
}

namespace xtape::detail::lapack {

namespace {

// While one lives, OpenBLAS uses one thread: it gives other bits with two threads than with one.
// The caller's setting is put back when the last one is gone.
class OneBlasThread {
 public:
  OneBlasThread() {
    if (!openblas_set_num_threads) return;
    std::lock_guard lock(mutex);
    if (users++ > 0) return;
    before = openblas_get_num_threads();
    if (before != 1) openblas_set_num_threads(1);
  }
  ~OneBlasThread() {
    if (!openblas_set_num_threads) return;
    std::lock_guard lock(mutex);
    if (--users == 0 && before != 1) openblas_set_num_threads(before);
  }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;

 private:
  static inline std::mutex mutex;
  static inline int users = 0, before = 1;
};

using Pivots = xt::uvector<xt::blas_index_t>;

// Memory seen by columns.
template <class T>
auto columns(T* data, std::int64_t rows, std::int64_t count) {
  const std::array<std::size_t, 2> shape{static_cast<std::size_t>(rows),
                                         static_cast<std::size_t>(count)};
  return xt::adapt<xt::layout_type::column_major>(data, shape[0] * shape[1], xt::no_ownership(),
                                                  shape);
}

// A stack of matrices of m rows and n columns.
struct Stack {
  Shape leading;
  std::int64_t count, m, n;

  explicit Stack(const Tensor& x)
      : leading(stack_of(x.shape())),
        count(leading.numel()),
        m(x.shape()[x.rank() - 2]),
        n(x.shape()[x.rank() - 1]) {}

  /// Calls f(i, T*) for every matrix unless it has no elements, in pieces of about 8 Mflop.
  template <class F>
  void each(DType dtype, F f) const {
    if (m == 0 || n == 0) return;
    const OneBlasThread one;
    const std::int64_t pieces = std::clamp<std::int64_t>(count * m * n * std::min(m, n) / 4'000'000,
                                                         1, std::max<std::int64_t>(1, count));
    xtape::parallel_for(pieces, [&](std::int64_t p) {
      for (std::int64_t i = count * p / pieces; i < count * (p + 1) / pieces; ++i) {
        by_floating(dtype, [&](auto* type) { f(i, type); });
      }
    });
  }

  /// Throws a ValueError about a matrix.
  [[noreturn]] void complain(std::int64_t i, const char* op, const Location& at,
                             const std::string& what) const {
    if (leading.rank() == 0) raise<ValueError>(at, op, "the matrix " + what);
    std::vector<std::int64_t> index(leading.rank());
    for (int axis = leading.rank() - 1; axis >= 0; i /= leading[axis--])
      index[axis] = i % leading[axis];
    raise<ValueError>(at, op, fmt::format("matrix [{}] {}", fmt::join(index, ", "), what));
  }
  /// Throws if matrix i has a NaN or an infinity among some elements: iterations would not end
  /// well.
  template <class T>
  void check_finite(std::int64_t i, const T* x, std::int64_t elements, const char* op,
                    const Location& at) const {
    if (!std::all_of(x, x + elements, [](T each) { return std::isfinite(each); }))
      complain(i, op, at, "has a NaN or an infinity");
  }
};

template <class T>
T* matrix(const Tensor& x, std::int64_t i, std::int64_t elements) {
  return x.value()->as<T>() + i * elements;
}

Tensor transposed(const Tensor& x) {
  const NoGrad off;
  return transpose(x);
}

}  // namespace

void check_size(std::int64_t size, const char* op, const Location& at) {
  if (size > std::numeric_limits<int>::max())
    raise<ShapeError>(at, op, fmt::format("LAPACK counts to 2^31 - 1, a size is {}", size));
}

Tensor inverse(const Tensor& a, const char* op, const Location& at) {
  const Tensor out = a.copy();
  const Stack stack(a);
  stack.each(a.dtype(), [&]<class T>(std::int64_t i, T*) {
    auto x = columns(matrix<T>(out, i, stack.n * stack.n), stack.n, stack.n);
    Pivots pivots(static_cast<std::size_t>(stack.n));
    if (xt::lapack::getrf(x, pivots) > 0 || xt::lapack::getri(x, pivots) > 0)
      stack.complain(i, op, at, "is singular");
  });
  return out;
}

Determinants determinants(const Tensor& a, bool logarithm) {
  const Stack stack(a);
  const Tensor work = a.copy();
  const Determinants out{Tensor::empty(stack.leading, a.dtype()),
                         Tensor::empty(stack.leading, a.dtype())};
  by_floating(a.dtype(), [&]<class T>(T*) {  // what they are for matrices without elements
    std::fill_n(out.sign.value()->as<T>(), stack.count, T(1));
    std::fill_n(out.size.value()->as<T>(), stack.count, T(logarithm ? 0 : 1));
  });
  stack.each(a.dtype(), [&]<class T>(std::int64_t i, T*) {
    auto x = columns(matrix<T>(work, i, stack.n * stack.n), stack.n, stack.n);
    Pivots pivots(static_cast<std::size_t>(stack.n));
    xt::lapack::getrf(x, pivots);
    T sign = 1, size = logarithm ? 0 : 1;
    for (std::int64_t j = 0; j < stack.n; ++j) {
      const T pivot = x.data()[j * (stack.n + 1)];
      if (pivots[static_cast<std::size_t>(j)] != j + 1) sign = -sign;
      if (!(pivot > 0)) sign = pivot < 0 ? -sign : pivot == 0 ? 0 : pivot;
      if (logarithm) size += std::log(std::abs(pivot));
      else size *= std::abs(pivot);
    }
    *matrix<T>(out.sign, i, 1) = sign;
    *matrix<T>(out.size, i, 1) = size;
  });
  return out;
}

Tensor solution(const Tensor& a, bool is_transposed, const Tensor& b, const char* op,
                const Location& at) {
  const Tensor factors = is_transposed ? a.copy() : transposed(a), out = transposed(b);
  const Stack stack(a);
  const std::int64_t n = stack.n, k = b.shape()[b.rank() - 1];
  if (k > 0)
    stack.each(a.dtype(), [&]<class T>(std::int64_t i, T*) {
      auto left = columns(matrix<T>(factors, i, n * n), n, n);
      auto right = columns(matrix<T>(out, i, n * k), n, k);
      if (xt::lapack::gesv(left, right) > 0) stack.complain(i, op, at, "is singular");
    });
  return transposed(out);
}

Tensor cholesky(const Tensor& a, const Location& at) {
  const Tensor out = a.copy();
  const Stack stack(a);
  const std::int64_t n = stack.n;
  stack.each(a.dtype(), [&]<class T>(std::int64_t i, T*) {
    T* const elements = matrix<T>(out, i, n * n);
    auto x = columns(elements, n, n);
    const int minor = xt::lapack::potr(x, 'U');  // by columns the upper triangle is our lower one
    if (minor > 0)
      stack.complain(i, "cholesky", at,
                     fmt::format("is not positive definite: its leading part of {} row{} is not",
                                 minor, minor == 1 ? "" : "s"));
    for (std::int64_t row = 0; row < n; ++row)
      std::fill(elements + row * n + row + 1, elements + (row + 1) * n, T(0));
  });
  return out;
}

Singular singular(const Tensor& a, const char* op, const Location& at) {
  const Stack stack(a);
  const std::int64_t m = stack.m, n = stack.n, k = std::min(m, n);
  const Tensor work = a.copy();
  Shape values = stack.leading;
  values.push_back(k);
  const Singular out{Tensor::empty(with_matrix(stack.leading, m, k), a.dtype()),
                     Tensor::empty(values, a.dtype()),
                     Tensor::empty(with_matrix(stack.leading, k, n), a.dtype())};
  stack.each(a.dtype(), [&]<class T>(std::int64_t i, T*) {
    stack.check_finite(i, matrix<T>(work, i, m * n), m * n, op, at);
    auto x = columns(matrix<T>(work, i, m * n), n, m);
    // a^T = v s u^T: by columns v is our vh, and u^T our u
    const auto [info, v, s, ut] = xt::lapack::gesdd(x, 'S');
    if (info != 0) stack.complain(i, op, at, "has singular values that do not converge");
    std::copy_n(ut.data(), m * k, matrix<T>(out.u, i, m * k));
    std::copy_n(s.data(), k, matrix<T>(out.s, i, k));
    std::copy_n(v.data(), k * n, matrix<T>(out.vh, i, k * n));
  });
  return out;
}

Eigen eigen(const Tensor& a, const Location& at) {
  const Stack stack(a);
  const std::int64_t n = stack.n;
  const Tensor work = a.copy();
  Shape values = stack.leading;
  values.push_back(n);
  const Tensor out = Tensor::empty(values, a.dtype());
  stack.each(a.dtype(), [&]<class T>(std::int64_t i, T*) {
    for (std::int64_t row = 0; row < n; ++row)
      stack.check_finite(i, matrix<T>(work, i, n * n) + row * n, row + 1, "eigh", at);
    auto x = columns(matrix<T>(work, i, n * n), n, n);
    auto w = columns(matrix<T>(out, i, n), n, 1);
    if (xt::lapack::syevd(x, 'V', 'U', w) != 0)  // by columns upper is our lower
      stack.complain(i, "eigh", at, "has eigenvalues that do not converge");
  });
  return {out, transposed(work)};
}

}  // namespace xtape::detail::lapack
