#include <xtape/nn/more_layers.hpp>
#include <xtape/nn/norm_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::listing;
using check::numbers;

namespace {

struct Counter : nn::Module {
  Tensor weight = parameter("weight", ones({2}));
  Tensor count = buffer("count", zeros({}, int64));
  Tensor scratch = buffer("scratch", zeros({3}), false);
  Tensor forward(const Tensor& x) override {
    *count.mutable_data<std::int64_t>() += 1;
    return x * weight;
  }
};

struct Net : nn::Module {
  Counter counter = add("counter", Counter());
  nn::Sequential body = add("body", nn::Sequential(nn::Linear(2, 3), relu, nn::BatchNorm1d(3)));
  Tensor forward(const Tensor& x) override { return body(counter(x)); }
};

struct Probe : nn::Module {  // a module with everything public
  using Module::add;
  using Module::buffer;
  using Module::parameter;
  using Module::remove_parameter;
};

std::vector<std::string> keys(const State& state) {
  std::vector<std::string> all;
  for (const auto& [name, tensor] : state) all.push_back(name);
  return all;
}

}  // namespace

TEST_CASE("buffers: part of the state, not learnt, changed by forward()") {
  Net net;
  CHECK(listing(net) ==
        "counter.weight [2], body.0.weight [3, 2], body.0.bias [3], body.2.weight [3], "
        "body.2.bias [3] | counter.count [], counter.scratch [3], body.2.running_mean [3], "
        "body.2.running_var [3], body.2.num_batches_tracked []");
  net(ones({4, 2}));
  net(ones({4, 2}));
  CHECK(net.buffers()[0].item<std::int64_t>() == 2);
  CHECK(net.buffers()[0].same_as(net.counter.count));
  CHECK(net.parameter_count() == 2 + 6 + 3 + 3 + 3);
  Probe probe;
  probe.parameter("w", ones({1}));
  probe.buffer("b", ones({1}));
  for (const char* name : {"w", "b"}) {
    const std::string rule = "module: there is a '" + std::string(name) + "' already";
    CHECK_BLAMES(ValueError, rule, probe.buffer(name, ones({1})));
    CHECK_BLAMES(ValueError, rule, probe.parameter(name, ones({1})));
    CHECK_BLAMES(ValueError, rule, probe.add(name, Probe()));
  }
  CHECK_BLAMES(ValueError, "module: 'a.b' is no name", probe.buffer("a.b", ones({1})));
  CHECK_BLAMES(GradError, "module: 'g' requires gradients; a buffer is not learnt",
               probe.buffer("g", ones({1}).requires_grad(true)));
  const Tensor w = probe.remove_parameter("w");
  CHECK(w.requires_grad());
  CHECK(listing(probe) == " | b [1]");
  CHECK_BLAMES(ValueError, "module: there is no parameter 'w'", probe.remove_parameter("w"));
  CHECK_BLAMES(ValueError, "module: there is no parameter 'b'", probe.remove_parameter("b"));
}

TEST_CASE("children, all modules, apply") {
  Net net;
  std::vector<std::string> children, all, seen;
  for (const nn::NamedModule& each : net.named_children()) children.push_back(each.name);
  for (const nn::NamedModule& each : net.named_modules()) all.push_back(each.name);
  CHECK(children == std::vector<std::string>{"counter", "body"});
  CHECK(all == std::vector<std::string>{"counter", "body", "body.0", "body.1", "body.2"});
  CHECK(net.named_modules()[2].module->same_as(*net.body.named_children()[0].module));
  CHECK(nn::Linear(1, 1).named_modules().empty());
  nn::Module& self = net.apply([&](nn::Module& module) {
    for (const nn::NamedTensor& named : module.named_parameters()) seen.push_back(named.name);
    if (auto* layer = dynamic_cast<nn::Linear*>(&module)) nn::init::constant(layer->weight, 7);
  });
  CHECK(&self == &net);
  // below first, the module itself last
  CHECK(seen == std::vector<std::string>{"weight", "weight", "bias", "weight", "bias", "0.weight",
                                         "0.bias", "2.weight", "2.bias", "counter.weight",
                                         "body.0.weight", "body.0.bias", "body.2.weight",
                                         "body.2.bias"});
  CHECK(numbers(net.parameters()[1]) == std::vector<double>(6, 7));
}

TEST_CASE("to(): floating parameters and buffers in another element type") {
  Net net;
  const Tensor x = randn({4, 2});
  net.counter.weight.requires_grad(false);
  sum(net(x)).backward();
  net.eval();
  const Tensor y = net(x);
  CHECK(&net.to(float64) == &net);
  for (const Tensor& each : net.parameters()) CHECK(each.dtype() == float64);
  CHECK(net.counter.weight.dtype() == float64);  // the members are the same tensors
  CHECK(net.counter.count.dtype() == int64);
  CHECK(net.counter.scratch.dtype() == float64);
  CHECK_FALSE(net.counter.weight.requires_grad());
  CHECK(net.parameters()[1].requires_grad());
  CHECK_FALSE(net.parameters()[1].grad().defined());
  const Tensor wide = net(cast(x, float64));
  CHECK(wide.dtype() == float64);
  CHECK(distance(wide, y) < 1e-6);
  sum(wide).backward();
  CHECK(net.parameters()[1].grad().dtype() == float64);
  net.to(float32);
  CHECK(distance(net(x), y) < 1e-6);
  CHECK_BLAMES(DTypeError, "module: parameters are floating, int64 is not", net.to(int64));
}

