#include <fmt/format.h>
#include <xflens/cxxblas/drivers/cblas.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

// OpenBLAS only; absent from other implementations.
extern "C" {
__attribute__((weak)) void openblas_set_num_threads(int);
__attribute__((weak)) int openblas_get_num_threads();
}

namespace xtape {

namespace {

// OpenBLAS gives other bits with two threads than with one, so the library's own threads make
// single-threaded calls. The caller's setting is put back when the last of them is done.
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

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const float* a, int lda,
          const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}
void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const double* a, int lda,
          const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

// C = op(A) op(B), or += it, where op transposes on request; row-major and contiguous.
struct Product {
  bool ta, tb;
  std::int64_t m, n, k;
  bool accumulate;

  template <class T>
  void run(const T* a, const T* b, T* c) const {
    if (m == 0 || n == 0) return;
    if (k == 0) {
      if (!accumulate) std::fill_n(c, m * n, T(0));
      return;
    }
    const OneBlasThread one;
    const bool by_rows = m >= n || m >= 256;  // rows cost less to cut
    const std::int64_t size = by_rows ? m : n;
    // pieces of at least 8 Mflop and 128 rows or columns; measured to cost at most 4 %
    const std::int64_t pieces = std::max<std::int64_t>(
        1, std::min({2 * m * n * k / 8'000'000, size / 128, 2 + size / 1024}));
    parallel_for(pieces, [&](std::int64_t p) {
      const std::int64_t begin = size / 16 * p / pieces * 16;
      const std::int64_t end = p + 1 == pieces ? size : size / 16 * (p + 1) / pieces * 16;
      const std::int64_t row = by_rows ? begin : 0, rows = by_rows ? end - begin : m;
      const std::int64_t column = by_rows ? 0 : begin, columns = by_rows ? n : end - begin;
      const int lda = static_cast<int>(ta ? m : k), ldb = static_cast<int>(tb ? k : n);
      gemm(ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, static_cast<int>(rows),
           static_cast<int>(columns), static_cast<int>(k), a + (ta ? row : row * lda), lda,
           b + (tb ? column * ldb : column), ldb, static_cast<T>(accumulate ? 1 : 0),
           c + row * n + column, static_cast<int>(n));
    });
  }

