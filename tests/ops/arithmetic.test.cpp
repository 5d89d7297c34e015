#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

std::vector<double> list(const Tensor& tensor) { return numbers(tensor); }
using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("arithmetic: integers stay integers, / does not") {
  const Tensor a({7, -7, 3}, int64), b({2, 2, -2}, int64);
  for (const Tensor& out : {a + b, a - b, a * b, -a, maximum(a, b), minimum(a, b), abs(a), sign(a),
                            where(a > b, a, b), square(a), a + 1, 1 - a, a * true})
    CHECK(out.dtype() == int64);
  CHECK(list(a + b) == Numbers{9, -5, 1});
  CHECK(list(a * b) == Numbers{14, -14, -6});
  CHECK(list(-a) == Numbers{-7, 7, -3});
  CHECK(list(abs(a)) == Numbers{7, 7, 3});
  CHECK(list(sign(a)) == Numbers{1, -1, 1});
  CHECK(list(sign(Tensor({0, -5}, int64))) == Numbers{0, -1});
  CHECK((a / b).dtype() == float32);
  CHECK(list(a / b) == Numbers{3.5, -3.5, -1.5});
  CHECK(list(a / 0) == Numbers{infinity, -infinity, infinity});
  CHECK((a + 0.5).dtype() == float32);
  CHECK((a + Tensor({0.5}, float64)).dtype() == float64);
  CHECK((a * Tensor({1, 0, 1}, boolean)).dtype() == int64);
  constexpr std::int64_t big = (std::int64_t{1} << 60) + 1;
  CHECK((Tensor({big}, int64) - Tensor({1}, int64)).item<std::int64_t>() == big - 1);
  CHECK(maximum(Tensor({big}, int64), Tensor({big - 1}, int64)).item<std::int64_t>() == big);
}

TEST_CASE("arithmetic: comparisons and logic are boolean") {
  const Tensor a({1, 2, not_a_number, infinity}), b({2, 2, 1, infinity});
  for (const Tensor& out : {a<b, a <= b, a> b, a >= b, a == b, a != b, a && b, a || b, !a})
    CHECK(out.dtype() == boolean);
  CHECK(list(a < b) == Numbers{1, 0, 0, 0});
  CHECK(list(a <= b) == Numbers{1, 1, 0, 1});
  CHECK(list(a > b) == Numbers{0, 0, 0, 0});
  CHECK(list(a >= b) == Numbers{0, 1, 0, 1});
  CHECK(list(a == b) == Numbers{0, 1, 0, 1});
  CHECK(list(a != b) == Numbers{1, 0, 1, 0});
  const Tensor p({0, 0, 1, 1}, boolean), q({0, 1, 0, 1}, boolean);
  CHECK(list(p && q) == Numbers{0, 0, 0, 1});
  CHECK(list(p || q) == Numbers{0, 1, 1, 1});
  CHECK(list(!p) == Numbers{1, 1, 0, 0});
  CHECK(list(p == q) == Numbers{1, 0, 0, 1});
  CHECK(list(Tensor({0.5, 0, not_a_number}) && true) == Numbers{1, 0, 1});
  CHECK((Tensor({{1, 2, 3}}) < Tensor({{2}, {3}})).shape() == Shape{2, 3});
  CHECK(list(Tensor({3}, int64) == 3) == Numbers{1});
  CHECK(list(Tensor({3}, int64) < 3.5) == Numbers{1});
  const Tensor long_row = arange(0, 1000, 1, float64);
  CHECK(sum(long_row >= 250).item<int>() == 750);
}

TEST_CASE("arithmetic: where") {
  const Tensor c({1, 0, 1}, boolean), x = Tensor({1, 2, 3}, float64).requires_grad(true);
  const Tensor y = Tensor({{10}, {20}}, float64).requires_grad(true);
  const Tensor out = where(c, x, y);
  CHECK(list(out) == Numbers{1, 10, 3, 1, 20, 3});
  sum(out).backward();
  CHECK(list(x.grad()) == Numbers{2, 0, 2});
  CHECK(list(y.grad()) == Numbers{1, 1});
  CHECK(list(where(c, not_a_number, 1)).back() != 1);
  CHECK(list(where(c, 1, not_a_number))[0] == 1);
  CHECK(where(c, 1, 0).dtype() == int64);
  CHECK(where(Tensor({0, 2}, float64), 1, 0).dtype() == int64);
  CHECK(where(Tensor({0, 2}, float64), Tensor({1, 2}), 0).dtype() == float32);
  CHECK(list(where(Tensor({0.0, 2.0}), 1, 0)) == Numbers{0, 1});
  CHECK(list(where(Tensor({3, 0}, int64), Tensor({1.5, 2.5}), 0)) == Numbers{1.5, 0});
}

