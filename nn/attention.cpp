#include <fmt/format.h>

#include <cmath>
#include <xtape/nn/attention.hpp>
#include <xtape/nn/softmax.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/slicing.hpp>

namespace xtape::nn {

namespace {

constexpr double never = -std::numeric_limits<double>::infinity();

// softmax(q k^T scale + mask)
Tensor attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options,
                         const char* op, const Location& at) {
  if (q.rank() < 2 || k.rank() < 2)
    raise<ShapeError>(
        at, op,
        fmt::format("at least 2 axes wanted: q {}, k {}", q.shape().str(), k.shape().str()));
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
  Tensor scores = xtape::detail::matmul_transposed(q * scale, k, op, at);
  const Shape shape = scores.shape();
  if (options.mask.defined()) {
    const Tensor& mask = options.mask;
    if (broadcast(mask.shape(), shape, op, at) != shape)
      raise<ShapeError>(at, op,
                        fmt::format("a mask of shape {} does not broadcast to the scores, {}",
                                    mask.shape().str(), shape.str()));
    scores = mask.dtype() == boolean ? where(mask, scores, never) : scores + mask;
  }
  if (options.causal) {
    const auto rows = static_cast<double>(scores.size(-2)),
               columns = static_cast<double>(scores.size(-1));
    const Tensor row = unsqueeze(arange(0, rows, 1, int64), -1),
                 column = arange(0, columns, 1, int64);
    scores = where(column <= row, scores, never);
  }
  return dropout(softmax(scores, -1), options.dropout);
}

// [L, N, heads * d] as [N, heads, L, d]
Tensor split_heads(const Tensor& x, std::int64_t heads) {
  const Shape& shape = x.shape();
  return permute(reshape(x, Shape{shape[0], shape[1], heads, shape[2] / heads}), {1, 2, 0, 3});
}

void check(const Tensor& tensor, const Shape& wanted, const char* what, const Location& at) {
  if (tensor.defined() && tensor.shape() != wanted)
    raise<ShapeError>(
        at, "multi_head_attention",
        fmt::format("{} of shape {} wanted, it is {}", what, wanted.str(), tensor.shape().str()));
}

}  // namespace

Tensor scaled_dot_product_attention(const Arg& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options) {
  const Caller caller(q.where());
  return matmul(attention_weights(q.as_tensor(float32), k, options, "scaled_dot_product_attention",
                                  q.where()),
                v);
}

Attended multi_head_attention(const Arg& argument, const Tensor& key, const Tensor& value,
                              std::int64_t heads, const AttentionWeights& weights,
                              const AttentionOptions& options) {
  constexpr const char* op = "multi_head_attention";
  const Location at = argument.where();
  const Caller caller(at);
  const Tensor query = argument.as_tensor(float32);
  if (query.rank() != 3 || key.rank() != 3)
    raise<ShapeError>(at, op,
                      fmt::format("query [L, N, E] and key [S, N, E] wanted, not {} and {}",
                                  query.shape().str(), key.shape().str()));
  const std::int64_t batch = query.shape()[1], features = query.shape()[2];
  if (heads < 1 || features % heads != 0)
    raise<ValueError>(at, op, fmt::format("{} features for {} heads", features, heads));
  check(key, {key.shape()[0], batch, features}, "a key", at);
  check(value, key.shape(), "a value", at);
  check(weights.in_weight, {3 * features, features}, "in_weight", at);
  check(weights.in_bias, {3 * features}, "in_bias", at);
  check(weights.out_weight, {features, features}, "out_weight", at);
  check(weights.out_bias, {features}, "out_bias", at);
  const auto project = [&](const Tensor& x, std::int64_t k) {
    const Range third{.start = k * features, .stop = (k + 1) * features};
    const Tensor& bias = weights.in_bias;
    return split_heads(linear(x, slice(weights.in_weight, 0, third),
                              bias.defined() ? slice(bias, 0, third) : bias),
                       heads);
  };
  const Tensor attention = attention_weights(project(query, 0), project(key, 1), options, op, at);
  const Tensor attended = permute(matmul(attention, project(value, 2)), {2, 0, 1, 3});
  return {linear(reshape(attended, query.shape()), weights.out_weight, weights.out_bias),
          mean(attention, 1)};
}

}  // namespace xtape::nn
