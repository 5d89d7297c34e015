#include <thread>

#include "../check.hpp"

using namespace check;

TEST_CASE("tape: who requires gradients") {
  Tensor x({1, 2});
  CHECK_FALSE(x.requires_grad());
  CHECK(x.is_leaf());
  x.requires_grad(true);
  CHECK(x.requires_grad());
  CHECK(x.is_leaf());
  const Tensor y = x * 2;
  CHECK(y.requires_grad());
  CHECK_FALSE(y.is_leaf());
  CHECK_FALSE((x.detach() * 2).requires_grad());
  CHECK_FALSE(x.copy().requires_grad());
  CHECK_FALSE((x > 1).requires_grad());
  CHECK_FALSE(cast(x, int64).requires_grad());
  CHECK(cast(x, float64).requires_grad());
  CHECK((Tensor({1, 2}) + x).requires_grad());
  CHECK(message<DTypeError>([] { Tensor({1}, int64).requires_grad(true); }) ==
        "requires_grad: only floating tensors have gradients, this one is int64 (" + here() + ")");
  CHECK_THROWS_AS(Tensor({1}, boolean).requires_grad(true), DTypeError);
  CHECK_NOTHROW(Tensor({1}, int64).requires_grad(false));
  Tensor made = x * 3;
  CHECK(message<GradError>([&] { made.requires_grad(false); }) ==
        "requires_grad: an operation made this tensor; detach() it to stop its gradient (" +
            here() + ")");
  CHECK_NOTHROW(made.requires_grad(true));
  const Tensor copy = x;
  x.requires_grad(false);
  CHECK_FALSE(copy.requires_grad());
  CHECK_FALSE((x * 2).requires_grad());
  CHECK(y.requires_grad());
}

TEST_CASE("tape: backward with and without a seed") {
  const Tensor x = leaf({1, 2, 3});
  sum(x * x).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{2, 4, 6});
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
  const Tensor seed({1, 10, 100}, float64);
  (x * x).backward(seed);
  CHECK(numbers(x.grad()) == std::vector<double>{2, 40, 600});
  CHECK(numbers(seed) == std::vector<double>{1, 10, 100});
  reshape(sum(x * 5), {1, 1}).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{7, 45, 605});
  const Tensor root = leaf(3);
  root.backward();
  CHECK(root.grad().item<double>() == 1);
  const std::string said = message<ShapeError>([&] { (x * 2).backward(); });
  const std::string line = here(Location(__FILE__, __LINE__ - 1));
  CHECK(said ==
        "backward: a tensor of shape [3] needs a seed of its shape; or reduce it with sum() or "
        "mean() (" +
            line + ")");
  CHECK(message<ShapeError>([&] { (x * 2).backward(zeros({2}, float64)); }) ==
        "backward: the seed has shape [2], the tensor [3] (" + here() + ")");
  CHECK(message<DTypeError>([&] { (x * 2).backward(zeros({3})); }) ==
        "backward: the seed is float32, the tensor float64 (" + here() + ")");
  CHECK(message<GradError>([&] { Tensor(1).backward(); }) ==
        "backward: the tensor does not depend on one that requires gradients (" + here() + ")");
  CHECK_THROWS_AS(sum(x > 1).backward(), GradError);
  CHECK(message<ValueError>([&] {
          const Tensor roots[] = {sum(x), sum(x)};
          backward(roots, {&seed, 1});
        }).find("backward: 2 tensors but 1 seeds (") == 0);
}

TEST_CASE("tape: gradients add up over backwards") {
  const Tensor x = leaf({1, 2});
  const Tensor y = sum(x * x * x);
  y.backward({.retain_graph = true});
  const Tensor held = x.grad();
  CHECK(numbers(held) == std::vector<double>{3, 12});
  y.backward();
  CHECK(numbers(x.grad()) == std::vector<double>{6, 24});
  CHECK(held.same_as(x.grad()));  // in place, as in PyTorch
  const std::string text = message<GradError>([&] { y.backward(); });
  CHECK(text.find("sum: its saved values were freed by an earlier backward(); pass "
                  "{.retain_graph = true} to the earlier call (tape.test.cpp:") == 0);
  CHECK(numbers(x.grad()) == std::vector<double>{6, 24});
}

