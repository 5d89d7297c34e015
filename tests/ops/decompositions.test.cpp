#include "../blames.hpp"

using namespace check;

namespace {

Tensor random_numbers(const Shape& shape, std::uint64_t seed, DType dtype = float64) {
  Generator generator(seed);
  return randn(shape, dtype, generator);
}

// Symmetric positive definite matrices.
Tensor positive(const Shape& shape, std::uint64_t seed, DType dtype = float64) {
  const Tensor x = random_numbers(shape, seed, dtype);
  return matmul(x, transpose(x)) + eye(shape[shape.rank() - 1], dtype);
}

// The determinant by Laplace's expansion along the first row.
double laplace(const std::vector<double>& a, std::size_t n) {
  if (n == 0) return 1;
  double total = 0;
  for (std::size_t j = 0; j < n; ++j) {
    std::vector<double> minor;
    for (std::size_t row = 1; row < n; ++row)
      for (std::size_t column = 0; column < n; ++column)
        if (column != j) minor.push_back(a[row * n + column]);
    total += (j % 2 ? -1 : 1) * a[j] * laplace(minor, n - 1);
  }
  return total;
}

Tensor symmetric(const Tensor& x) { return 0.5 * (x + transpose(x)); }

const std::vector<Shape> squares = {{1, 1},       {2, 2},    {5, 5}, {3, 4, 4},
                                    {2, 2, 3, 3}, {0, 2, 2}, {0, 0}, {2, 0, 0}};

}  // namespace

TEST_CASE("decompositions: inverses and solutions") {
  for (const Shape& shape : squares)
    for (DType dtype : {float32, float64}) {
      CAPTURE(shape.str());
      const double close = dtype == float32 ? 1e-4 : 1e-11;
      const std::int64_t n = shape[shape.rank() - 1];
      const Tensor a = random_numbers(shape, 1, dtype) + 3 * eye(n, dtype);
      const Tensor one = broadcast_to(eye(n, dtype), shape);
      CHECK(inv(a).dtype() == dtype);
      CHECK(distance(matmul(a, inv(a)), one) < close);
      const Tensor b = random_numbers({n, 2}, 2, dtype), v = random_numbers({n}, 3, dtype);
      const Tensor x = solve(a, b), y = solve(a, v);
      CHECK(distance(matmul(a, x), broadcast_to(b, x.shape())) < close);
      CHECK(distance(matmul(a, unsqueeze(y, -1)),
                     broadcast_to(unsqueeze(v, -1), unsqueeze(y, -1).shape())) < close);
    }
}

TEST_CASE("decompositions: what solve takes for vectors") {
  const Tensor a = random_numbers({3, 4, 4}, 1), one = random_numbers({4, 4}, 2);
  CHECK(solve(a, random_numbers({3, 4}, 1)).shape() == Shape{3, 4});
  CHECK(solve(a, random_numbers({4, 2}, 1)).shape() == Shape{3, 4, 2});
  CHECK(solve(one, random_numbers({5, 4, 2}, 1)).shape() == Shape{5, 4, 2});
  CHECK(solve(a, random_numbers({2, 1, 4, 2}, 1)).shape() == Shape{2, 3, 4, 2});
  CHECK(solve(a, zeros({4, 0}, float64)).shape() == Shape{3, 4, 0});
  const Tensor many = random_numbers({3, 4}, 5), x = solve(a, many);
  CHECK(distance(squeeze(matmul(a, unsqueeze(x, -1)), -1), many) < 1e-12);
}

