#include <xtape/nn/containers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::equal;
using check::listing;

TEST_CASE("module list: by number, named as in PyTorch, part of what holds it") {
  struct Net : nn::Module {
    nn::ModuleList hidden = add("hidden", nn::ModuleList{nn::Linear(2, 3), relu, nn::Linear(3, 2)});
    Tensor forward(const Tensor& x) override {
      Tensor y = x;
      for (std::size_t i = 0; i < hidden.size(); ++i) y = hidden[i](y);
      return y;
    }
  };
  Net net;
  CHECK(listing(net) ==
        "hidden.0.weight [3, 2], hidden.0.bias [3], hidden.2.weight [2, 3], hidden.2.bias [2]");
  const Tensor x = randn({4, 2});
  const std::vector<Tensor> p = net.parameters();
  CHECK(equal(net(x), linear(relu(linear(x, p[0], p[1])), p[2], p[3])));
  net.hidden.append(nn::Linear(2, 5));
  CHECK(net.hidden.size() == 4);
  CHECK(net(x).shape() == Shape{4, 5});
  net.eval();
  CHECK_FALSE(net.hidden[3].is_training());
  Net copy = deep_copy(net);
  CHECK(equal(copy(x), net(x)));
  CHECK_FALSE(copy.hidden[0].same_as(net.hidden[0]));
  CHECK(nn::ModuleList().size() == 0);
  CHECK_BLAMES(IndexError, "ModuleList: number 4, but there are 4 modules", net.hidden.at(4));
  CHECK_BLAMES(ValueError, "module: this module has no forward()", net.hidden(x));
}

TEST_CASE("module dict: by name, in order of insertion") {
  nn::ModuleDict heads{{"b", nn::Linear(2, 3)}, {"a", nn::Linear(2, 1, {.bias = false})}};
  heads.insert("act", relu);
  CHECK(heads.names() == std::vector<std::string>{"b", "a", "act"});
  CHECK(listing(heads) == "b.weight [3, 2], b.bias [3], a.weight [1, 2]");
  CHECK(heads.size() == 3);
  CHECK(heads.contains("a"));
  CHECK_FALSE(heads.contains("c"));
  const Tensor x = randn({4, 2});
  CHECK(equal(heads["a"](x), linear(x, heads.parameters()[2])));
  CHECK(equal(heads["act"](x), relu(x)));
  CHECK_BLAMES(ValueError, "ModuleDict: there is no 'c' among [b, a, act]", heads.at("c"));
  CHECK_BLAMES(ValueError, "module: there is a 'a' already", heads.insert("a", nn::Linear(1, 1)));
  CHECK_BLAMES(ValueError, "module: 'x.y' is no name", heads.insert("x.y", nn::Linear(1, 1)));
}