TEST_CASE("tape: derivatives of any order") {
  const Tensor x = leaf(2);
  Tensor y = x * x * x * x;
  const double expected[] = {32, 48, 48, 24};
  for (double value : expected) {
    CHECK(y.requires_grad());
    y = grad(y, {x}, {.retain_graph = false, .create_graph = true})[0];
    CHECK(y.item<double>() == doctest::Approx(value));
  }
  CHECK_FALSE(x.grad().defined());
  Tensor z = exp(x * 2);
  for (int order = 1; order <= 6; ++order) {
    z = grad(z, {x}, {.retain_graph = false, .create_graph = true})[0];
    CHECK(z.item<double>() == doctest::Approx(std::exp(4) * std::pow(2, order)));
  }
  Tensor s = sin(x);
  for (int order = 1; order <= 5; ++order)
    s = grad(s, {x}, {.retain_graph = false, .create_graph = true})[0];
  CHECK(s.item<double>() == doctest::Approx(std::cos(2)));
  // without create_graph the gradient is a constant
  CHECK_FALSE(grad(x * x, {x})[0].requires_grad());
  (x * x * x).backward({.retain_graph = false, .create_graph = true});
  CHECK(x.grad().requires_grad());
  CHECK(grad(x.grad(), {x})[0].item<double>() == doctest::Approx(12));
  x.zero_grad();  // x keeps a gradient that depends on x
}

TEST_CASE("tape: a gradient penalty") {
  const Tensor x = leaf({1, -2, 3}), w = leaf({0.5, 1, -1});
  const Tensor y = sum(sin(x * w));
  const Tensor slope = grad(y, {x}, {.retain_graph = false, .create_graph = true})[0];
  sum(slope * slope).backward();
  const std::vector<double> a = numbers(x), b = numbers(w), g = numbers(w.grad());
  for (std::size_t i = 0; i < 3; ++i) {
    const double c = std::cos(a[i] * b[i]), s = std::sin(a[i] * b[i]);
    CHECK(g[i] == doctest::Approx(2 * b[i] * c * (c - a[i] * b[i] * s)));
  }
}

TEST_CASE("tape: grad() of leaves, of others, and of what does not matter") {
  const Tensor x = leaf({1, 2}), unused = leaf(5);
  const Tensor y = x * x, z = sum(y * 3);
  const std::vector<Tensor> grads = grad(z, {x, y, unused, z}, {.allow_unused = true});
  CHECK(numbers(grads[0]) == std::vector<double>{6, 12});
  CHECK(numbers(grads[1]) == std::vector<double>{3, 3});
  CHECK_FALSE(grads[2].defined());
  CHECK(grads[3].item<double>() == 1);
  CHECK_FALSE(x.grad().defined());
  CHECK(message<GradError>([&] {
          grad(sum(x), {x, Tensor({1})});
        }) == "grad: input 1 does not require gradients (" + here() + ")");
  CHECK(grad(sum(x), {}).empty());
  sum(x * 2).backward();
  grad(sum(x * x), {x});
  CHECK(numbers(x.grad()) == std::vector<double>{2, 2});
  // a later tensor cannot matter
  const Tensor early = x * 2, late = x * 3;
  CHECK_FALSE(grad(sum(early), {late}, {.allow_unused = true})[0].defined());
  CHECK(message<GradError>([&] {
          grad(sum(early), {early, late});
        }) ==
        "grad: input 1 has no influence; with {.allow_unused = true} its gradient is a tensor that "
        "is not defined() (" +
            here() + ")");
  // the same input twice
  const std::vector<Tensor> twice = grad(sum(x * x), {x, x});
  CHECK(equal(twice[0], twice[1]));
  CHECK(twice[0].data<double>() != twice[1].data<double>());
}

