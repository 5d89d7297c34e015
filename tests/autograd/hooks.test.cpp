#include "../check.hpp"

using namespace check;

TEST_CASE("hooks: a hook sees the complete gradient once and may replace it") {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = x * x;
  std::vector<std::vector<double>> seen;
  y.register_hook([&](const Tensor& grad) {
    seen.push_back(numbers(grad));
    return grad * 10;
  });
  y.retain_grad();
  const Tensor z = sum(y * 2) + sum(y * 3);
  z.backward({.retain_graph = true});
  CHECK(seen == std::vector<std::vector<double>>{{5, 5, 5}});
  CHECK(numbers(x.grad()) == std::vector<double>{100, 200, 300});
  CHECK(numbers(y.grad()) == std::vector<double>{50, 50, 50});
  z.backward();
  CHECK(seen.size() == 2);
  CHECK(numbers(x.grad()) == std::vector<double>{200, 400, 600});
}

TEST_CASE("hooks: on a leaf they see the sum of all paths, in backward() and in grad()") {
  const Tensor x = leaf({1, 2});
  std::vector<double> seen;
  const std::uint64_t id = x.register_hook([&](const Tensor& grad) {
    seen = numbers(grad);
    return -grad;
  });
  const auto f = [&] { return sum(x * 2) + sum(x * x) + sum(x); };
  f().backward();
  CHECK(seen == std::vector<double>{5, 7});
  CHECK(numbers(x.grad()) == std::vector<double>{-5, -7});
  f().backward();  // the hook gets what is new, not the sum with what was there
  CHECK(seen == std::vector<double>{5, 7});
  CHECK(numbers(x.grad()) == std::vector<double>{-10, -14});
  CHECK(numbers(grad(f(), {x})[0]) == std::vector<double>{-5, -7});
  CHECK(numbers(x.grad()) == std::vector<double>{-10, -14});
  x.remove_hook(id);
  CHECK(numbers(grad(f(), {x})[0]) == std::vector<double>{5, 7});
}

TEST_CASE(
    "hooks: they run in order, may remove themselves, and one that returns nothing only looks") {
  const Tensor x = leaf(3);
  std::string order;
  std::uint64_t second = 0;
  x.register_hook([&](const Tensor& grad) {
    order += "a";
    return grad + 1;
  });
  second = x.register_hook([&](const Tensor& grad) {
    order += "b" + std::to_string(static_cast<int>(grad.item<double>()));
    x.remove_hook(second);
    return Tensor();
  });
  x.register_hook([&](const Tensor& grad) { return grad * 2; });
  (x * 5).backward();
  CHECK(order == "ab6");
  CHECK(x.grad().item<double>() == 12);
  x.zero_grad();
  (x * 5).backward();
  CHECK(order == "ab6a");
}

TEST_CASE("hooks: what they compute can be differentiated again") {
  const Tensor x = leaf(2);
  const Tensor y = x * x;
  y.register_hook([&](const Tensor& grad) { return grad * x; });
  const GradOptions again{.retain_graph = true, .create_graph = true};
  const Tensor first = grad(y, {x}, again)[0];  // x * 2x
  CHECK(first.item<double>() == 8);
  CHECK(grad(first, {x})[0].item<double>() == 8);  // 4x
}

TEST_CASE("hooks: errors") {
  const Tensor x = leaf({1, 2}), y = x * 2;
  const std::string made = here();
  CHECK(message<GradError>([] {
          zeros({2}).register_hook([](const Tensor& g) { return g; });
        }).find("register_hook: the tensor does not require gradients") == 0);
  CHECK(message<ValueError>([&] {
          x.remove_hook(0);
        }).find("remove_hook: the tensor has no hook 0 (") == 0);
  y.register_hook([](const Tensor&) { return zeros({3}, float64); });
  CHECK(message<ShapeError>([&] { sum(y).backward({.retain_graph = true}); }) ==
        "backward: a hook of mul gave a gradient of float64 [3] to a tensor of float64 [2] (" +
            made.substr(0, made.find(':')) + ":" +
            std::to_string(std::stoi(made.substr(made.find(':') + 1)) - 1) + ")");
  // an exception in a hook leaves the tape usable
  const Tensor z = leaf({1, 1});
  const std::uint64_t id =
      z.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("boom"); });
  const Tensor w = sum(z * z);
  CHECK_THROWS_AS(w.backward({.retain_graph = true}), std::runtime_error);
  z.remove_hook(id);
  w.backward();
  CHECK(numbers(z.grad()) == std::vector<double>{2, 2});
}
