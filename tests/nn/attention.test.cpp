#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::distance;
using check::numbers;
using check::slope_error;

TEST_CASE("attention: masks, causal, scale") {
  const Tensor q = randn({2, 3, 5}, float64), k = randn({2, 4, 5}, float64),
               v = randn({2, 4, 2}, float64);
  const Tensor scores = matmul(q, transpose(k));
  CHECK(distance(nn::scaled_dot_product_attention(q, k, v),
                 matmul(softmax(scores / std::sqrt(5.0), -1), v)) < 1e-14);
  const Tensor bias = randn({3, 4}, float64);
  CHECK(distance(nn::scaled_dot_product_attention(q, k, v, {.mask = bias, .scale = 0.7}),
                 matmul(softmax(0.7 * scores + bias, -1), v)) < 1e-14);
  const Tensor allowed = bias > -0.5;
  CHECK(distance(nn::scaled_dot_product_attention(q, k, v, {.mask = allowed, .scale = 1}),
                 matmul(softmax(where(allowed, scores, -INFINITY), -1), v)) < 1e-14);
  const Tensor causal = nn::scaled_dot_product_attention(q, k, v, {.causal = true});
  CHECK(distance(slice(causal, 1, {.stop = 1}), slice(v, 1, {.stop = 1})) < 1e-14);
  for (const bool masked : {false, true}) {
    const check::Function f = [&](const auto& in) {
      return nn::scaled_dot_product_attention(
          in[0], in[1], in[2],
          {.mask = masked ? cast(ones({3, 4}), boolean) : in[3], .causal = masked});
    };
    CHECK(slope_error(f, {q, k, v, bias}) < 1e-8);
    CHECK(curvature_error(f, {q, k, v, bias}) < 1e-5);
  }
  CHECK_BLAMES(ShapeError,
               "scaled_dot_product_attention: a mask of shape [5, 2, 3, 4] does not broadcast to "
               "the scores, [2, 3, 4]",
               nn::scaled_dot_product_attention(q, k, v, {.mask = ones({5, 2, 3, 4}, float64)}));
  CHECK_BLAMES(ShapeError,
               "scaled_dot_product_attention: at least 2 axes wanted: q [5], k [2, 4, 5]",
               nn::scaled_dot_product_attention(ones({5}, float64), k, v));
  CHECK_THROWS_AS(nn::scaled_dot_product_attention(q, v, k), ShapeError);
}

TEST_CASE("multi-head attention: head by head") {
  const std::int64_t length = 3, batch = 2, source = 5, features = 6, heads = 3, each = 2;
  const Tensor query = randn({length, batch, features}, float64),
               key = randn({source, batch, features}, float64),
               value = randn({source, batch, features}, float64);
  const nn::AttentionWeights w{.in_weight = randn({3 * features, features}, float64),
                               .in_bias = randn({3 * features}, float64),
                               .out_weight = randn({features, features}, float64),
                               .out_bias = randn({features}, float64)};
  const nn::Attended out = nn::multi_head_attention(query, key, value, heads, w);
  const auto part = [&](const Tensor& x, std::int64_t which, std::int64_t head) {
    const Range rows{.start = which * features + head * each,
                     .stop = which * features + (head + 1) * each};
    return transpose(linear(x, slice(w.in_weight, 0, rows), slice(w.in_bias, 0, rows)), 0, 1);
  };
  std::vector<Tensor> results;
  Tensor average = zeros({batch, length, source}, float64);
  for (std::int64_t head = 0; head < heads; ++head) {
    const Tensor a =
        softmax(matmul(part(query, 0, head), transpose(part(key, 1, head))) / std::sqrt(2.0), -1);
    average = average + a / 3.0;
    results.push_back(transpose(matmul(a, part(value, 2, head)), 0, 1));
  }
  CHECK(distance(out.weights, average) < 1e-14);
  CHECK(distance(out.output, linear(cat(results, -1), w.out_weight, w.out_bias)) < 1e-13);
  CHECK(slope_error(
            [&](const auto& in) {
              const auto y = nn::multi_head_attention(in[0], in[1], in[2], heads,
                                                      {.in_weight = in[3], .out_weight = in[4]});
              return sum(y.output) + sum(y.weights * y.weights);
            },
            {query, key, value, w.in_weight, w.out_weight}) < 1e-7);
  const char* const op = "multi_head_attention: ";
  CHECK_BLAMES(ValueError, std::string(op) + "6 features for 4 heads",
               nn::multi_head_attention(query, key, value, 4, w));
  CHECK_BLAMES(ShapeError, std::string(op) + "query [L, N, E] and key [S, N, E] wanted, not [2, 6]",
               nn::multi_head_attention(ones({2, 6}, float64), key, value, heads, w));
  CHECK_BLAMES(ShapeError, std::string(op) + "a value of shape [5, 2, 6] wanted",
               nn::multi_head_attention(query, key, query, heads, w));
  nn::AttentionWeights bad = w;
  bad.in_bias = ones({6}, float64);
  CHECK_BLAMES(ShapeError, std::string(op) + "in_bias of shape [18] wanted, it is [6]",
               nn::multi_head_attention(query, key, value, heads, bad));
}