TEST_CASE("tape: results of grad() share nothing") {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4});
  const Tensor x = a * 2, y = b * 2, z = x + y;
  const Tensor seed({1, 1}, float64), roots[] = {z}, inputs[] = {x, y, z};
  for (bool create_graph : {false, true}) {
    const std::vector<Tensor> g =
        grad(roots, inputs, {&seed, 1}, {.retain_graph = true, .create_graph = create_graph});
    const NoGrad off;
    for (int k = 0; k < 3; ++k) g[k].mutable_values<double>().fill(10 + k);
    for (int k = 0; k < 3; ++k) CHECK(numbers(g[k]) == std::vector<double>{10.0 + k, 10.0 + k});
    CHECK(numbers(seed) == std::vector<double>{1, 1});
  }
}

TEST_CASE("tape: kept gradients share nothing") {
  for (bool create_graph : {false, true}) {
    CAPTURE(create_graph);
    const Tensor x = leaf({1, 2}), y = leaf({3, 4});
    const Tensor seed({1, 5}, float64);
    const BackwardOptions options{.retain_graph = true, .create_graph = create_graph};
    (x + y).backward(seed, options);
    x.backward(seed, options);
    {
      const Tensor own = leaf({0, 0});
      own.backward(seed, options);
      own.backward(seed);
      CHECK(numbers(own.grad()) == std::vector<double>{2, 10});
    }
    CHECK(numbers(x.grad()) == std::vector<double>{2, 10});
    CHECK(numbers(y.grad()) == std::vector<double>{1, 5});
    sum(x).backward();
    CHECK(numbers(x.grad()) == std::vector<double>{3, 11});
    CHECK(numbers(y.grad()) == std::vector<double>{1, 5});
    const NoGrad off;
    x.grad().mutable_values<double>().fill(-1);
    CHECK(numbers(y.grad()) == std::vector<double>{1, 5});
    CHECK(numbers(seed) == std::vector<double>{1, 5});
  }
}

TEST_CASE("tape: a recorded gradient is not overwritten by a plain one") {
  const Tensor x = leaf(3);
  (x * x * x).backward({.retain_graph = false, .create_graph = true});
  const Tensor recorded = x.grad();
  (x * 2).backward();
  CHECK(recorded.item<double>() == doctest::Approx(27));
  CHECK(x.grad().item<double>() == doctest::Approx(29));
  x.zero_grad();
}

TEST_CASE("tape: NoGrad and EnableGrad nest") {
  const Tensor x = leaf(2);
  CHECK(grad_enabled());
  {
    const NoGrad off;
    CHECK_FALSE((x * 2).requires_grad());
    {
      const EnableGrad on;
      CHECK((x * 2).requires_grad());
      const GradMode again(false);
      CHECK_FALSE((x * 2).requires_grad());
    }
    CHECK_FALSE(grad_enabled());
    bool elsewhere = false;
    std::thread([&] { elsewhere = (x * 2).requires_grad(); }).join();
    CHECK(elsewhere);
    Tensor made = x * 2;
    CHECK(made.is_leaf());
    made.requires_grad(true);
    CHECK(made.requires_grad());
  }
  CHECK(grad_enabled());
  try {
    const NoGrad off;
    throw 1;
  } catch (int) {
  }
  CHECK(grad_enabled());
  const Tensor y = x * x;
  {
    const NoGrad off;
    y.backward();  // walking back needs no recording
  }
  CHECK(x.grad().item<double>() == 4);
}

TEST_CASE("tape: detach stops the gradient") {
  const Tensor x = leaf(3);
  (x * x.detach()).backward();
  CHECK(x.grad().item<double>() == 3);
  const Tensor y = x * x;
  CHECK_FALSE(y.detach().requires_grad());
  CHECK(y.requires_grad());
}

