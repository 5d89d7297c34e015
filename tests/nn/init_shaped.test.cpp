#include "../blames.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::numbers;

namespace init = nn::init;

namespace {

// W W^T or W^T W of the weight as a matrix, whichever is smaller.
Tensor products(const Tensor& weight) {
  const Tensor w =
      reshape(cast(weight, float64), {weight.size(0), weight.numel() / weight.size(0)});
  return w.size(0) <= w.size(1) ? matmul(w, transpose(w)) : matmul(transpose(w), w);
}

Tensor identity(std::int64_t n, double value) {
  const Tensor out = zeros({n, n}, float64);
  for (std::int64_t i = 0; i < n; ++i) out.mutable_data<double>()[i * n + i] = value;
  return out;
}

struct Spread {
  double mean = 0, deviation = 0, low = INFINITY, high = -INFINITY;
  explicit Spread(const Tensor& x) {
    const std::vector<double> values = numbers(x);
    const auto n = static_cast<double>(values.size());
    for (const double v : values) {
      mean += v / n;
      low = std::min(low, v);
      high = std::max(high, v);
    }
    for (const double v : values) deviation += (v - mean) * (v - mean) / n;
    deviation = std::sqrt(deviation);
  }
};

}  // namespace

TEST_CASE("init: orthogonal weights of any shape") {
  manual_seed(4);
  for (const DType dtype : {float32, float64})
    for (const Shape& shape :
         {Shape{3, 6}, Shape{6, 3}, Shape{1, 5}, Shape{5, 1}, Shape{40, 40}, Shape{4, 2, 3, 3}}) {
      const Tensor w = init::orthogonal(Tensor::empty(shape, dtype), 1.5);
      const std::int64_t n = std::min(shape[0], w.numel() / shape[0]);
      CHECK(distance(products(w), identity(n, 2.25)) < (dtype == float32 ? 1e-6 : 1e-14));
    }
  CHECK_NOTHROW(init::orthogonal(Tensor::empty({0, 3}, float32)));
  Generator a(1), b(1);
  CHECK(equal(init::orthogonal(Tensor::empty({4, 3}, float32), 1, a),
              init::orthogonal(Tensor::empty({4, 3}, float32), 1, b)));
}

TEST_CASE("init: orthogonal weights point everywhere") {
  double sum = 0, squares = 0;
  for (int i = 0; i < 2000; ++i) {
    const double corner = numbers(init::orthogonal(Tensor::empty({2, 2}, float64)))[0];
    sum += corner;
    squares += corner * corner;
  }
  CHECK(std::abs(sum / 2000) < 0.1);
  CHECK(squares / 2000 == doctest::Approx(0.5).epsilon(0.1));
}

TEST_CASE("init: truncated normal numbers") {
  manual_seed(5);
  for (const DType dtype : {float32, float64}) {
    const Tensor w = Tensor::empty({200, 200}, dtype);
    // the variance of a standard normal number within +-2 is 1 - 4 phi(2) / (2 Phi(2) - 1)
    Spread m(init::truncated_normal(w));
    CHECK(std::abs(m.mean) < 0.02);
    CHECK(m.deviation == doctest::Approx(0.8796).epsilon(0.01));
    CHECK(m.low >= -2);
    CHECK(m.high <= 2);
    m = Spread(init::truncated_normal(w, 3, 2, 3, INFINITY));  // a half: mean 2 sqrt(2/pi)
    CHECK(m.mean == doctest::Approx(3 + 2 * std::sqrt(2 / M_PI)).epsilon(0.01));
    CHECK(m.deviation == doctest::Approx(2 * std::sqrt(1 - 2 / M_PI)).epsilon(0.02));
    for (const double side : {-1.0, 1.0}) {  // far out in a tail, where it is about exponential
      m = Spread(side > 0 ? init::truncated_normal(w, 0, 1, 8, 9)
                          : init::truncated_normal(w, 0, 1, -9, -8));
      CHECK(side * m.mean == doctest::Approx(8.1214).epsilon(1e-3));
      CHECK((side > 0 ? m.low : -m.high) >= 8);
    }
  }
  CHECK(equal(init::truncated_normal(Tensor::empty({3}, float64), 0, 1, 0.5, 0.5),
              full({3}, 0.5, float64)));
}