TEST_CASE("decompositions: determinants") {
  for (const Shape& shape : squares) {
    CAPTURE(shape.str());
    const Tensor a = random_numbers(shape, 4);
    const auto n = static_cast<std::size_t>(shape[shape.rank() - 1]);
    const std::vector<double> all = numbers(a), got = numbers(det(a));
    const SignAndLog parts = slogdet(a);
    CHECK(distance(parts.sign * exp(parts.logabsdet), det(a)) < 1e-12);
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i * n * n);
      const double expected = laplace({begin, begin + static_cast<std::ptrdiff_t>(n * n)}, n);
      CHECK(got[i] == doctest::Approx(expected));
      CHECK(numbers(parts.sign)[i] == (expected > 0 ? 1 : -1));
    }
  }
  CHECK(det(Tensor({{0, 1}, {1, 0}})).item<double>() == -1);
  CHECK(det(Tensor({{1, 2}, {2, 4}})).item<double>() == 0);
  const SignAndLog nothing = slogdet(Tensor({{1, 2}, {2, 4}}));
  CHECK(nothing.sign.item<double>() == 0);
  CHECK(nothing.logabsdet.item<double>() == -INFINITY);
  CHECK(std::isnan(det(Tensor({{NAN, 2}, {2, 4}})).item<double>()));
  const Tensor large = 100 * eye(300, float64);
  CHECK(std::isinf(det(large).item<double>()));
  CHECK(slogdet(large).logabsdet.item<double>() == doctest::Approx(300 * std::log(100)));
}

TEST_CASE("decompositions: factors make the matrix again") {
  for (const Shape& shape : squares)
    for (DType dtype : {float32, float64}) {
      CAPTURE(shape.str());
      const double close = dtype == float32 ? 1e-4 : 1e-12;
      const Tensor a = positive(shape, 7, dtype), l = cholesky(a);
      CHECK(distance(matmul(l, transpose(l)), a) < close);
      const std::int64_t n = shape[shape.rank() - 1];
      const Tensor index = arange(0, static_cast<double>(n));
      CHECK(equal(where(unsqueeze(index, 1) < index, l, 0), zeros(shape, dtype)));
      const Eigh parts = eigh(a);
      const Tensor turned = parts.vectors * unsqueeze(parts.values, -2);
      CHECK(distance(matmul(turned, transpose(parts.vectors)), a) < 10 * close);
      CHECK(equal(eigvalsh(a), parts.values));
    }
  const Tensor lower({{4, NAN}, {2, 5}}, float64);  // the upper triangle is not read
  CHECK(distance(cholesky(lower), Tensor({{2, 0}, {1, 2}}, float64)) < 1e-15);
  const Tensor mirrored({{2, NAN}, {1, 2}}, float64);
  CHECK(distance(eigvalsh(mirrored), Tensor({1, 3}, float64)) < 1e-15);
}

TEST_CASE("decompositions: singular values of tall, wide and empty matrices") {
  for (const Shape& shape : {Shape{5, 3}, Shape{3, 5}, Shape{4, 4}, Shape{2, 1}, Shape{1, 4},
                             Shape{2, 6, 4}, Shape{3, 0}, Shape{0, 3}, Shape{2, 0, 2}})
    for (DType dtype : {float32, float64}) {
      CAPTURE(shape.str());
      const double close = dtype == float32 ? 1e-5 : 1e-13;
      const Tensor a = random_numbers(shape, 9, dtype);
      const Svd parts = svd(a);
      const std::int64_t k = std::min(shape[shape.rank() - 1], shape[shape.rank() - 2]);
      CHECK(parts.s.size(-1) == k);
      CHECK(distance(matmul(parts.u * unsqueeze(parts.s, -2), parts.vh), a) < close);
      const Tensor uu = matmul(transpose(parts.u), parts.u);
      const Tensor vv = matmul(parts.vh, transpose(parts.vh));
      CHECK(distance(uu, broadcast_to(eye(k, dtype), uu.shape())) < close);
      CHECK(distance(vv, broadcast_to(eye(k, dtype), vv.shape())) < close);
      for (std::int64_t i = 0; i + 1 < k && shape.rank() == 2; ++i)
        CHECK(numbers(parts.s)[static_cast<std::size_t>(i)] >=
              numbers(parts.s)[static_cast<std::size_t>(i + 1)]);
    }
}

