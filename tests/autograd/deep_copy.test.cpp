#include <xtape/nn/dropout_layers.hpp>
#include <xtape/nn/norm_layers.hpp>
#include <xtape/nn/reparametrize.hpp>

#include "../blames.hpp"

using namespace xtape;
using check::equal;
using check::numbers;

namespace {

struct Net : nn::Module {
  nn::Sequential body = add("body", nn::Sequential(nn::Linear(3, 4), relu, nn::BatchNorm1d(4)));
  std::vector<nn::Linear> heads =
      add("heads", std::vector<nn::Linear>{nn::Linear(4, 2), nn::Linear(4, 2)});
  nn::Linear normed = add("normed", nn::weight_norm(nn::Linear(2, 2)));
  Tensor scale = parameter("scale", ones({2}));
  Tensor forward(const Tensor& x) override {
    const Tensor y = body(x);
    return normed(heads[0](y) * heads[1](y)) * scale;
  }
};

void step(const nn::Module& module) {  // p -= 0.1 gradient
  const NoGrad no_grad;
  for (const Tensor& parameter : module.parameters())
    assign(parameter, {ellipsis}, parameter - 0.1 * parameter.grad());
}

}  // namespace

TEST_CASE("deep copy: the same network with tensors of its own, which trains by itself") {
  manual_seed(5);
  Net net;
  const Tensor x = randn({6, 3});
  net(x);
  Net copy = deep_copy(net);
  const auto named = net.named_parameters(), same = copy.named_parameters();
  REQUIRE(named.size() == same.size());
  REQUIRE(named.size() == 12);
  for (std::size_t i = 0; i < named.size(); ++i) {
    CAPTURE(named[i].name);
    CHECK(named[i].name == same[i].name);
    CHECK_FALSE(named[i].tensor.same_as(same[i].tensor));
    CHECK(named[i].tensor.value()->elements() != same[i].tensor.value()->elements());
    CHECK(equal(named[i].tensor.detach(), same[i].tensor.detach()));
    CHECK(same[i].tensor.requires_grad());
  }
  CHECK(copy.buffers().size() == net.buffers().size());
  CHECK(copy.scale.same_as(same[0].tensor));  // members and what is registered are one
  CHECK(copy.heads[1].weight.same_as(same[7].tensor));
  net.eval();
  CHECK(copy.is_training());
  copy.eval();
  const Tensor before = net(x).detach();
  CHECK(equal(copy(x), before));
  copy.train();
  for (int i = 0; i < 3; ++i) {
    copy.zero_grad();
    sum(square(copy(x))).backward();
    for (const Tensor& parameter : copy.parameters()) CHECK(parameter.grad().defined());
    step(copy);
  }
  CHECK(equal(net(x), before));
  copy.eval();
  CHECK_FALSE(equal(copy(x), before));
  for (const Tensor& parameter : net.parameters()) CHECK_FALSE(parameter.grad().defined());
  CHECK_FALSE(equal(copy.buffers()[0], net.buffers()[0]));
}

TEST_CASE("deep copy: tied and frozen parameters, hooks, no graph") {
  nn::Linear shared(2, 2, {.bias = false});
  nn::Sequential net(shared, relu, shared);
  nn::Sequential copy = deep_copy(net);
  CHECK(copy.parameters().size() == 1);
  const auto children = copy.named_children();
  CHECK(children[0].module->same_as(*children[2].module));
  CHECK_FALSE(children[0].module->same_as(shared));
  shared.requires_grad(false);
  CHECK_FALSE(deep_copy(net).parameters()[0].requires_grad());
  CHECK(copy.parameters()[0].requires_grad());
  // what hooks hold is copied, too
  const Tensor seen = zeros({1});
  nn::Linear hooked(2, 2);
  const auto id = hooked.register_forward_hook([seen](nn::Module&, const Tensor&, const Tensor&) {
    *seen.mutable_data<float>() += 1;
    return Tensor();
  });
  nn::Linear other = deep_copy(hooked);
  other(ones({2}));
  CHECK(seen.item<float>() == 0);
  other.remove_hook(id);
  hooked(ones({2}));
  CHECK(seen.item<float>() == 1);
  // handles made after it are handles again
  const Tensor a = ones({2}), b = a;
  CHECK(b.same_as(a));
  const Tensor w = ones({2}).requires_grad(true);
  struct Holder : nn::Module {
    Tensor w, y;
    Tensor forward(const Tensor& x) override { return x; }
  } holder;
  holder.w = w;
  holder.y = w * 2;
  const Holder alone = deep_copy(holder);
  CHECK(alone.w.requires_grad());
  CHECK_FALSE(alone.y.requires_grad());
  CHECK(equal(alone.y, holder.y.detach()));
  CHECK_FALSE(deep_copy(Holder()).w.defined());
}

TEST_CASE("deep copy: nested copies and copies after an error") {
  struct Thrower : nn::Module {
    Thrower() = default;
    Thrower(const Thrower& from) : Module(from) { throw std::runtime_error("cannot be copied"); }
    Tensor forward(const Tensor& x) override { return x; }
  };
  const Thrower thrower;
  CHECK_THROWS_WITH_AS(deep_copy(thrower), "cannot be copied", std::runtime_error);
  const Tensor a = ones({2}), b = a;
  CHECK(b.same_as(a));
  struct Copier : nn::Module {  // copies a part deeply while it is copied itself
    nn::Linear inner{2, 2};
    Copier() = default;
    Copier(const Copier& from) : Module(from), inner(deep_copy(from.inner)) {}
    Tensor forward(const Tensor& x) override { return inner(x); }
  };
  const Copier copier;
  const Copier twice = deep_copy(copier);
  CHECK_FALSE(twice.inner.weight.same_as(copier.inner.weight));
  CHECK(equal(twice.inner.weight.detach(), copier.inner.weight.detach()));
}
