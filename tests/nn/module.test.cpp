#include "../blames.hpp"

using namespace xtape;
using check::here;
using check::message;

namespace {

using Names = std::vector<std::string>;

struct Probe : nn::Module {  // a module with everything public
  using Module::add;
  using Module::allow_outside_parameters;
  using Module::parameter;
};

Names names(const nn::Module& module) {
  Names all;
  for (const nn::NamedTensor& named : module.named_parameters()) all.push_back(named.name);
  return all;
}

struct Net : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(4, 3));
  Tensor slope = parameter("slope", full({3}, 0.25));
  nn::Linear fc2 = add("fc2", nn::Linear(3, 2, {.bias = false}));
  Tensor forward(const Tensor& x) override { return fc2(prelu(fc1(x), slope)); }
};

}  // namespace

TEST_CASE("module: parameters by name, the module's own first, in order of registration") {
  const Net net;
  CHECK(names(net) == Names{"slope", "fc1.weight", "fc1.bias", "fc2.weight"});
  CHECK(net.parameter_count() == 3 + 12 + 3 + 6);
  const std::vector<Tensor> parameters = net.parameters();
  REQUIRE(parameters.size() == 4);
  CHECK(parameters[0].same_as(net.slope));
  CHECK(parameters[1].same_as(net.fc1.weight));
  CHECK(parameters[3].same_as(net.fc2.weight));
  for (const Tensor& parameter : parameters) CHECK(parameter.requires_grad());
  CHECK(nn::Module().parameters().empty());
  CHECK(nn::Module().parameter_count() == 0);
}

TEST_CASE("module: nested modules have paths of names") {
  struct Outer : nn::Module {
    Net left = add("left", Net()), right = add("right", Net());
    Tensor forward(const Tensor& x) override { return left(x) + right(x); }
  };
  Outer outer;
  CHECK(names(outer) == Names{"left.slope", "left.fc1.weight", "left.fc1.bias", "left.fc2.weight",
                              "right.slope", "right.fc1.weight", "right.fc1.bias",
                              "right.fc2.weight"});
  CHECK(outer(randn({5, 4})).shape() == Shape{5, 2});
}

TEST_CASE("module: children in a vector") {
  struct Deep : nn::Module {
    std::vector<nn::Linear> layers;
    Deep() {
      for (int i = 0; i < 12; ++i)
        layers.push_back(add("layer" + std::to_string(i), nn::Linear(3, 3)));
    }
    Tensor forward(const Tensor& x) override {
      Tensor y = x;
      for (nn::Linear& layer : layers) y = tanh(layer(y));
      return y;
    }
  };
  Deep deep;
  CHECK(deep.named_parameters().size() == 24);
  CHECK(names(deep)[23] == "layer11.bias");  // by registration, not by alphabet
  sum(deep(randn({2, 3}))).backward();
  for (const Tensor& parameter : deep.parameters()) CHECK(parameter.grad().defined());
}

TEST_CASE("module: train and eval reach everything below, through all handles") {
  struct Noisy : nn::Module {
    Tensor forward(const Tensor& x) override { return is_training() ? x + 1 : x; }
  };
  struct Outer : nn::Module {
    nn::Sequential body = add("body", nn::Sequential(nn::Sequential(Noisy()), Noisy()));
    Tensor forward(const Tensor& x) override { return body(x); }
  };
  Outer outer;
  const Outer copy = outer;
  const Tensor x = zeros({1});
  CHECK(outer.is_training());
  CHECK(outer(x).item<float>() == 2);
  CHECK(&outer.eval() == &outer);
  CHECK_FALSE(copy.is_training());
  CHECK_FALSE(outer.body.is_training());
  CHECK(outer(x).item<float>() == 0);
  outer.train();
  CHECK(copy.body.is_training());
  CHECK(outer(x).item<float>() == 2);
  outer.train(false);
  CHECK(outer(x).item<float>() == 0);
}

TEST_CASE("module: zero_grad forgets the gradients of all parameters") {
  Net net;
  sum(net(randn({5, 4}))).backward();
  for (const Tensor& parameter : net.parameters()) CHECK(parameter.grad().defined());
  net.zero_grad();
  for (const Tensor& parameter : net.parameters()) CHECK_FALSE(parameter.grad().defined());
}