  void run(const Tensor& a, const Tensor& b, const Tensor& c) const {
    if (c.dtype() == float32)
      run(a.value()->as<float>(), b.value()->as<float>(), c.value()->as<float>());
    else run(a.value()->as<double>(), b.value()->as<double>(), c.value()->as<double>());
  }
};

void check_types(const char* op, const Tensor& a, const Tensor& b, const Location& at) {
  if (!is_floating(a.dtype()) || a.dtype() != b.dtype())
    raise<DTypeError>(at, op,
                      fmt::format("two floating tensors of one type wanted: {} and {}",
                                  name_of(a.dtype()), name_of(b.dtype())));
}

void check_size(std::int64_t size, const char* op, const Location& at) {
  if (size > std::numeric_limits<int>::max())
    raise<ShapeError>(at, op, fmt::format("BLAS counts to 2^31 - 1, a size is {}", size));
}

// op(a) op(b) of two matrices; the vjp is the same operation with the flags that undo theirs:
// for C = A B: dA = dC B^T and dB = A^T dC, and transposed for a transposed argument.
Tensor product(const Tensor& a, bool ta, const Tensor& b, bool tb, const char* op,
               const Location& at);

void give_product(Backward& backward, int input, const Tensor& a, bool ta, const Tensor& b,
                  bool tb) {
  const Location& at = backward.node().where;
  Tensor* there = backward.accumulator(input);
  if (!there) return backward.give(input, product(a, ta, b, tb, "matmul", at));
  const Shape &sa = a.shape(), &sb = b.shape();
  there->value()->changed(at);
  Product{ta, tb, sa[ta ? 1 : 0], sb[tb ? 0 : 1], sa[ta ? 0 : 1], true}.run(a, b, *there);
}

// The shares of the factors of op(a) op(b), as inputs 0 and 1.
void product_vjp(Backward& backward, const Tensor& gradient, bool ta, bool tb) {
  if (backward.needs(0)) {
    const Tensor b = backward.input(1);
    if (ta) give_product(backward, 0, b, tb, gradient, true);
    else give_product(backward, 0, gradient, false, b, !tb);
  }
  if (backward.needs(1)) {
    const Tensor a = backward.input(0);
    if (tb) give_product(backward, 1, gradient, true, a, ta);
    else give_product(backward, 1, a, !ta, gradient, false);
  }
}

Tensor product(const Tensor& a, bool ta, const Tensor& b, bool tb, const char* op,
               const Location& at) {
  const Shape &sa = a.shape(), &sb = b.shape();
  const std::int64_t m = sa[ta ? 1 : 0], k = sa[ta ? 0 : 1], n = sb[tb ? 0 : 1];
  for (std::int64_t size : {m, n, k}) check_size(size, op, at);
  const Tensor out = Tensor::empty({m, n}, a.dtype());
  Product{ta, tb, m, n, k, false}.run(a, b, out);
  return record(op, at, {saved(a), saved(b)}, out,
                [ta, tb](Backward& backward) { product_vjp(backward, backward.grad(), ta, tb); });
}

[[noreturn]] void raise_inner(const Tensor& a, const Tensor& b, bool could_transpose,
                              const Location& at) {
  raise<ShapeError>(
      at, "matmul",
      fmt::format("inner sizes differ: left {}, right {}{}", a.shape().str(), b.shape().str(),
                  could_transpose ? "; did you mean to transpose the right operand?" : ""));
}

// Stacks of matrices with equal leading axes, [batch, m, k] and [batch, k, n].
Tensor batched(const Tensor& a, bool ta, const Tensor& b, bool tb, const Location& at) {
  const Shape &sa = a.shape(), &sb = b.shape();
  const std::int64_t m = sa[ta ? 2 : 1], k = sa[ta ? 1 : 2], n = sb[tb ? 1 : 2];
  for (std::int64_t size : {m, n, k}) check_size(size, "matmul", at);
  const Tensor out = Tensor::empty({sa[0], m, n}, a.dtype());
  const auto multiply = [&]<class T>(T*) {
    const OneBlasThread one;
    const std::int64_t pieces = std::clamp<std::int64_t>(2 * sa[0] * m * n * k / 8'000'000, 1,
                                                         std::max<std::int64_t>(1, sa[0]));
    parallel_for(pieces, [&](std::int64_t p) {
      for (std::int64_t i = sa[0] * p / pieces; i < sa[0] * (p + 1) / pieces; ++i)
        Product{ta, tb, m, n, k, false}.run(a.value()->as<T>() + i * m * k,
                                            b.value()->as<T>() + i * k * n,
                                            out.value()->as<T>() + i * m * n);
    });
  };
  if (a.dtype() == float32) multiply(static_cast<float*>(nullptr));
  else multiply(static_cast<double*>(nullptr));
  return record("matmul", at, {saved(a), saved(b)}, out, [ta, tb, at](Backward& backward) {
    const Tensor& g = backward.grad();
    if (backward.needs(0)) {
      const Tensor right = backward.input(1);
      backward.give(0, ta ? batched(right, tb, g, true, at) : batched(g, false, right, !tb, at));
    }
    if (backward.needs(1)) {
      const Tensor left = backward.input(0);
      backward.give(1, tb ? batched(g, true, left, ta, at) : batched(left, !ta, g, false, at));
    }
  });
}

Shape leading(const Shape& shape) {
  return Shape(std::span<const std::int64_t>(shape.begin(), shape.rank() - 2));
}
// How many rows a tensor has whose last axis is a row; right for rows without elements, too.
std::int64_t rows_of(const Shape& shape) {
  return Shape(std::span<const std::int64_t>(shape.begin(), shape.rank() - 1)).numel();
}
Shape with_matrix(Shape shape, std::int64_t rows, std::int64_t columns) {
  shape.push_back(rows);
  shape.push_back(columns);
  return shape;
}

}  // namespace

