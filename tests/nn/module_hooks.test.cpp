#include <xtape/nn/shape_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::numbers;

TEST_CASE("forward hooks: in order, with the module, changing input and output or not") {
  nn::Linear layer(2, 2, {.dtype = float64});
  const Tensor x = Tensor({{1, 2}}, float64);
  std::string order;
  const auto pre1 = layer.register_forward_pre_hook([&](nn::Module& module, const Tensor& in) {
    CHECK(module.same_as(layer));
    CHECK(equal(in, x));
    order += "a";
    return in * 3;
  });
  const auto pre2 = layer.register_forward_pre_hook([&](nn::Module&, const Tensor& in) {
    CHECK(equal(in, x * 3));
    order += "b";
    return Tensor();
  });
  const auto post1 =
      layer.register_forward_hook([&](nn::Module&, const Tensor& in, const Tensor& out) {
        CHECK(equal(in, x * 3));
        order += "c";
        return out - 1;
      });
  const auto post2 = layer.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor&) {
    order += "d";
    return Tensor();
  });
  CHECK(distance(layer(x), linear(x * 3, layer.weight, layer.bias) - 1) < 1e-14);
  CHECK(order == "abcd");
  nn::Linear copy = layer;  // a handle: the hooks are its hooks, too
  copy(x);
  CHECK(order == "abcdabcd");
  layer.forward(x);  // only the function
  CHECK(order == "abcdabcd");
  layer.remove_hook(pre1);
  copy.remove_hook(post1);
  layer.remove_hook(pre2);
  layer.remove_hook(post2);
  CHECK(equal(layer(x), linear(x, layer.weight, layer.bias)));
  CHECK_BLAMES(ValueError, "module: there is no hook " + std::to_string(pre1),
               layer.remove_hook(pre1));
}

TEST_CASE("forward hooks: one that removes itself, one that throws") {
  nn::Identity layer;
  int calls = 0;
  std::uint64_t id = 0;
  id = layer.register_forward_hook([&](nn::Module& module, const Tensor&, const Tensor&) {
    ++calls;
    module.remove_hook(id);
    return Tensor();
  });
  layer(ones({1}));
  layer(ones({1}));
  CHECK(calls == 1);
  layer.register_forward_pre_hook(
      [](nn::Module&, const Tensor&) -> Tensor { throw std::runtime_error("from the hook"); });
  CHECK_THROWS_WITH_AS(layer(ones({1})), "from the hook", std::runtime_error);
  nn::Linear other(1, 1);
  CHECK_NOTHROW(other(ones({1})));
}

TEST_CASE("backward hooks: gradients of input and output, and changing them") {
  nn::Linear layer(2, 3, {.bias = false, .dtype = float64});
  const Tensor x = randn({4, 2}, float64).requires_grad(true), seed = randn({4, 3}, float64);
  Tensor seen_in, seen_out;
  const auto first = layer.register_full_backward_hook(
      [&](nn::Module& module, const Tensor& grad_in, const Tensor& grad_out) {
        CHECK(module.same_as(layer));
        seen_in = grad_in;
        seen_out = grad_out;
        return Tensor();
      });
  layer(x).backward(seed);
  const Tensor expected = matmul(seed, layer.weight.detach());
  CHECK(equal(seen_out, seed));
  CHECK(distance(seen_in, expected) < 1e-14);
  CHECK(distance(x.grad(), expected) < 1e-14);
  CHECK(distance(layer.weight.grad(), matmul(transpose(seed), x.detach())) < 1e-13);
  const auto second = layer.register_full_backward_hook(
      [](nn::Module&, const Tensor& grad_in, const Tensor&) { return grad_in * 10; });
  layer.register_full_backward_hook(
      [&](nn::Module&, const Tensor& grad_in, const Tensor&) {  // sees what the one before gave
        CHECK(distance(grad_in, expected * 10) < 1e-13);
        return Tensor();
      });
  x.zero_grad();
  layer(x).backward(seed);
  CHECK(distance(x.grad(), expected * 10) < 1e-13);
  // twice through one record
  x.zero_grad();
  const Tensor y = layer(x);
  y.backward(seed, {.retain_graph = true});
  y.backward(seed);
  CHECK(distance(x.grad(), expected * 20) < 1e-12);
  layer.remove_hook(first);
  layer.remove_hook(second);
}

TEST_CASE("backward hooks: without a gradient of the input, off the tape, below others") {
  nn::Linear layer(2, 2);
  int calls = 0;
  layer.register_full_backward_hook(
      [&](nn::Module&, const Tensor& grad_in, const Tensor& grad_out) {
        ++calls;
        CHECK_FALSE(grad_in.defined());
        CHECK(grad_out.shape() == Shape{3, 2});
        return ones({3, 2});  // there is nothing whose place it could take
      });
  const Tensor x = randn({3, 2});
  sum(layer(x)).backward();
  CHECK(calls == 1);
  CHECK(check::all_learn(layer));
  CHECK_FALSE(x.grad().defined());
  {
    const NoGrad no_grad;
    layer(x);
  }
  layer.requires_grad(false);
  CHECK_FALSE(layer(x).requires_grad());
  CHECK(calls == 1);
  // an object that is gone when the backward pass comes; other users of x keep their gradients
  const Tensor leaf = randn({3, 2}).requires_grad(true);
  Tensor loss;
  {
    nn::Sequential net{nn::Linear(2, 2), relu};
    net.register_full_backward_hook([&](nn::Module& module, const Tensor& grad_in, const Tensor&) {
      calls += static_cast<int>(module.named_children().size());
      return grad_in * 0;
    });
    loss = sum(net(leaf)) + sum(leaf * 5);
  }
  loss.backward();
  CHECK(calls == 3);
  CHECK(equal(leaf.grad(), full({3, 2}, 5)));
}

TEST_CASE("backward hooks: gradients of gradients pass through them") {
  nn::Lambda cube([](const Tensor& x) { return x * x * x; });
  cube.register_full_backward_hook(
      [](nn::Module&, const Tensor& grad_in, const Tensor&) { return grad_in * 2; });
  const Tensor x = Tensor({2}, float64).requires_grad(true);
  const Tensor slope = grad(sum(cube(x)), {x}, {.create_graph = true})[0];
  CHECK(numbers(slope) == std::vector<double>{24});
  CHECK(numbers(grad(sum(slope), {x})[0]) == std::vector<double>{24});
}
