#include <fmt/format.h>
#include <xflens/cxxblas/drivers/cblas.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <limits>
#include <mutex>
#include <string_view>
#include <tuple>
#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/blas.hpp>

// OpenBLAS only; absent from other implementations.
extern "C" {
__attribute__((weak)) void openblas_set_num_threads(int);
__attribute__((weak)) int openblas_get_num_threads();
__attribute__((weak)) char* openblas_get_corename();
__attribute__((weak)) char* openblas_get_config();
}

namespace xtape::detail {

namespace {

std::mutex mutex;
int users = 0, before = 1;

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const float* a, int lda,
          const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}
void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const double* a, int lda,
          const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

// Whether OpenBLAS has kernels that multiply small matrices where they lie instead of copying them
// into panels first: since 0.3.17, for AVX-512.
bool multiplies_in_place() {
  static const bool yes = [] {
    if (!openblas_get_corename || !openblas_get_config) return false;
    const std::string_view core = openblas_get_corename();
    int major = 0, minor = 0, patch = 0;
    std::sscanf(openblas_get_config(), "OpenBLAS %d.%d.%d", &major, &minor, &patch);
    return std::tuple(major, minor, patch) >= std::tuple(0, 3, 17) &&
           (core == "SkylakeX" || core == "Cooperlake" || core == "Sapphirerapids");
  }();
  return yes;
}

struct Tile {
  std::int64_t m, n, k;
};

// Sizes of tiles that are fast to multiply. OpenBLAS takes its kernels for small matrices up to a
// million products and, for a transposed right factor, 1200 elements of the result; on one thread
// they reach 115 and 107 Gflop/s where large products reach 100. Rows more than a page apart cost
// more than is gained.
template <class T>
Tile tile_of(const Product& product) {
  const auto& [ta, tb, m, n, k, accumulate] = product;
  const Tile whole{m, n, k};
  const std::int64_t page = 4096 / static_cast<std::int64_t>(sizeof(T));
  if ((ta && tb) || (ta ? m : k) >= page || (tb ? k : n) >= page || !multiplies_in_place())
    return whole;
  if (!tb) return m * n * k > 1'000'000 ? Tile{48, 64, 256} : whole;
  return m * n > 1200 && k >= (n < 16 ? 64 : 200) && k <= 976 ? Tile{32, 32, k} : whole;
}

std::atomic<std::int64_t> flops{0};

}  // namespace

OneBlasThread::OneBlasThread() {
  if (!openblas_set_num_threads) return;
  std::lock_guard lock(mutex);
  if (users++ > 0) return;
  before = openblas_get_num_threads();
  if (before != 1) openblas_set_num_threads(1);
}

OneBlasThread::~OneBlasThread() {
  if (!openblas_set_num_threads) return;
  std::lock_guard lock(mutex);
  if (--users == 0 && before != 1) openblas_set_num_threads(before);
}

void count_flops(std::int64_t m, std::int64_t n, std::int64_t k) {
  flops.fetch_add(2 * m * n * k, std::memory_order_relaxed);
}
std::int64_t counted_flops() { return flops.load(std::memory_order_relaxed); }

template <class T>
void Product::run(const T* a, const T* b, T* c) const {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (!accumulate) std::fill_n(c, m * n, T(0));
    return;
  }
  count_flops(m, n, k);
  const OneBlasThread one;
  const bool by_rows = m >= n || m >= 256;  // rows cost less to cut
  const std::int64_t size = by_rows ? m : n;
  // pieces of at least 8 Mflop and 128 rows or columns; measured to cost at most 4 %
  const std::int64_t pieces =
      std::max<std::int64_t>(1, std::min({2 * m * n * k / 8'000'000, size / 128, 2 + size / 1024}));
  const Tile tile = tile_of<T>(*this);
  const std::int64_t lda = ta ? m : k, ldb = tb ? k : n;
  const std::int64_t parts = (k + tile.k - 1) / tile.k, depth = (k + parts - 1) / parts;
  xtape::parallel_for(pieces, [&](std::int64_t p) {
    const std::int64_t begin = size / 16 * p / pieces * 16;
    const std::int64_t end = p + 1 == pieces ? size : size / 16 * (p + 1) / pieces * 16;
    const std::int64_t row = by_rows ? begin : 0, rows = by_rows ? end - begin : m;
    const std::int64_t column = by_rows ? 0 : begin, columns = by_rows ? n : end - begin;
    for (std::int64_t j = column; j < column + columns; j += tile.n)
      for (std::int64_t i = row; i < row + rows; i += tile.m)
        for (std::int64_t l = 0; l < k; l += depth)
          gemm(ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
               static_cast<int>(std::min(tile.m, row + rows - i)),
               static_cast<int>(std::min(tile.n, column + columns - j)),
               static_cast<int>(std::min(depth, k - l)), a + (ta ? l * lda + i : i * lda + l),
               static_cast<int>(lda), b + (tb ? j * ldb + l : l * ldb + j), static_cast<int>(ldb),
               static_cast<T>(accumulate || l > 0), c + i * n + j, static_cast<int>(n));
  });
}
template void Product::run(const float*, const float*, float*) const;
template void Product::run(const double*, const double*, double*) const;

void Product::run(const Tensor& a, const Tensor& b, const Tensor& c) const {
  if (c.dtype() == float32)
    run(a.value()->as<float>(), b.value()->as<float>(), c.value()->as<float>());
  else run(a.value()->as<double>(), b.value()->as<double>(), c.value()->as<double>());
}

void check_blas_size(std::int64_t size, const char* op, const Location& at) {
  if (size > std::numeric_limits<int>::max())
    raise<ShapeError>(at, op, fmt::format("BLAS counts to 2^31 - 1, a size is {}", size));
}

void check_floating_pair(const Tensor& a, const Tensor& b, const char* op, const Location& at) {
  if (!is_floating(a.dtype()) || a.dtype() != b.dtype())
    raise<DTypeError>(at, op,
                      fmt::format("two floating tensors of one type wanted: {} and {}",
                                  name_of(a.dtype()), name_of(b.dtype())));
}

void check_floating(const Tensor& x, const char* op, const Location& at) {
  if (!is_floating(x.dtype()))
    raise<DTypeError>(at, op,
                      fmt::format("a floating tensor wanted, this one is {}", name_of(x.dtype())));
}

Shape stack_of(const Shape& shape) {
  return Shape(std::span<const std::int64_t>(shape.begin(), shape.rank() - 2));
}

Shape with_matrix(Shape stack, std::int64_t rows, std::int64_t columns) {
  stack.push_back(rows);
  stack.push_back(columns);
  return stack;
}

}  // namespace xtape::detail