TEST_CASE("arithmetic: maximum and minimum: ties, infinities, NaN") {
  const Tensor a({1, 3, infinity, -infinity, not_a_number, 1, -infinity, 3e38}),
      b({2, 3, infinity, -infinity, 1, not_a_number, infinity, 3e38});
  for (DType dtype : {float32, float64}) {
    const Tensor x = cast(a.copy(), dtype).requires_grad(true),
                 y = cast(b.copy(), dtype).requires_grad(true);
    const Tensor high = maximum(x, y), low = minimum(x, y);
    CHECK(equal(
        high, cast(Tensor({2, 3, infinity, -infinity, not_a_number, not_a_number, infinity, 3e38}),
                   dtype)));
    CHECK(equal(
        low, cast(Tensor({1, 3, infinity, -infinity, not_a_number, not_a_number, -infinity, 3e38}),
                  dtype)));
    sum(slice(high, 0, {.start = 0, .stop = 4})).backward({.retain_graph = true});
    CHECK(list(x.grad()) == Numbers{0, 0.5, 0.5, 0.5, 0, 0, 0, 0});
    CHECK(list(y.grad()) == Numbers{1, 0.5, 0.5, 0.5, 0, 0, 0, 0});
    const Tensor slope =
        grad(sum(maximum(x * x, y)), {x}, {.retain_graph = false, .create_graph = true})[0];
    CHECK(list(slope)[0] == 0);
    CHECK(list(slope)[1] == 6);
  }
  CHECK(list(maximum(Tensor({3, -5}, int64), Tensor({3, -5}, int64))) == Numbers{3, -5});
  CHECK(list(minimum(Tensor({3, -5}, int64), -5)) == Numbers{-5, -5});
}

TEST_CASE("arithmetic: weigh") {
  const Tensor g = Tensor({0, 0, 2}).requires_grad(true), s({infinity, not_a_number, 3});
  CHECK(list(weigh(g, s)) == Numbers{0, 0, 6});
  sum(weigh(g, s)).backward();
  CHECK(list(g.grad()) == Numbers{0, 0, 3});
}

TEST_CASE("arithmetic: slopes of every order") {
  const std::vector<Tensor> points{Tensor({{0.7, -1.2, 2.1}, {0.4, 1.9, -0.3}}, float64),
                                   Tensor({1.3, 0.6, -0.8}, float64)};
  const std::vector<Function> functions = {
      [](auto& x) { return x[0] + x[1]; },
      [](auto& x) { return x[0] - x[1]; },
      [](auto& x) { return x[0] * x[1]; },
      [](auto& x) { return x[0] / x[1]; },
      [](auto& x) { return 2 / x[1] - x[0]; },
      [](auto& x) { return -x[0] * 3; },
      [](auto& x) { return maximum(x[0], x[1]); },
      [](auto& x) { return minimum(x[0] * x[0], x[1]); },
      [](auto& x) { return abs(x[0]) * sign(x[1]); },
      [](auto& x) { return where(x[0] > x[1], x[0] * x[0], x[1]); },
      [](auto& x) { return weigh(x[0], x[1]); },
      [](auto& x) { return square(x[0]) * x[1]; },
      [](auto& x) { return fmax(x[0] * x[0], x[1]) * fmin(x[0], x[1]); },
      [](auto& x) { return lerp(x[0], x[1] * x[1], x[1]); },
      [](auto& x) { return addcmul(x[0], x[1], x[0], x[1]); },
      [](auto& x) { return addcdiv(x[0], x[1], x[0], -0.3); },
  };
  for (std::size_t i = 0; i < functions.size(); ++i) {
    CAPTURE(i);
    CHECK(slope_error(functions[i], points) < 1e-7);
    CHECK(slope_error(functions[i], points, true) < 1e-7);
    CHECK(curvature_error(functions[i], points) < 1e-6);
  }
}

