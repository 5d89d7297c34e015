#include "../check.hpp"
#include "shared_formula.hpp"

using namespace check;

namespace {

const auto square_less = elementwise("square_less", [](auto a) { return a * a - 3 * a; });
const auto mixed = elementwise("mixed", [](auto a, auto b) { return a * b + a / (b * b + 1); });
const auto chosen =
    elementwise("chosen", [](auto a, auto b, auto c) { return where(a > b, a * c, b - c); });

}  // namespace

TEST_CASE("elementwise: element types") {
  const Tensor f({1.5, -2}), d({0.25, 4}, float64), i({3, -1}, int64), b({1, 0}, boolean);
  CHECK(mixed(f, d).dtype() == float64);
  CHECK(mixed(f, i).dtype() == float32);
  CHECK(mixed(i, b).dtype() == float32);
  CHECK(mixed(b, b).dtype() == float32);
  CHECK(mixed(d, b).dtype() == float64);
  CHECK(mixed(f, 2).dtype() == float32);
  CHECK(mixed(f, 1e-300).dtype() == float32);
  CHECK(mixed(1, 2).dtype() == float32);
  CHECK(numbers(mixed(i, b)) == std::vector<double>{3 + 3 / 2.0, -1});
  // gradients come back in the element type of their tensor
  const Tensor x = f.copy().requires_grad(true), y = d.copy().requires_grad(true);
  sum(mixed(x, y)).backward();
  CHECK(x.grad().dtype() == float32);
  CHECK(y.grad().dtype() == float64);
  CHECK(numbers(x.grad())[0] == doctest::Approx(0.25 + 1 / 1.0625));
  // a boolean argument beside one with a gradient
  x.zero_grad();
  sum(chosen(x, b, i)).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{3, 0});
  const Tensor large = ones({300, 300}).requires_grad(true);
  sum(mixed(large, ones({300, 300}, boolean))).backward();
  CHECK(numbers(sum(large.grad()))[0] == 300 * 300 * 1.5);
  const auto positive = elementwise("positive", [](auto a) { return a > 0; });
  CHECK(positive(f).dtype() == boolean);
  CHECK_FALSE(positive(x).requires_grad());
  CHECK(message<DTypeError>([&] { positive.sum({}, f); }) ==
        "positive: a condition cannot be summed; use where() (" + here() + ")");
  CHECK(message<DTypeError>([&] { formulas::add.mean({}, i, 1); }) ==
        "add: mean of a floating tensor wanted, not of int64; cast() it (" + here() + ")");
  CHECK(formulas::add.sum({}, i, 1).item<std::int64_t>() == 4);
}

TEST_CASE("elementwise: defaults, numbers, formulas inside formulas") {
  const auto bent = elementwise(
      "bent", [](auto x, auto t, auto a) { return where(x > t, x, t + a * (x - t)); },
      Parameter{"t", 0.5}, Parameter{"a", 0.25});
  const Tensor x({-1.5, 0.5, 2});
  CHECK(numbers(bent(x)) == std::vector<double>{0, 0.5, 2});
  CHECK(numbers(bent(x, -2)) == std::vector<double>{-1.5, 0.5, 2});
  CHECK(numbers(bent(x, 1, 0)) == std::vector<double>{1, 1, 2});
  CHECK(bent.at(-1.5, 0.5, 0.25) == 0);
  CHECK(bent.sum({}, x).item<float>() == 2.5f);
  CHECK(bent.mean(0, x, 1, 0).item<double>() == doctest::Approx(4.0 / 3));
  const Tensor t = Tensor(1).requires_grad(true), a = Tensor({0.5, 0.25, 1}).requires_grad(true);
  sum(bent(x, t, a)).backward();
  CHECK(t.grad().item<float>() == doctest::Approx(0.5 + 0.75));
  CHECK(numbers(a.grad()) == std::vector<double>{-2.5, -0.5, 0});
  static const auto inner = elementwise(
      "inner", [](auto u, auto k) { return u * u * k; }, Parameter{"k", 3});
  const auto outer = elementwise("outer", [](auto u) { return inner(u + 1) - inner(u, 2); });
  CHECK(numbers(outer(x))[2] == 27 - 8);
  const Tensor p = x.copy().requires_grad(true);
  sum(outer(p)).backward();
  CHECK(numbers(p.grad())[2] == 6 * 3 - 4 * 2);
  CHECK(inner.at(2, 1.5) == 6);
}

