#include <xtape/nn/convolutions.hpp>
#include <xtape/nn/lsuv.hpp>
#include <xtape/nn/reparametrize.hpp>
#include <xtape/nn/shape_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::numbers;

namespace {

double variance_of(const Tensor& x) { return moments(cast(x, float64)).var.item<double>(); }

}  // namespace

TEST_CASE("lsuv: the output of every layer has variance 1, whatever the order of registration") {
  struct Net : nn::Module {
    nn::Linear last = add("last", nn::Linear(60, 40));
    nn::Conv1d first = add("first", nn::Conv1d(2, 6, 3, {.padding = 1}));
    Tensor seen1, seen2;
    Tensor forward(const Tensor& x) override {
      seen1 = first(x);
      seen2 = last(flatten(relu(seen1), 1));
      return seen2;
    }
  };
  manual_seed(1);
  Net net;
  const Tensor x = randn({64, 2, 10}) * 7 + 1;
  nn::init::lsuv(net, x, {.tolerance = 0.01});
  const NoGrad no_grad;
  net(x);
  CHECK(variance_of(net.seen1) == doctest::Approx(1).epsilon(0.011));
  CHECK(variance_of(net.seen2) == doctest::Approx(1).epsilon(0.011));
  // rows stay orthogonal
  const Tensor w = reshape(net.first.weight.detach(), {6, 6});
  const Tensor products = matmul(w, transpose(w));
  const std::vector<double> gram = numbers(products);
  for (int i = 0; i < 36; ++i)
    CHECK(std::abs(gram[i] - (i % 7 == 0 ? gram[0] : 0)) < 1e-5 * gram[0]);
  CHECK(net.first.weight.requires_grad());
  CHECK(net.is_training());
}

TEST_CASE("lsuv: from the weights there are, of one layer, and what is left alone") {
  nn::Linear layer(5, 7, {.bias = false, .dtype = float64});
  const Tensor before = layer.weight.detach().copy(), x = randn({50, 5}, float64);
  const double deviation = std::sqrt(variance_of(layer(x)));
  nn::init::lsuv(layer, x, {.tolerance = 1e-6, .orthogonal = false});
  CHECK(check::distance(layer.weight, before / deviation) < 1e-6);
  nn::init::lsuv(layer, x, {.tolerance = 0.5, .max_iterations = 0, .orthogonal = false});
  CHECK(check::distance(layer.weight, before / deviation) < 1e-6);
  // a layer that is used twice is scaled once; computed weights are not touched
  nn::Linear same(3, 3), normed = nn::weight_norm(nn::Linear(3, 3));
  nn::Sequential net(same, same, normed);
  const std::vector<double> kept = numbers(normed.weight);
  nn::init::lsuv(net, randn({40, 3}));
  CHECK(numbers(normed.weight) == kept);
  nn::Sequential zero(nn::Lambda([](const Tensor& y) { return y * 0; }),
                      nn::Linear(3, 2, {.bias = false}));
  CHECK_BLAMES(ValueError, "lsuv: the output of a layer with a weight [2, 3] has variance 0",
               nn::init::lsuv(zero, ones({4, 3})));
  CHECK_THROWS_AS(nn::init::lsuv(zero, ones({4, 5})), ShapeError);
  CHECK_NOTHROW(zero(ones({4, 3})));  // the hooks are gone
}