TEST_CASE("decompositions: slopes of first and second order") {
  const std::vector<std::pair<const char*, Function>> functions = {
      {"inv", [](auto& in) { return inv(in[0]); }},
      {"det", [](auto& in) { return det(in[0]); }},
      {"slogdet", [](auto& in) { return slogdet(in[0]).logabsdet; }},
      {"solve", [](auto& in) { return solve(in[0], slice(in[0], -1, {.start = 0, .stop = 1})); }},
      {"solve by itself", [](auto& in) { return solve(in[0], square(in[0])); }},
      {"cholesky", [](auto& in) { return cholesky(symmetric(in[0])); }},
      {"eigh",
       [](auto& in) {
         const Eigh parts = eigh(symmetric(in[0]));
         return square(parts.vectors) * parts.values;
       }},
      {"eigvalsh", [](auto& in) { return eigvalsh(symmetric(in[0])); }},
      {"the values of svd", [](auto& in) { return svd(in[0]).s; }},
      {"svd", [](auto& in) {
         const Svd parts = svd(in[0]);
         return matmul(square(parts.u) * sin(unsqueeze(parts.s, -2)), square(parts.vh));
       }}};
  for (const auto& each : functions) {
    CAPTURE(each.first);
    for (const Shape& shape : {Shape{1, 1}, Shape{3, 3}, Shape{2, 2, 2}, Shape{0, 0}}) {
      CAPTURE(shape.str());
      const Tensor a = positive(shape, 11);
      CHECK(slope_error(each.second, {a}) < 1e-6);
      CHECK(slope_error(each.second, {a}, true) < 1e-6);
      CHECK(curvature_error(each.second, {a}) < 1e-5);
    }
  }
  for (const Shape& shape : {Shape{4, 2}, Shape{2, 4}, Shape{2, 3, 1}}) {
    CAPTURE(shape.str());
    CHECK(slope_error(functions.back().second, {random_numbers(shape, 13)}) < 1e-6);
    CHECK(curvature_error(functions.back().second, {random_numbers(shape, 13)}) < 1e-5);
  }
  const Function broadcast_solve = [](auto& in) { return solve(in[0], in[1]); };
  CHECK(curvature_error(broadcast_solve,
                        {positive({2, 1, 3, 3}, 1), random_numbers({4, 3, 2}, 2)}) < 1e-5);
}

TEST_CASE("decompositions: det is a polynomial, at singular matrices, too") {
  const Function f = [](auto& in) { return det(in[0]); };
  CHECK(slope_error(f, {random_numbers({2, 3, 2, 2}, 5)}) < 1e-8);
  for (const Tensor& a : {Tensor({{1, 2}, {2, 4}}, float64), Tensor({{0, 0}, {0, 0}}, float64),
                          Tensor({{1, 2, 3}, {2, 4, 6}, {1, 0, 1}}, float64),
                          Tensor({{1, 2, 3}, {2, 4, 6}, {3, 6, 9}}, float64),
                          Tensor({{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, float64)}) {
    CHECK(slope_error(f, {a}) < 1e-8);
    // its second derivative: the curvature of probe(det), not of its square, which is flat here
    const Function slopes = [&](const std::vector<Tensor>& in) {
      const EnableGrad on;
      const Tensor x = in[0].requires_grad() ? in[0] : in[0].detach().requires_grad(true);
      return square(grad(det(x), {x}, {.retain_graph = false, .create_graph = true})[0] + x);
    };
    CHECK(slope_error(slopes, {a}) < 1e-7);
  }
  // three times, against the fourth power's: det(t I) = t^3
  Tensor t = Tensor(1.5, float64).requires_grad(true);
  Tensor y = det(t * eye(3, float64));
  for (double expected : {6.75, 9.0, 6.0}) {
    y = grad(y, {t}, {.retain_graph = false, .create_graph = true})[0];
    CHECK(y.item<double>() == doctest::Approx(expected));
  }
  Tensor zero = Tensor(0.0, float64).requires_grad(true);
  y = det(zero * eye(3, float64));
  for (int order = 1; order <= 2; ++order) {
    y = grad(y, {zero}, {.retain_graph = false, .create_graph = true})[0];
    CHECK(y.item<double>() == 0);
  }
  CHECK_THROWS_WITH_AS(grad(y, {zero}), doctest::Contains("the matrix is singular"), ValueError);
}

TEST_CASE("decompositions: equal eigenvalues") {
  const Tensor a = eye(3, float64).requires_grad(true);
  sum(eigh(a).values).backward();
  CHECK(distance(a.grad(), eye(3, float64)) < 1e-15);
  a.zero_grad();
  sum(eigh(a).vectors * Tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}, float64)).backward();
  bool finite = true;
  for (double slope : numbers(a.grad())) finite = finite && std::isfinite(slope);
  CHECK(!finite);  // there is no such gradient
}

