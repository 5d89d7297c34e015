#include <xtape/nn/more_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::listing;
using check::numbers;

TEST_CASE("bilinear layer: two inputs through call()") {
  manual_seed(11);
  nn::Bilinear layer(9, 4, 30, {.dtype = float64});
  CHECK(listing(layer) == "weight [30, 9, 4], bias [30]");
  CHECK(check::fills(layer.weight, 1.0 / 3));
  const Tensor a = randn({5, 9}, float64), b = randn({5, 4}, float64);
  CHECK(equal(layer(a, b), bilinear(a, b, layer.weight, layer.bias)));
  sum(layer(a, b)).backward();
  CHECK(check::all_learn(layer));
  nn::Bilinear plain(2, 3, 4, {.bias = false});
  CHECK(listing(plain) == "weight [4, 2, 3]");
  CHECK_BLAMES(ValueError, "Bilinear: sizes of at least 1 wanted: 2 and 0 to 4",
               nn::Bilinear(2, 0, 4));
  CHECK_BLAMES(ShapeError, "bilinear: ", plain(ones({1, 2}), ones({1, 4})));
  CHECK_BLAMES(ValueError, "module: this module has no forward()",
               static_cast<nn::Module&>(plain)(ones({1, 2})));
}

TEST_CASE("call(): hooks, strangers and forgotten tensors, as in operator()") {
  nn::Bilinear layer(2, 3, 4);
  const Tensor a = randn({5, 2}), b = randn({5, 3});
  const Tensor plain = layer(a, b);
  layer.register_forward_pre_hook([](nn::Module&, const Tensor& x) { return x * 2; });
  layer.register_forward_hook([&](nn::Module&, const Tensor& x, const Tensor& y) {
    CHECK(equal(x, a * 2));
    return y + 1;
  });
  CHECK(distance(layer(a, b), bilinear(a * 2, b, layer.weight, layer.bias) + 1) < 1e-6);
  struct Forgetful : nn::Module {
    nn::Bilinear inner{2, 3, 4};
    Tensor b;
    Tensor forward(const Tensor& x) override { return inner(x, b); }
  };
  Forgetful net;
  net.b = b;
  CHECK(check::message<GradError>([&] { net(a); }).starts_with("module: a module is used"));
  struct Leaky : nn::Module {
    Tensor hidden = ones({1}).requires_grad(true);
    Tensor operator()(const Arg& x, const Tensor& y) {
      return call({x.tensor(), y}, x.where(), [this](std::span<const Tensor> in) {
        return std::vector<Tensor>{in[0] * in[1] * hidden};
      })[0];
    }
  };
  Leaky leaky;
  CHECK_BLAMES(GradError, "module: forward() used a tensor", leaky(ones({1}), ones({1})));
  // what comes in belongs to nobody
  const Tensor outside = randn({5, 3}).requires_grad(true);
  nn::Bilinear fresh(2, 3, 4);
  CHECK_NOTHROW(fresh(a, outside * 2));
}

TEST_CASE("maxout layer: the largest of linear functions") {
  nn::Maxout layer(3, 2, 4, {.dtype = float64});
  CHECK(listing(layer) == "weight [8, 3], bias [8]");
  const Tensor x = randn({5, 3}, float64);
  const std::vector<double> all = numbers(linear(x, layer.weight, layer.bias)),
                            got = numbers(layer(x));
  REQUIRE(got.size() == 10);
  for (std::size_t i = 0; i < 10; ++i)
    CHECK(got[i] == *std::max_element(all.begin() + i * 4, all.begin() + i * 4 + 4));
  sum(layer(x)).backward();
  CHECK(check::all_learn(layer));
  CHECK_BLAMES(ValueError, "Linear: sizes of at least 1 wanted: 3 to 0", nn::Maxout(3, 2, 0));
}

TEST_CASE("layers over single functions") {
  const Tensor x = randn({3, 4, 2});
  CHECK(equal(nn::Softmax(1, {.temperature = 2})(x), softmax(x, 1, {.temperature = 2})));
  CHECK(equal(nn::LogSoftmax(-1)(x), log_softmax(x, -1)));
  CHECK(equal(nn::GLU(1)(x), glu(x, 1)));
  nn::Softmax far(3);
  CHECK_BLAMES(IndexError, "softmax: ", far(x));
  nn::PReLU slope(4, 0.1);
  CHECK(listing(slope) == "weight [4]");
  CHECK(equal(slope(x), nn::prelu(x, full({4}, 0.1))));
  sum(slope(x)).backward();
  CHECK(check::all_learn(slope));
  CHECK(listing(nn::PReLU()) == "weight [1]");
  CHECK(numbers(nn::PReLU().weight)[0] == 0.25);
  Generator own(3), other(3);
  nn::RReLU random(0.1, 0.4, &own);
  CHECK(equal(random(x), nn::rrelu(x, 0.1, 0.4, true, other)));
  random.eval();
  CHECK(equal(random(x), nn::rrelu(x, 0.1, 0.4)));
  CHECK_BLAMES(ValueError, "PReLU: at least 1 parameter wanted, got 0", nn::PReLU(0));
  CHECK_BLAMES(ValueError, "RReLU: lower 1 is above upper 0", nn::RReLU(1, 0));
}
