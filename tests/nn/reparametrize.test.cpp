#include <xtape/nn/convolutions.hpp>
#include <xtape/nn/recurrent_layers.hpp>
#include <xtape/nn/reparametrize.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::listing;
using check::numbers;

TEST_CASE("weight norm: names, values, gradients") {
  nn::Linear layer(3, 4, {.dtype = float64});
  const Tensor before = layer.weight.detach().copy();
  nn::Linear normed = nn::weight_norm(layer);
  CHECK(normed.same_as(layer));
  CHECK(listing(normed) == "bias [4], weight_g [4, 1], weight_v [4, 3]");
  CHECK(distance(layer.weight, before) < 1e-15);
  const Tensor g = layer.parameters()[1], v = layer.parameters()[2];
  for (int row = 0; row < 4; ++row) {
    double norm = 0;
    for (int i = 0; i < 3; ++i) norm += std::pow(numbers(before)[row * 3 + i], 2);
    CHECK(numbers(g)[row] == doctest::Approx(std::sqrt(norm)));
  }
  {  // the direction's length does not matter, the norm does
    const NoGrad no_grad;
    assign(g, {ellipsis}, g * 2);
    assign(v, {ellipsis}, v * 5);
  }
  const Tensor x = randn({2, 3}, float64);
  CHECK(distance(layer(x), linear(x, before * 2, layer.bias)) < 1e-14);
  sum(square(layer(x))).backward();
  CHECK(check::all_learn(layer));
  CHECK(std::abs(sum(v.grad() * v).item<double>()) < 1e-12);  // orthogonal to v, as in the paper
  // every step anew: twice backward, and in evaluation
  layer.eval();
  sum(square(layer(x))).backward();
  const NoGrad no_grad;
  CHECK(distance(layer(x), linear(x, before * 2, layer.bias)) < 1e-14);
}

TEST_CASE("weight norm: along other axes, of convolutions and recurrent weights") {
  nn::Linear layer(3, 4);
  nn::weight_norm(layer, "weight", 1);
  CHECK(listing(layer) == "bias [4], weight_g [1, 3], weight_v [4, 3]");
  nn::Linear whole = nn::weight_norm(nn::Linear(3, 4), "weight", std::nullopt);
  CHECK(listing(whole) == "bias [4], weight_g [1, 1], weight_v [4, 3]");
  nn::Linear bias = nn::weight_norm(nn::Linear(3, 4), "bias");
  CHECK(listing(bias) == "weight [4, 3], bias_g [4], bias_v [4]");
  CHECK(bias(ones({3})).shape() == Shape{4});
  nn::Conv2d conv = nn::weight_norm(nn::Conv2d(2, 4, 3));
  CHECK(listing(conv) == "bias [4], weight_g [4, 1, 1, 1], weight_v [4, 2, 3, 3]");
  nn::LSTM lstm(2, 3);
  const Tensor x = randn({4, 1, 2}), plain = lstm(x).output.detach();
  nn::weight_norm(lstm, "weight_hh_l0");
  CHECK(distance(lstm(x).output, plain) < 1e-6);
  const NoGrad no_grad;
  for (const nn::NamedTensor& each : lstm.named_parameters())
    if (each.name == "weight_hh_l0_g") assign(each.tensor, {ellipsis}, 0);
  CHECK_FALSE(distance(lstm(x).output, plain) < 1e-3);
}

TEST_CASE("weight norm: a member, its copies, states, and other element types") {
  struct Net : nn::Module {
    nn::Linear fc = add("fc", nn::weight_norm(nn::Linear(3, 2)));
    Tensor forward(const Tensor& x) override { return fc(x); }
  };
  Net net;
  Net copy = deep_copy(net);
  const Tensor x = randn({4, 3});
  CHECK(listing(copy) == "fc.bias [2], fc.weight_g [2, 1], fc.weight_v [2, 3]");
  CHECK(equal(copy(x), net(x)));
  const Tensor before = copy(x).detach();
  {
    const NoGrad no_grad;
    for (const Tensor& parameter : net.parameters()) assign(parameter, {ellipsis}, parameter + 1);
  }
  CHECK(equal(copy(x), before));
  CHECK_FALSE(equal(net(x), before));
  copy.load_state_dict(net.state_dict());
  CHECK(equal(copy(x), net(x)));
  net.to(float64);
  CHECK(net(cast(x, float64)).dtype() == float64);
  CHECK_BLAMES(ValueError, "weight_norm: there is no parameter 'weight'", nn::weight_norm(net.fc));
  CHECK_BLAMES(ValueError, "weight_norm: there is no parameter 'fc.bias'",
               nn::weight_norm(net, "fc.bias"));
  nn::Linear layer(3, 4);
  CHECK_BLAMES(IndexError, "weight_norm: ", nn::weight_norm(layer, "weight", 2));
  CHECK(listing(layer) == "weight [4, 3], bias [4]");
}