TEST_CASE("decompositions: large stacks have the same bits on any number of threads") {
  const int before = num_threads();
  const Tensor a = positive({40, 60, 60}, 17);
  const auto all = [&] {
    return std::vector<Tensor>{inv(a), det(a), cholesky(a), svd(a).u, eigh(a).vectors};
  };
  set_num_threads(1);
  const std::vector<Tensor> one = all();
  set_num_threads(2);
  const std::vector<Tensor> two = all();
  set_num_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(equal(one[i], two[i]));
}

TEST_CASE("decompositions: errors") {
  const Tensor wide = zeros({2, 3}), vector = zeros({3}), whole = zeros({2, 2}, int64);
  CHECK_BLAMES(ShapeError, "inv: square matrices wanted, the shape is [2, 3]", inv(wide));
  CHECK_BLAMES(ShapeError, "det: square matrices wanted, the shape is [2, 3]", det(wide));
  CHECK_BLAMES(ShapeError, "slogdet: square matrices wanted", slogdet(wide));
  CHECK_BLAMES(ShapeError, "cholesky: square matrices wanted", cholesky(wide));
  CHECK_BLAMES(ShapeError, "eigh: square matrices wanted", eigh(wide));
  CHECK_BLAMES(ShapeError, "solve: square matrices wanted", solve(wide, vector));
  CHECK_BLAMES(ShapeError, "svd: a matrix or a stack of them wanted, the shape is [3]",
               svd(vector));
  CHECK_BLAMES(ShapeError, "inv: a matrix or a stack of them wanted, the shape is []", inv(2.0));
  CHECK_BLAMES(DTypeError, "inv: a floating tensor wanted, this one is int64", inv(whole));
  CHECK_BLAMES(DTypeError, "solve: two floating tensors of one type wanted: float32 and float64",
               solve(eye(2), zeros({2}, float64)));
  CHECK_BLAMES(ShapeError, "solve: a right side of 2 rows wanted for a of shape [2, 2], b is [3]",
               solve(eye(2), vector));
  CHECK_BLAMES(ShapeError, "solve: a right side of 2 rows wanted for a of shape [2, 2], b is []",
               solve(eye(2), zeros({})));
  CHECK_BLAMES(ShapeError, "solve: shapes do not broadcast: [2] and [3]",
               solve(zeros({2, 2, 2}), zeros({3, 2, 1})));
  CHECK_BLAMES(ShapeError, "inv: LAPACK counts to 2^31 - 1, a size is 2147483648",
               inv(zeros({0, std::int64_t{1} << 31, std::int64_t{1} << 31})));
  const Tensor singular({{1, 2}, {2, 4}});
  CHECK_BLAMES(ValueError, "inv: the matrix is singular", inv(singular));
  CHECK_BLAMES(ValueError, "inv: matrix [1] is singular", inv(stack({eye(2), singular})));
  CHECK_BLAMES(ValueError, "solve: matrix [1, 0] is singular",
               solve(reshape(stack({eye(2), singular}), {2, 1, 2, 2}), zeros({2})));
  const Tensor leaf = singular.copy().requires_grad(true);
  const Tensor logarithm = slogdet(leaf).logabsdet;
  CHECK_THROWS_WITH_AS(logarithm.backward(), doctest::Contains("slogdet: the matrix is singular"),
                       ValueError);
  CHECK_BLAMES(ValueError,
               "cholesky: the matrix is not positive definite: its leading part of 2 rows is not",
               cholesky(Tensor({{1, 2}, {2, 1}})));
  CHECK_BLAMES(ValueError,
               "cholesky: matrix [1] is not positive definite: its leading part of 1 row is not",
               cholesky(stack({eye(2), -eye(2)})));
  CHECK_BLAMES(ValueError, "svd: the matrix has a NaN or an infinity",
               svd(Tensor({{1, 2}, {NAN, 1}})));
  CHECK_BLAMES(ValueError, "eigh: matrix [0] has a NaN or an infinity",
               eigh(full({1, 2, 2}, INFINITY)));
}
