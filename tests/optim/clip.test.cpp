#include "../blames.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::numbers;

namespace {

Tensor with_grad(const Tensor& p, const Tensor& g) {
  const Tensor leaf = p.copy().requires_grad(true);
  leaf.set_grad(g.copy());
  return leaf;
}
Tensor with_grad(const Tensor& g) { return with_grad(zeros(g.shape(), g.dtype()), g); }

// The p-norm of all numbers by a loop.
double norm(const std::vector<Tensor>& all, double p) {
  double sum = 0;
  for (const Tensor& each : all)
    for (const double x : numbers(each))
      sum = std::isinf(p) ? std::max(sum, std::abs(x)) : sum + std::pow(std::abs(x), p);
  return std::isinf(p) ? sum : std::pow(sum, 1 / p);
}

}  // namespace

TEST_CASE("clip: norms of every kind") {
  manual_seed(1);
  for (const DType dtype : {float32, float64})
    for (const double p : {1.0, 2.0, 3.0, 0.5, double(INFINITY)})
      for (const double limit : {0.5, 1e6}) {
        const Tensor a = randn({5, 7}, dtype), b = randn({}, dtype), c = randn({0}, dtype);
        const Tensor d = randn({70000}, dtype), none = zeros({3}, dtype).requires_grad(true);
        const std::vector<Tensor> all{with_grad(a), with_grad(b), none, with_grad(c), with_grad(d)};
        const double total = norm({a, b, d}, p), accuracy = dtype == float32 ? 1e-6 : 1e-12;
        CHECK(optim::clip_grad_norm(all, limit, p) == doctest::Approx(total).epsilon(accuracy));
        const double scale = std::min(1.0, limit / (total + 1e-6));
        CHECK(distance(all[0].grad(), a * scale) < accuracy);
        CHECK(distance(all[1].grad(), b * scale) < accuracy);
        CHECK(distance(all[4].grad(), d * scale) < accuracy);
        CHECK_FALSE(none.grad().defined());
      }
}

TEST_CASE("clip: norms at the edge") {
  CHECK(optim::clip_grad_norm({}, 1) == 0);
  const Tensor zero = with_grad(zeros({3})), bad = with_grad(Tensor({1, NAN}));
  CHECK(optim::clip_grad_norm({zero}, 1) == 0);
  CHECK(equal(zero.grad(), zeros({3})));
  CHECK(std::isnan(optim::clip_grad_norm({bad}, 1)));
  CHECK(std::isnan(numbers(bad.grad())[0]));
  for (const double p : {2.0, double(INFINITY)}) {
    const Tensor huge = with_grad(Tensor({1, INFINITY}));
    CHECK(optim::clip_grad_norm({huge}, 1, p) == INFINITY);
    CHECK(numbers(huge.grad())[0] == 0);
    CHECK(std::isnan(numbers(huge.grad())[1]));
  }
  const Tensor least = with_grad(Tensor({3, -2, 5})), count = with_grad(Tensor({0, 4, 5}));
  CHECK(optim::clip_grad_norm({least}, 10, -INFINITY) == 2);
  CHECK(optim::clip_grad_norm({count}, 10, 0) == 1);  // one gradient that is not zero
  CHECK(optim::clip_grad_norm({with_grad(Tensor({3, NAN, 1}))}, 1, 1) != 0);
  CHECK(std::isnan(optim::clip_grad_norm({with_grad(Tensor({3, NAN, 1}))}, 1, INFINITY)));
}

TEST_CASE("clip: the gradient itself is changed") {
  const Tensor p = with_grad(Tensor({3, 4})), g = p.grad();
  optim::clip_grad_norm({p}, 1);
  CHECK(distance(g, Tensor({0.6, 0.8})) < 1e-6);
  optim::clip_grad_value({p}, 0.7);
  CHECK(distance(g, Tensor({0.6, 0.7})) < 1e-6);
}

TEST_CASE("clip: values") {
  const Tensor p = with_grad(Tensor({-INFINITY, -2, -0.5, 0, 1, 7, INFINITY}, float64));
  optim::clip_grad_value({p, zeros({1}).requires_grad(true)}, 1);
  CHECK(equal(p.grad(), Tensor({-1, -1, -0.5, 0, 1, 1, 1}, float64)));
  const Tensor bad = with_grad(Tensor({NAN, 3}));
  optim::clip_grad_value({bad}, 2);
  CHECK(equal(bad.grad(), Tensor({NAN, 2})));
}

TEST_CASE("clip: penalties and decay") {
  const Tensor p = with_grad(Tensor({-2, 0, 3}, float64), Tensor({1, 1, 1}, float64));
  optim::add_penalty({p}, 0.5, 0.25);
  CHECK(distance(p.grad(), Tensor({1 - 0.5 - 0.5, 1, 1 + 0.5 + 0.75}, float64)) < 1e-15);
  const Tensor far = with_grad(Tensor({INFINITY}), Tensor({1}));
  optim::add_penalty({far}, 0.5, 0);
  CHECK(equal(far.grad(), Tensor({1.5})));
  optim::decay({p}, 0.1);
  CHECK(distance(p, Tensor({-1.8, 0, 2.7}, float64)) < 1e-15);
  CHECK(p.is_leaf());
}

TEST_CASE("clip: slices of a limited norm") {
  const Tensor w({{3, 4}, {0.3, 0.4}, {0, 0}}, float64);
  const Tensor rows = w.copy(), columns = w.copy(), deep = reshape(w.copy(), {3, 1, 2, 1});
  optim::limit_norm(rows, 1);
  CHECK(distance(rows, Tensor({{0.6, 0.8}, {0.3, 0.4}, {0, 0}}, float64)) < 1e-15);
  optim::limit_norm(columns, 1, -1);
  for (const int j : {0, 1}) {
    const auto v = numbers(slice(columns, 1, {.start = j, .stop = j + 1}));
    CHECK(std::hypot(v[0], v[1]) == doctest::Approx(1));
  }
  optim::limit_norm(deep, 1);
  CHECK(equal(reshape(deep, {3, 2}), rows));
  CHECK_NOTHROW(optim::limit_norm(zeros({0, 3}), 1));
}

TEST_CASE("clip: errors") {
  const Tensor p = with_grad(ones({2}));
  CHECK_BLAMES(ValueError, "clip_grad_norm: max_norm is nan and norm_type 2",
               optim::clip_grad_norm({p}, NAN));
  CHECK_BLAMES(ValueError, "clip_grad_value: clip_value is -1, it must not be negative",
               optim::clip_grad_value({p}, -1));
  CHECK_BLAMES(ValueError, "limit_norm: max_norm is nan, it must not be negative",
               optim::limit_norm(p, NAN));
  CHECK_BLAMES(IndexError, "limit_norm: ", optim::limit_norm(p, 1, 1));
  CHECK(equal(p.grad(), ones({2})));
}