TEST_CASE("module: a tied parameter counts once, under its first name") {
  struct Tied : nn::Module {
    nn::Linear in = add("in", nn::Linear(4, 4, {.bias = false}));
    Tensor again = parameter("again", in.weight);
    nn::Linear out = add("out", in);
    Tensor forward(const Tensor& x) override { return out(relu(in(x))) + linear(x, again); }
  };
  Tied tied;
  CHECK(names(tied) == Names{"again"});
  CHECK(tied.parameter_count() == 16);
  const Tensor x = randn({3, 4});
  sum(tied(x)).backward();
  const Tensor w = tied.in.weight.detach().copy().requires_grad(true);
  sum(linear(relu(linear(x, w)), w) + linear(x, w)).backward();
  CHECK(check::distance(tied.again.grad(), w.grad()) < 1e-6);
}

TEST_CASE("module: a copy shares its parameters, a second module does not") {
  Net net;
  Net copy = net, other;
  CHECK(copy.fc1.weight.same_as(net.fc1.weight));
  CHECK(copy.parameters()[0].same_as(net.parameters()[0]));
  CHECK_FALSE(other.fc1.weight.same_as(net.fc1.weight));
}

TEST_CASE("module: a forgotten layer is found at the first call, at the user's line") {
  struct Forgetful : nn::Module {
    nn::Linear fc1 = add("fc1", nn::Linear(2, 2));
    nn::Linear fc2{2, 2};
    std::string line;
    Tensor forward(const Tensor& x) override {
      line = here();
      return fc2(fc1(x));
    }
  };
  Forgetful net;
  const std::string said = message<GradError>([&] { net(ones({1, 2})); });
  CAPTURE(said);
  CHECK(
      said.starts_with("module: a module is used in the forward() of another that did not "
                       "register it"));
  const int at = std::stoi(net.line.substr(net.line.find(':') + 1)) + 1;
  CHECK(said.ends_with("(module.test.cpp:" + std::to_string(at) + ")"));
  // also while nothing is recorded
  const NoGrad no_grad;
  CHECK(message<GradError>([&] { net(ones({1, 2})); }) == said);
}

TEST_CASE("module: a layer that was replaced after it was registered is found") {
  Net net;
  net.fc1 = nn::Linear(4, 3);
  CHECK(message<GradError>([&] { net(ones({1, 4})); }).starts_with("module: a module is used"));
}

TEST_CASE("module: a forgotten tensor is found at the first call, with both lines") {
  struct Forgetful : nn::Module {
    nn::Linear fc = add("fc", nn::Linear(2, 2));
    Tensor scale;
    Tensor forward(const Tensor& x) override { return fc(x) * scale; }
  };
  Forgetful net;
  net.scale = ones({2});
  net.scale.requires_grad(true);
  const std::string made = here();
  const int line = std::stoi(made.substr(made.find(':') + 1)) - 1;
  CHECK_BLAMES(GradError,
               "module: forward() used a tensor that requires gradients since module.test.cpp:" +
                   std::to_string(line) + " but is not registered",
               net(ones({1, 2})));
  // again until it is mended
  CHECK(message<GradError>([&] { net(ones({1, 2})); }).starts_with("module: forward() used"));
  net.scale.requires_grad(false);
  CHECK_NOTHROW(net(ones({1, 2})));
}

TEST_CASE("module: a forgotten tensor in a child, below a long chain, and behind allow_outside") {
  struct Leaky : nn::Module {
    Tensor hidden = ones({1}).requires_grad(true);
    Tensor forward(const Tensor& x) override {
      Tensor y = x * hidden;
      for (int i = 0; i < 20000; ++i) y = y + 1;
      return y;
    }
  };
  struct Outer : nn::Module {
    Leaky leaky = add("leaky", Leaky());
    Tensor forward(const Tensor& x) override { return leaky(x); }
  };
  Outer outer;
  CHECK(message<GradError>([&] { outer(ones({1})); }).starts_with("module: forward() used"));
  struct Allowed : Outer {
    Allowed() { allow_outside_parameters(); }
  };
  Allowed allowed;
  CHECK_NOTHROW(allowed(ones({1})));
}