TEST_CASE("elementwise: recorded gradients of sums and means") {
  for (const Dims& dims : {Dims(), Dims(0), Dims(1).keep(), Dims{0, 2}, Dims(-1)}) {
    const auto total = [&](const std::vector<Tensor>& in) { return mixed.sum(dims, in[0], in[1]); };
    const auto average = [&](const std::vector<Tensor>& in) {
      return mixed.mean(dims, in[0], in[1]);
    };
    const std::vector<Tensor> points{randn({2, 3, 4}, float64), randn({3, 1}, float64)};
    for (bool create_graph : {false, true}) {
      CHECK(slope_error(total, points, create_graph) < 1e-7);
      CHECK(slope_error(average, points, create_graph) < 1e-7);
    }
    CHECK(curvature_error(total, points) < 1e-6);
    CHECK(curvature_error(average, points) < 1e-6);
  }
  const Tensor none = zeros({0, 3}).requires_grad(true);
  CHECK(std::isnan(numbers(square_less.mean(0, none))[1]));
  CHECK(numbers(square_less.sum(0, none)) == std::vector<double>{0, 0, 0});
  square_less.mean({}, none).backward();
  CHECK(none.grad().shape() == Shape{0, 3});
}

TEST_CASE("elementwise: what is masked out never becomes NaN") {
  const auto guarded = elementwise("guarded", [](auto x) { return where(x > 0, sqrt(x), 0); });
  for (DType dtype : {float32, float64}) {
    const Tensor x = Tensor({-4, 0, 4, 1}, dtype).requires_grad(true);
    const GradOptions record_it{.retain_graph = true, .create_graph = true};
    const Tensor first = grad(sum(guarded(x)), {x}, record_it)[0];
    CHECK(numbers(first) == std::vector<double>{0, 0, 0.25, 0.5});
    const Tensor second = grad(sum(first), {x}, record_it)[0];
    CHECK(numbers(second) == std::vector<double>{0, 0, -0.03125, -0.25});
    const Tensor third = grad(sum(second), {x}, record_it)[0];
    CHECK(numbers(third)[0] == 0);
    CHECK(numbers(third)[3] == 0.375);
    // the same written with tensors
    sum(where(x > 0, sqrt(x), 0)).backward();
    CHECK(numbers(x.grad()) == std::vector<double>{0, 0, 0.25, 0.5});
    x.zero_grad();
    // an upstream gradient of 0 stays 0
    log(x).backward(Tensor({0, 0, 1, 0}, dtype));
    CHECK(numbers(x.grad()) == std::vector<double>{0, 0, 0.25, 0});
    x.zero_grad();
    sum(sqrt(x) * Tensor({0, 0, 2, 0}, dtype)).backward();
    CHECK(numbers(x.grad())[2] == 0.5);
    CHECK(numbers(x.grad())[1] == 0);
  }
}

TEST_CASE("elementwise: 0-d tensors beside tensors with axes do not widen them") {
  const Tensor narrow = ones({2}), wide = ones({2}, float64), whole = ones({2}, int64);
  const Tensor half(0.5, float64), one(1, int64), single(0.5);
  CHECK((narrow + half).dtype() == float32);
  CHECK((half * narrow).dtype() == float32);
  CHECK((wide + single).dtype() == float64);
  CHECK((whole + half).dtype() == float64);
  CHECK((whole + single).dtype() == float32);
  CHECK((whole + one).dtype() == int64);
  CHECK((narrow + one).dtype() == float32);
  CHECK((single + half).dtype() == float64);
  const Tensor t = half.copy().requires_grad(true);
  sum(narrow * t).backward();
  CHECK(t.grad().dtype() == float64);
  CHECK(t.grad().item<double>() == 2);
}

TEST_CASE("elementwise: one formula in two translation units") {
  const Tensor x({1, 2});
  CHECK(equal(shared_formula(x), elsewhere::apply_shared(x)));
  CHECK(equal(shared_formula.sum({}, x), elsewhere::sum_shared(x)));
  int entries = 0;
  for (const Entry* entry : catalogue()) entries += entry->record.name == std::string("shared");
  CHECK(entries == 1);
}

TEST_CASE("elementwise: shapes that do not broadcast, and the lines of both operands") {
  const Tensor x = zeros({2, 3}), y = zeros({4});
  CHECK(message<ShapeError>([&] { mixed(x, y); }) ==
        "mixed: shapes do not broadcast: [2, 3] and [4] (" + here() + ")");
  CHECK(message<ShapeError>([&] { x + y; }) ==
        "add: shapes do not broadcast: [2, 3] and [4] (" + here() + ")");
  CHECK(message<IndexError>([&] {
          mixed.sum({0, 0}, x, x);
        }) == "mixed: axis 0 is named twice in [0, 0] (" + here() + ")");
  CHECK(message<IndexError>([&] { mixed.sum(2, x, x); }) ==
        "mixed: axis 2 of a tensor with 2 axes (" + here() + ")");
}