TEST_CASE("tape: set_grad") {
  const Tensor x = leaf({1, 2});
  const Tensor g({5, 6}, float64);
  x.set_grad(g);
  CHECK(equal(x.grad(), g));
  CHECK(message<ShapeError>([&] { x.set_grad(zeros({3}, float64)); }) ==
        "set_grad: the gradient has shape [3], the tensor [2] (" + here() + ")");
  CHECK(message<DTypeError>([&] { x.set_grad(zeros({2})); }) ==
        "set_grad: the gradient is float32, the tensor float64 (" + here() + ")");
  const std::string none = "set_grad: only a leaf that requires gradients has one to set (";
  CHECK(message<GradError>([&] { (x * 2).set_grad(g); }) == none + here() + ")");
  CHECK(message<GradError>([&] { Tensor({1, 2}, float64).set_grad(g); }) == none + here() + ")");
  x.set_grad(x * 2);  // its graph is not wanted
  CHECK_FALSE(x.grad().requires_grad());
}

TEST_CASE("tape: retain_grad") {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * x;
  const Tensor other = x * 3;
  y.retain_grad();
  y.retain_grad();
  const Tensor z = sum(y * y + other);
  z.backward({.retain_graph = true});
  CHECK(numbers(y.grad()) == std::vector<double>{2, 8});
  CHECK_FALSE(other.grad().defined());
  grad(z, {x}, {.retain_graph = true});
  CHECK(numbers(y.grad()) == std::vector<double>{2, 8});  // grad() touches nothing
  z.backward();
  CHECK(numbers(y.grad()) == std::vector<double>{4, 16});  // adds up, as in PyTorch
  y.grad().mutable_values<double>().fill(7);
  CHECK(numbers(x.grad()) == std::vector<double>{2 * (2 * 1 * 2 + 3), 2 * (2 * 2 * 8 + 3)});
  y.zero_grad();
  CHECK_FALSE(y.grad().defined());
  CHECK(message<GradError>([] { Tensor(1).retain_grad(); }) ==
        "retain_grad: the tensor does not require gradients (" + here() + ")");
  CHECK_NOTHROW(x.retain_grad());
}

TEST_CASE("tape: a retained gradient is not what its neighbours get") {
  const Tensor x = leaf({1, 2}), y = leaf({1, 1});
  const Tensor a = x * 1.0, b = y * 1.0;
  a.retain_grad();
  b.retain_grad();
  sum(a + b).backward();
  a.grad().mutable_values<double>().fill(9);
  CHECK(numbers(b.grad()) == std::vector<double>{1, 1});
  CHECK(numbers(x.grad()) == std::vector<double>{1, 1});
}

TEST_CASE("tape: one tensor on several paths") {
  const Tensor x = leaf(3);
  const auto slope = [&](const Tensor& y) {
    x.zero_grad();
    y.backward();
    const double first = x.grad().item<double>();
    return first;
  };
  CHECK(slope(x * x) == 6);
  CHECK(slope(x + x) == 2);
  CHECK(slope(x - x) == 0);
  CHECK(slope(x / x) == doctest::Approx(0));
  const Tensor a = x * 2;
  CHECK(slope(a * a + a) == 26);
  const Tensor left = sin(x), right = cos(x);
  CHECK(slope(left * right) == doctest::Approx(std::cos(6)));
  Tensor fibonacci = x, before = x;  // reuses every node twice: 2^n paths
  for (int i = 0; i < 60; ++i) std::swap(fibonacci = fibonacci + before, before);
  CHECK(slope(fibonacci) > 1e9);
  // with a gradient that is there already, to which both slopes are added in place
  x.zero_grad();
  (x * x).backward();
  (x * x).backward();
  CHECK(x.grad().item<double>() == 12);
  const Tensor v = leaf({{1, 2}, {3, 4}});
  matmul(v, v).backward(ones({2, 2}, float64));
  matmul(v, v).backward(ones({2, 2}, float64));
  CHECK(numbers(v.grad()) == std::vector<double>{14, 22, 18, 26});
}

TEST_CASE("tape: several roots") {
  const Tensor x = leaf({1, 2});
  const Tensor a = x * x, b = sum(a), roots[] = {a, b, a};
  const Tensor seed({1, 10}, float64), seeds[] = {seed, Tensor(100.0, float64), seed};
  backward(roots, seeds);
  CHECK(numbers(x.grad()) == std::vector<double>{2 * 102, 4 * 120});
  CHECK(numbers(seed) == std::vector<double>{1, 10});
}