TEST_CASE("module: what comes in with the argument belongs to nobody") {
  Net net;
  const Tensor before = randn({4, 4}).requires_grad(true), x = randn({5, 4}).requires_grad(true);
  CHECK_NOTHROW(net(x));
  Net second;
  CHECK_NOTHROW(second(matmul(x, before)));
  sum(second(matmul(x, before))).backward();
  CHECK(before.grad().defined());
}

TEST_CASE("module: frozen parameters are no strangers") {
  Net net;
  net.fc1.weight.requires_grad(false);
  sum(net(randn({5, 4}))).backward();
  CHECK_FALSE(net.fc1.weight.grad().defined());
  CHECK(net.fc2.weight.grad().defined());
}

TEST_CASE("module: a layer of somebody else's may be used if that is allowed") {
  nn::Linear shared(2, 2);
  struct User : nn::Module {
    nn::Linear* shared;
    Tensor forward(const Tensor& x) override { return (*shared)(x); }
  };
  User user;
  user.shared = &shared;
  CHECK_THROWS_AS(user(ones({1, 2})), GradError);
  struct Allowed : User {
    Allowed() { allow_outside_parameters(); }
  };
  Allowed allowed;
  allowed.shared = &shared;
  CHECK(allowed(ones({1, 2})).shape() == Shape{1, 2});
}

TEST_CASE("module: an exception in forward() leaves nothing behind") {
  struct Thrower : nn::Module {
    Tensor forward(const Tensor&) override { throw 7; }
  };
  Thrower thrower;
  CHECK_THROWS_AS(thrower(ones({1})), int);
  nn::Linear fc(2, 2);  // would be a stranger if the thrower were still running
  CHECK_NOTHROW(fc(ones({1, 2})));
}

TEST_CASE("module: names that cannot be") {
  Probe module;
  module.parameter("w", ones({1}));
  module.add("c", Probe());
  for (const char* name : {"", "a.b", ".", "fc."}) {
    const std::string rule = "module: '" + std::string(name) + "' is no name: empty or with a dot";
    CHECK_BLAMES(ValueError, rule, module.parameter(name, ones({1})));
    CHECK_BLAMES(ValueError, rule, module.add(name, Probe()));
  }
  for (const char* name : {"w", "c"}) {
    const std::string rule = "module: there is a '" + std::string(name) + "' already";
    CHECK_BLAMES(ValueError, rule, module.parameter(name, ones({1})));
    CHECK_BLAMES(ValueError, rule, module.add(name, Probe()));
  }
  CHECK(names(module) == Names{"w"});
}

TEST_CASE("module: tensors that cannot be learnt") {
  Probe module;
  CHECK_BLAMES(DTypeError, "requires_grad: only floating",
               module.parameter("n", zeros({2}, int64)));
  CHECK_BLAMES(ValueError, "tensor: used before", module.parameter("none", Tensor()));
  const Tensor w = ones({2}).requires_grad(true);
  CHECK_BLAMES(GradError, "module: 'w' was made by an operation; detach() it first",
               module.parameter("w", w * 2));
  CHECK(module.parameters().empty());
  CHECK_NOTHROW(module.parameter("w", ones({2}, float64)));
}

TEST_CASE("module: no module contains itself") {
  Probe a, b;
  CHECK_BLAMES(ValueError, "module: 'a' would contain itself", a.add("a", a));
  a.add("b", b);
  CHECK_BLAMES(ValueError, "module: 'a' would contain itself", b.add("a", a));
}

TEST_CASE("module: without a forward()") {
  nn::Module module;
  CHECK_BLAMES(ValueError, "module: this module has no forward()", module(ones({1})));
}

TEST_CASE("module: errors in the library's layers name the user's line in forward()") {
  struct Outer : nn::Module {
    nn::Linear fc = add("fc", nn::Linear(4, 3));
    std::string line;
    Tensor forward(const Tensor& x) override {
      line = here();
      return fc(x);
    }
  };
  Outer net;
  const std::string said = message<ShapeError>([&] { net(ones({1, 5})); });
  CAPTURE(said);
  CHECK(said.starts_with("linear: x is [1, 5], weight [3, 4]"));
  const int at = std::stoi(net.line.substr(net.line.find(':') + 1)) + 1;
  CHECK(said.ends_with("(module.test.cpp:" + std::to_string(at) + ")"));
  CHECK_BLAMES(ValueError, "tensor: used before it was given a value", net(Tensor()));
  CHECK_NOTHROW(net(ones({1, 4})));
}