TEST_CASE("spectral norm: the weight has the largest singular value 1") {
  manual_seed(2);
  nn::Linear layer(6, 4, {.dtype = float64});
  const Tensor before = layer.weight.detach().copy();
  nn::spectral_norm(layer, "weight", {.n_power_iterations = 3});
  CHECK(listing(layer) == "bias [4], weight_orig [4, 6] | weight_u [4], weight_v [6]");
  const Tensor x = randn({2, 6}, float64);
  for (int i = 0; i < 40; ++i) layer(x);
  const double largest = svd(before).s.data<double>()[0];
  CHECK(distance(layer.weight, before / largest) < 1e-6);
  CHECK(distance(layer(x), linear(x, before / largest, layer.bias)) < 1e-6);
  // two forwards before one backward: u and v of the first are not overwritten
  const Tensor first = layer(x), second = layer(x);
  sum(square(first) + square(second)).backward();
  CHECK(check::all_learn(layer));
  layer.eval();
  const std::vector<double> u = numbers(layer.buffers()[0]);
  layer(x);
  CHECK(numbers(layer.buffers()[0]) == u);
  const auto through = [&](const std::vector<Tensor>& in) {
    const NoGrad no_grad;
    assign(layer.parameters()[1], {ellipsis}, in[0]);
    const EnableGrad grad;
    return layer(x);
  };
  const Tensor original = layer.parameters()[1];
  layer.zero_grad();
  check::probe(layer(x)).backward();
  const std::vector<double> slope = numbers(original.grad());
  const Tensor point = original.detach().copy();
  for (int i : {0, 7, 23}) {  // u and v count as constants: right only where they have converged
    const Tensor step = zeros({24}, float64);
    assign(step, {i}, 1e-6);
    const Tensor move = reshape(step, {4, 6});
    const double above = check::probe(through({point + move})).item<double>(),
                 below = check::probe(through({point - move})).item<double>();
    CHECK(slope[i] == doctest::Approx((above - below) / 2e-6).epsilon(1e-5));
  }
}

TEST_CASE("spectral norm: convolutions, copies, errors") {
  nn::Conv2d conv = nn::spectral_norm(nn::Conv2d(2, 4, 3));
  CHECK(listing(conv) == "bias [4], weight_orig [4, 2, 3, 3] | weight_u [4], weight_v [18]");
  nn::ConvTranspose1d turned =
      nn::spectral_norm(nn::ConvTranspose1d(2, 4, 3), "weight", {.dim = 1});
  CHECK(listing(turned) == "bias [4], weight_orig [2, 4, 3] | weight_u [4], weight_v [6]");
  const Tensor x = randn({1, 2, 6, 6});
  nn::Conv2d copy = deep_copy(conv);
  CHECK(equal(copy(x), conv(x)));
  const std::vector<double> u = numbers(copy.buffers()[0]);
  conv(x);
  CHECK(numbers(copy.buffers()[0]) == u);
  CHECK_FALSE(numbers(conv.buffers()[0]) == u);
  nn::Linear layer(3, 4);
  CHECK_BLAMES(ValueError, "spectral_norm: there is no parameter 'w'",
               nn::spectral_norm(layer, "w"));
  CHECK_BLAMES(ShapeError, "spectral_norm: a weight of 2 axes or more wanted, its shape is [4]",
               nn::spectral_norm(layer, "bias"));
  CHECK_BLAMES(ValueError, "spectral_norm: -1 power iterations",
               nn::spectral_norm(layer, "weight", {.n_power_iterations = -1}));
  CHECK_BLAMES(IndexError, "spectral_norm: ", nn::spectral_norm(layer, "weight", {.dim = 2}));
  CHECK(listing(layer) == "weight [4, 3], bias [4]");
}
