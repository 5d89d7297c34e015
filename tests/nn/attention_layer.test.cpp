#include <xtape/nn/attention_layer.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::listing;
using check::numbers;

TEST_CASE("multi-head attention layer: parameters, the function, masks") {
  manual_seed(6);
  nn::MultiheadAttention layer(8, 2);
  CHECK(listing(layer) ==
        "in_proj_weight [24, 8], in_proj_bias [24], out_proj.weight [8, 8], out_proj.bias [8]");
  CHECK(check::fills(layer.in_proj_weight, std::sqrt(6.0 / 32)));
  CHECK(check::fills(layer.out_proj.weight, 1 / std::sqrt(8.0)));
  CHECK(equal(layer.in_proj_bias.detach(), zeros({24})));
  CHECK(equal(layer.out_proj.bias.detach(), zeros({8})));
  CHECK(listing(nn::MultiheadAttention(4, 4, {.bias = false})) ==
        "in_proj_weight [12, 4], out_proj.weight [4, 4]");
  const nn::AttentionWeights weights{layer.in_proj_weight, layer.in_proj_bias,
                                     layer.out_proj.weight, layer.out_proj.bias};
  const Tensor q = randn({5, 3, 8}), k = randn({4, 3, 8}), v = randn({4, 3, 8});
  const nn::Attended got = layer(q, k, v), wanted = nn::multi_head_attention(q, k, v, 2, weights);
  CHECK(equal(got.output, wanted.output));
  CHECK(equal(got.weights, wanted.weights));
  const Tensor mask = rand({3, 1, 1, 4}) > 0.2;
  CHECK(equal(layer(q, k, v, {.mask = mask}).output,
              nn::multi_head_attention(q, k, v, 2, weights, {.mask = mask}).output));
  CHECK(equal(layer(q, q, q, {.causal = true}).output,
              nn::multi_head_attention(q, q, q, 2, weights, {.causal = true}).output));
  CHECK(equal(static_cast<nn::Module&>(layer)(q), layer(q, q, q).output));
  sum(got.output).backward();
  CHECK(check::all_learn(layer));
}

TEST_CASE("multi-head attention layer: batch first, dropout, errors") {
  nn::MultiheadAttention layer(8, 2), first(8, 2, {.batch_first = true});
  first.load_state_dict(layer.state_dict());
  const Tensor q = randn({5, 3, 8}), k = randn({4, 3, 8});
  const auto turned = [](const Tensor& x) { return transpose(x, 0, 1); };
  CHECK(equal(turned(first(turned(q), turned(k), turned(k)).output), layer(q, k, k).output));
  Generator own(4);
  nn::MultiheadAttention noisy(8, 2, {.dropout = 0.5, .generator = &own});
  noisy.load_state_dict(layer.state_dict());
  const std::vector<double> clean = numbers(layer(q, k, k).weights);
  const Tensor drawn = noisy(q, k, k).weights;
  CHECK_FALSE(equal(drawn, layer(q, k, k).weights));
  CHECK(own.stream() == 1);
  noisy.eval();
  CHECK(equal(noisy(q, k, k).output, layer(q, k, k).output));
  // dropout of the weights is that of the function for each head
  Generator one(7), two(7);
  const Tensor v = randn({3, 4}), queries = randn({2, 4}), keys = randn({3, 4});
  const Tensor shares = softmax(matmul(queries * 0.5, transpose(keys)), -1);
  CHECK(distance(nn::scaled_dot_product_attention(queries, keys, v,
                                                  {.dropout = {.p = 0.4, .generator = &one}}),
                 matmul(nn::dropout(shares, {.p = 0.4, .generator = &two}), v)) < 1e-6);
  CHECK_BLAMES(ValueError, "MultiheadAttention: 8 features for 3 heads",
               nn::MultiheadAttention(8, 3));
  CHECK_BLAMES(ValueError, "MultiheadAttention: 8 features for 0 heads",
               nn::MultiheadAttention(8, 0));
  CHECK_BLAMES(ValueError, "MultiheadAttention: dropout is -1, not in [0, 1]",
               nn::MultiheadAttention(8, 2, {.dropout = -1}));
  CHECK_BLAMES(ShapeError, "MultiheadAttention: 3 axes wanted, not [8]",
               first(ones({8}), ones({8}), ones({8})));
  CHECK_BLAMES(ShapeError, "multi_head_attention: ", layer(q, randn({4, 2, 8}), k));
}