TEST_CASE("arithmetic: booleans") {
  const Tensor p({0, 0, 1, 1}, boolean), q({0, 1, 0, 1}, boolean);
  CHECK(equal(p + q, Tensor({0, 1, 1, 1}, boolean)));
  CHECK(equal(p * q, Tensor({0, 0, 0, 1}, boolean)));
  CHECK(equal(logical_xor(p, q), Tensor({0, 1, 1, 0}, boolean)));
  CHECK(equal(where(p, q, p), Tensor({0, 0, 0, 1}, boolean)));
  CHECK(equal(where(Tensor({1, 1, 0, 0}, int64), p, q), Tensor({0, 0, 0, 1}, boolean)));
  CHECK(equal(p + 1, Tensor({1, 1, 2, 2}, int64)));
  CHECK(equal(logical_xor(Tensor({0, 2, not_a_number}), Tensor({3, 5, 0})),
              Tensor({1, 0, 1}, boolean)));
}

TEST_CASE("arithmetic: zero has a sign") {
  for (DType dtype : {float32, float64}) {
    const std::vector<double> out = list(-Tensor({0.0, -0.0, 1}, dtype));
    CHECK(std::signbit(out[0]));
    CHECK(!std::signbit(out[1]));
    CHECK(out[2] == -1);
    CHECK(!std::signbit(list(abs(Tensor({-0.0}, dtype)))[0]));
  }
}

TEST_CASE("arithmetic: fmax and fmin lose NaN and give ties to the first") {
  const Tensor a = Tensor({1, 3, not_a_number, 2, not_a_number}, float64).requires_grad(true);
  const Tensor b = Tensor({2, 3, 1, not_a_number, not_a_number}, float64).requires_grad(true);
  const Tensor high = fmax(a, b);
  CHECK(equal(high.detach(), Tensor({2, 3, 1, 2, not_a_number}, float64)));
  CHECK(equal(fmin(a, b).detach(), Tensor({1, 3, 1, 2, not_a_number}, float64)));
  sum(high).backward();
  CHECK(list(a.grad()) == Numbers{0, 1, 0, 1, 1});
  CHECK(list(b.grad()) == Numbers{1, 0, 1, 0, 0});
  CHECK(fmax(Tensor({1}, int64), 2).dtype() == int64);
}

TEST_CASE("arithmetic: lerp, addcmul, addcdiv, masked_fill") {
  const Tensor a({1, 2}, float64), b({5, -2}, float64), x({10, 20}, float64);
  CHECK(list(lerp(a, b, 0.25)) == Numbers{2, 1});
  // both ends exactly, although the difference of such numbers has lost one of them
  const Tensor small({0.1}, float64), large({1e17}, float64);
  CHECK(list(lerp(small, large, 1)) == Numbers{1e17});
  CHECK(list(lerp(large, small, 1)) == Numbers{0.1});
  CHECK(list(lerp(small, large, 0)) == Numbers{0.1});
  CHECK(list(addcmul(x, a, b, 0.5)) == Numbers{12.5, 18});
  CHECK(list(addcmul(x, a, b)) == Numbers{15, 16});
  CHECK(list(addcdiv(x, b, a, -2)) == Numbers{0, 22});
  CHECK(lerp(zeros({3, 1}), zeros({2}), zeros({})).shape() == Shape{3, 2});
  CHECK(addcmul(zeros({0, 2}), zeros({2}), 1).shape() == Shape{0, 2});

  const Tensor leaf = Tensor({{1, 2}, {3, 4}}, float64).requires_grad(true);
  const Tensor filled = masked_fill(leaf, Tensor({1, 0}, boolean), -infinity);
  CHECK(list(filled) == Numbers{-infinity, 2, -infinity, 4});
  sum(where(filled > 0, filled, 0)).backward();
  CHECK(list(leaf.grad()) == Numbers{0, 1, 0, 1});
  CHECK_THROWS_WITH_AS(masked_fill(leaf, Tensor({1, 0}), 0),
                       doctest::Contains("masked_fill: the mask is boolean, not float32"),
                       DTypeError);
}