Tensor matmul(const Arg& left, const Arg& right) {
  Tensor a = left.as_tensor(float32), b = right.as_tensor(float32);
  const Location at = Caller::or_else(left.where());
  const Caller caller(at);
  check_types("matmul", a, b, at);
  if (a.rank() == 0 || b.rank() == 0)
    raise<ShapeError>(
        at, "matmul",
        fmt::format("a 0-d operand: left {}, right {}; use *", a.shape().str(), b.shape().str()));
  const bool row = a.rank() == 1, column = b.rank() == 1;
  const std::int64_t inner_a = a.shape()[a.rank() - 1],
                     inner_b = b.shape()[column ? 0 : b.rank() - 2];
  if (inner_a != inner_b) raise_inner(a, b, !column && inner_a == b.shape()[b.rank() - 1], at);
  if (row) a = unsqueeze(a, 0);
  if (column) b = unsqueeze(b, 1);
  const std::int64_t m = a.shape()[a.rank() - 2], n = b.shape()[b.rank() - 1];
  Tensor out;
  if (a.rank() == 2 && b.rank() == 2) {
    out = product(a, false, b, false, "matmul", at);
  } else if (b.rank() == 2) {  // one matrix for the whole stack: a single product of all rows
    out = product(reshape(a, Shape{rows_of(a.shape()), inner_a}), false, b, false, "matmul", at);
    out = reshape(out, with_matrix(leading(a.shape()), m, n));
  } else {
    const Shape stack = broadcast(leading(a.shape()), leading(b.shape()), "matmul", at);
    const std::int64_t count = stack.numel();
    a = reshape(broadcast_to(a, with_matrix(stack, m, inner_a)), Shape{count, m, inner_a});
    b = reshape(broadcast_to(b, with_matrix(stack, inner_b, n)), Shape{count, inner_b, n});
    out = reshape(batched(a, false, b, false, at), with_matrix(stack, m, n));
  }
  if (row) out = squeeze(out, -2);
  if (column) out = squeeze(out, -1);
  return out;
}

Tensor linear(const Arg& argument, const Tensor& weight, const Tensor& bias) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_types("linear", x, weight, at);
  if (x.rank() == 0 || weight.rank() != 2 || x.shape()[x.rank() - 1] != weight.shape()[1])
    raise<ShapeError>(at, "linear",
                      fmt::format("x is {}, weight {}; [..., in] and [out, in] wanted",
                                  x.shape().str(), weight.shape().str()));
  const std::int64_t in = weight.shape()[1], out_size = weight.shape()[0];
  if (bias.defined() && (bias.shape() != Shape{out_size} || bias.dtype() != x.dtype()))
    raise<ShapeError>(at, "linear",
                      fmt::format("bias is {} {}, {} [{}] wanted", name_of(bias.dtype()),
                                  bias.shape().str(), name_of(x.dtype()), out_size));
  const Tensor rows = x.rank() == 2 ? x : reshape(x, Shape{rows_of(x.shape()), in});
  Shape shape = x.shape();
  shape[shape.rank() - 1] = out_size;
  Tensor out;
  if (!bias.defined()) {
    out = product(rows, false, weight, true, "linear", at);
  } else {
    const std::int64_t m = rows.shape()[0];
    for (std::int64_t size : {m, in, out_size}) check_size(size, "linear", at);
    out = Tensor::empty({m, out_size}, x.dtype());
    const std::int64_t bytes = out_size * size_of(x.dtype());
    for (std::int64_t i = 0; i < m; ++i)
      std::memcpy(out.value()->as<char>() + i * bytes, bias.value()->data, bytes);
    Product{false, true, m, out_size, in, true}.run(rows, weight, out);
    record("linear", at, std::initializer_list<Operand>{saved(rows), saved(weight), unsaved(bias)},
           out, [](Backward& backward) {
             product_vjp(backward, backward.grad(), false, true);
             if (backward.needs(2)) backward.give(2, sum(backward.grad(), 0));
           });
  }
  return x.rank() == 2 ? out : reshape(out, shape);
}

}  // namespace xtape