TEST_CASE("init: lecun") {
  manual_seed(6);
  const Tensor w = Tensor::empty({100, 40, 10}, float64);
  CHECK(init::lecun_deviation({100, 40, 10}) == 0.05);
  CHECK(Spread(init::lecun_normal(w)).deviation == doctest::Approx(0.05).epsilon(0.02));
  const Spread m(init::lecun_uniform(w));
  CHECK(m.deviation == doctest::Approx(0.05).epsilon(0.02));
  CHECK(m.high <= 0.05 * std::sqrt(3.0));
}

TEST_CASE("init: weights that hand on what they get") {
  CHECK(equal(init::eye(Tensor::empty({2, 3}, float32)), Tensor({{1, 0, 0}, {0, 1, 0}})));
  CHECK(equal(init::zeros(Tensor::empty({2}, float64)), zeros({2}, float64)));
  CHECK(equal(init::ones(Tensor::empty({2}, float64)), ones({2}, float64)));
  const Tensor one = init::dirac(Tensor::empty({3, 2, 3}, float32));
  CHECK(
      equal(one, Tensor({{{0, 1, 0}, {0, 0, 0}}, {{0, 0, 0}, {0, 1, 0}}, {{0, 0, 0}, {0, 0, 0}}})));
  const Tensor grouped = init::dirac(Tensor::empty({4, 2, 2, 3}, float64), 2);
  for (std::int64_t i = 0; i < grouped.numel(); ++i) {
    const std::int64_t out = i / 12, in = i / 6 % 2, place = i % 6;
    CHECK(grouped.data<double>()[i] == (out % 2 == in && place == 4 ? 1 : 0));
  }
  CHECK_NOTHROW(init::dirac(Tensor::empty({2, 2, 1, 1, 0}, float32)));
}

TEST_CASE("init: sparse weights") {
  for (const DType dtype : {float32, float64}) {
    const std::vector<double> w = numbers(init::sparse(Tensor::empty({10, 6}, dtype), 0.25, 2));
    for (std::size_t j = 0; j < 6; ++j) {
      int zeros = 0;
      for (std::size_t i = 0; i < 10; ++i) zeros += w[i * 6 + j] == 0;
      CHECK(zeros == 3);
    }
  }
}

TEST_CASE("init: deviations by shape") {
  CHECK(init::xavier_deviation({20, 30}, 2) == doctest::Approx(0.4));
  CHECK(init::kaiming_deviation({8, 4, 3, 3}, {.mode = init::Mode::fan_out}) ==
        doctest::Approx(std::sqrt(2.0 / 72)));
  CHECK(init::kaiming_deviation({2, 12}, {.a = std::sqrt(5.0)}) == doctest::Approx(1 / 6.0));
  CHECK(init::gain("conv_transpose2d") == 1);
}

TEST_CASE("init: errors of shaped weights") {
  const Tensor flat = ones({3}), w = ones({3, 4});
  CHECK_BLAMES(ShapeError, "orthogonal: 2 to 10 axes wanted, the shape is [3]",
               init::orthogonal(flat));
  CHECK_BLAMES(ShapeError, "eye: 2 axes wanted, the shape is [3]", init::eye(flat));
  CHECK_BLAMES(ShapeError, "dirac: 3 to 5 axes wanted, the shape is [3, 4]", init::dirac(w));
  CHECK_BLAMES(ShapeError, "dirac: 2 groups do not divide [3, 4, 5]",
               init::dirac(ones({3, 4, 5}), 2));
  CHECK_BLAMES(ShapeError, "sparse: 2 axes wanted", init::sparse(flat, 0.5));
  CHECK_BLAMES(ValueError, "sparse: sparsity is 2, a number from 0 to 1 wanted",
               init::sparse(w, 2));
  CHECK_BLAMES(ValueError, "truncated_normal: a positive deviation and low <= high wanted, not 0,",
               init::truncated_normal(w, 0, 0));
  CHECK_BLAMES(ValueError, "truncated_normal: ", init::truncated_normal(w, 0, 1, 2, 1));
  CHECK_BLAMES(ShapeError, "init: fans need", init::lecun_normal(flat));
  CHECK_BLAMES(DTypeError, "values: the tensor is int64", init::eye(ones({2, 2}, int64)));
  CHECK(equal(w, ones({3, 4})));
}
