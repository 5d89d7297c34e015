#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>
#include <xtape/ops/gemm.hpp>

using namespace xtape;
using xtape::detail::gemm;
using xtape::detail::Matrix;

namespace {

struct Sizes {
  std::int64_t m, n, k;
};

template <class T>
std::vector<T> numbers(std::int64_t n, std::uint64_t seed) {
  std::vector<T> out(n);
  for (T& each : out) {  // any numbers without a pattern
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    each = static_cast<T>(static_cast<double>(seed >> 11) * 0x1p-53 - 0.5);
  }
  return out;
}

// The largest error of a product, in rounding errors of its sums; the columns between the rows of
// the result must stay as they are.
template <class T>
double error_of(const Sizes& s, bool ta, bool tb, bool add) {
  const auto [m, n, k] = s;
  const std::int64_t pitch = n == 1 ? 1 : n + 3;
  const std::vector<T> a = numbers<T>(m * k, 1), b = numbers<T>(k * n, 2);
  std::vector<T> c = numbers<T>(m * pitch, 3);
  const std::vector<T> before = c;
  if (!add)  // what is there is not read
    for (std::int64_t i = 0; i < m; ++i)
      std::fill_n(c.begin() + i * pitch, n, std::numeric_limits<T>::quiet_NaN());
  const Matrix<const T> left{a.data(), ta ? 1 : k, ta ? m : 1};
  const Matrix<const T> right{b.data(), tb ? 1 : n, tb ? k : 1};
  gemm(m, n, k, left, right, c.data(), pitch, add);
  double worst = 0;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < pitch; ++j) {
      const std::int64_t at = i * pitch + j;
      if (j >= n) {
        REQUIRE(c[at] == before[at]);
        continue;
      }
      long double sum = add ? before[at] : T(0), size = std::abs(sum);
      for (std::int64_t l = 0; l < k; ++l) {
        const long double term =
            static_cast<long double>(left.from(i, l).at[0]) * right.from(l, j).at[0];
        sum += term;
        size += std::abs(term);
      }
      const double unit = static_cast<double>(size) * std::numeric_limits<T>::epsilon();
      const double error = static_cast<double>(std::abs(static_cast<long double>(c[at]) - sum));
      REQUIRE(error == error);
      if (error > 0) worst = std::max(worst, error / unit);
    }
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("gemm: every way to lie in memory, ends of tiles, rows and columns", T, float,
                   double) {
  const Sizes all[] = {{1, 1, 1},    {1, 7, 5},     {7, 1, 5},    {5, 1, 1},     {1, 1, 40},
                       {2, 3, 4},    {3, 16, 2},    {8, 48, 16},  {9, 49, 17},   {15, 47, 31},
                       {17, 97, 3},  {33, 10, 70},  {24, 100, 9}, {7, 200, 30},  {64, 5, 19},
                       {13, 64, 20}, {14, 60, 300}, {8, 64, 5},   {20, 112, 33}, {11, 32, 40},
                       {23, 30, 7}};
  for (const Sizes& sizes : all)
    for (int way = 0; way < 8; ++way) {
      CAPTURE(sizes.m);
      CAPTURE(sizes.n);
      CAPTURE(sizes.k);
      CAPTURE(way);
      CHECK(error_of<T>(sizes, way & 1, way & 2, way & 4) < 4);
    }
}

TEST_CASE_TEMPLATE("gemm: sums longer than a panel, more rows than stay in the cache", T, float,
                   double) {
  for (const Sizes& sizes : {Sizes{3, 5, 700}, Sizes{530, 18, 20}, Sizes{14, 50, 513},
                             Sizes{24, 530, 20}, Sizes{63, 140, 300}})
    for (int way = 0; way < 8; ++way) {
      CAPTURE(way);
      CHECK(error_of<T>(sizes, way & 1, way & 2, way & 4) < 20);
    }
}

TEST_CASE("gemm: a right factor larger than the caches") {
  CHECK(error_of<float>({16, 4110, 512}, false, false, false) < 20);
}

TEST_CASE("gemm: nothing to sum gives zeros, or leaves what is there") {
  const float none = 0;
  float c[] = {1, 2, 3, 4, 5, 6};
  const Matrix<const float> empty{&none, 0, 1};
  gemm(2, 2, 0, empty, empty, c, 3, true);
  CHECK(c[0] == 1);
  gemm(2, 2, 0, empty, empty, c, 3, false);
  for (int i = 0; i < 6; ++i) CHECK(c[i] == (i % 3 == 2 ? i + 1 : 0));
  gemm(0, 2, 1, empty, empty, c, 3, false);
  gemm(2, 0, 1, empty, empty, c, 3, false);
  CHECK(c[2] == 3);
}

TEST_CASE("gemm: infinities and NaN reach the elements that they belong to and no others") {
  std::vector<float> a = numbers<float>(20 * 30, 5), b = numbers<float>(30 * 60, 6), c(20 * 60);
  a[3 * 30 + 7] = std::numeric_limits<float>::quiet_NaN();
  b[4 * 60 + 50] = std::numeric_limits<float>::infinity();
  gemm(20, 60, 30, Matrix<const float>{a.data(), 30, 1}, Matrix<const float>{b.data(), 60, 1},
       c.data(), 60, false);
  for (int i = 0; i < 20; ++i)
    for (int j = 0; j < 60; ++j) CHECK(std::isfinite(c[i * 60 + j]) == (i != 3 && j != 50));
}

TEST_CASE("gemm: counts its operations") {
  const std::int64_t before = detail::counted_flops();
  const float a[6] = {}, b[12] = {};
  float c[8];
  gemm(2, 4, 3, Matrix<const float>{a, 3, 1}, Matrix<const float>{b, 4, 1}, c, 4, false);
  CHECK(detail::counted_flops() - before == 2 * 2 * 4 * 3);
}