TEST_CASE("requires_grad() freezes a module and thaws it") {
  Net net;
  CHECK(&net.requires_grad(false) == &net);
  CHECK_FALSE(net(randn({4, 2})).requires_grad());
  net.body.requires_grad();
  sum(square(net(randn({4, 2})) + 1)).backward();
  CHECK_FALSE(net.counter.weight.grad().defined());
  CHECK(check::all_learn(net.body));
}

TEST_CASE("state: names and tensors, sharing memory, and back") {
  Net net, other;
  net(randn({4, 2}));
  const State state = net.state_dict();
  CHECK(keys(state) == std::vector<std::string>{"body.0.bias", "body.0.weight", "body.2.bias",
                                                "body.2.num_batches_tracked", "body.2.running_mean",
                                                "body.2.running_var", "body.2.weight",
                                                "counter.count", "counter.weight"});
  for (const auto& [name, tensor] : state) CHECK_FALSE(tensor.requires_grad());
  {
    const NoGrad no_grad;
    assign(net.counter.weight, {0}, 5);
  }
  CHECK(numbers(state.at("counter.weight"))[0] == 5);
  const nn::LoadReport report = other.load_state_dict(state);
  CHECK(report.missing.empty());
  CHECK(report.unexpected.empty());
  net.eval();
  other.eval();
  const Tensor x = randn({4, 2});
  CHECK(equal(net(x), other(x)));
  CHECK(other.counter.count.item<std::int64_t>() == 2);
  CHECK(other.counter.weight.requires_grad());
  net.load_state_dict(net.state_dict());  // onto itself
  CHECK(equal(net(x), other(x)));
  // what the tape still needs is not changed silently
  const Tensor y = other(Tensor({{1, 2}}));
  other.load_state_dict(state);
  CHECK_THROWS_AS(sum(y).backward(), StaleValueError);
}

TEST_CASE("state: floating types are converted, both ways") {
  nn::Linear narrow(3, 2), wide(3, 2, {.dtype = float64});
  wide.load_state_dict(narrow.state_dict());
  CHECK(wide.weight.dtype() == float64);
  CHECK(distance(wide.weight, narrow.weight) == 0);
  nn::Linear again(3, 2);
  again.load_state_dict(wide.state_dict());
  CHECK(equal(again.bias.detach(), narrow.bias.detach()));
}

TEST_CASE("state: all that does not fit is listed, and nothing changes") {
  Net net;
  const std::vector<double> before = numbers(net.parameters()[2]);
  State state = Net().state_dict();
  state["body.0.bias"] = zeros({4});
  state["body.2.num_batches_tracked"] = zeros({});
  state["counter.weight"] = zeros({2}, int64);
  state.erase("counter.count");
  state["extra"] = zeros({1});
  state["body.2.bias"] = Tensor();
  CHECK_BLAMES(ValueError,
               "load_state_dict: the state does not fit: 'body.0.bias' has shape [4], the module "
               "[3]; 'body.2.num_batches_tracked' is float32, the module int64; 'counter.weight' "
               "is int64, the module float32; 'body.2.bias' is missing; 'counter.count' is "
               "missing; 'extra' is unexpected (",
               net.load_state_dict(state));
  CHECK_BLAMES(ValueError,
               "load_state_dict: the state does not fit: 'body.0.bias' has shape [4], the module "
               "[3]; 'body.2.num_batches_tracked' is float32, the module int64; 'counter.weight' "
               "is int64, the module float32 (",
               net.load_state_dict(state, false));
  CHECK(numbers(net.parameters()[2]) == before);
  for (const char* name : {"body.0.bias", "body.2.num_batches_tracked", "counter.weight"})
    state.erase(name);
  state["body.0.weight"] = full({3, 2}, 9);
  const nn::LoadReport report = net.load_state_dict(state, false);
  CHECK(report.missing == std::vector<std::string>{"body.0.bias", "body.2.bias",
                                                   "body.2.num_batches_tracked", "counter.count",
                                                   "counter.weight"});
  CHECK(report.unexpected == std::vector<std::string>{"extra"});
  CHECK(numbers(net.parameters()[1]) == std::vector<double>(6, 9));
  CHECK(numbers(net.parameters()[2]) == before);
}

TEST_CASE("state: a tensor on several paths is there under each") {
  nn::Linear shared(2, 2, {.bias = false});
  nn::Sequential net(shared, shared);
  CHECK(keys(net.state_dict()) == std::vector<std::string>{"0.weight", "1.weight"});
  CHECK(net.named_parameters().size() == 1);
}

TEST_CASE("become: all handles of a tensor show another, old records stay") {
  Tensor a = Tensor({1, 2}, float64).requires_grad(true);
  const Tensor handle = a, y = a * a, old = a.detach();
  const Tensor b = Tensor({3, 4, 5}).requires_grad(true);
  a.become(b * 2);
  CHECK(handle.shape() == Shape{3});
  CHECK(handle.dtype() == float32);
  CHECK(numbers(handle) == std::vector<double>{6, 8, 10});
  sum(handle * handle).backward();
  CHECK(numbers(b.grad()) == std::vector<double>{24, 32, 40});
  CHECK(numbers(old) == std::vector<double>{1, 2});
  CHECK_NOTHROW(sum(y).backward());
  a.become(a.detach());  // itself, off the tape
  CHECK(a.is_leaf());
  CHECK_FALSE(handle.requires_grad());
  a.become(a);
  CHECK(numbers(handle) == std::vector<double>{6, 8, 10});
  CHECK_BLAMES(ValueError, "tensor: used before it was given a value", a.become(Tensor()));
  CHECK_BLAMES(ValueError, "tensor: used before it was given a value", Tensor().become(a));
}
