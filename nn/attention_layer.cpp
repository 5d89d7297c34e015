#include <fmt/format.h>

#include <xtape/nn/attention_layer.hpp>
#include <xtape/nn/init.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       const MultiheadAttentionOptions& options, Location where)
    : out_proj(embed_dim, embed_dim, {.bias = options.bias, .dtype = options.dtype}, where),
      heads_(num_heads),
      options_(options) {
  constexpr const char* layer = "MultiheadAttention";
  if (num_heads < 1 || embed_dim % num_heads != 0)
    raise<ValueError>(where, layer, fmt::format("{} features for {} heads", embed_dim, num_heads));
  if (!(options.dropout >= 0 && options.dropout <= 1))
    raise<ValueError>(where, layer, fmt::format("dropout is {}, not in [0, 1]", options.dropout));
  in_proj_weight = parameter(
      "in_proj_weight",
      init::xavier_uniform(Tensor::empty({3 * embed_dim, embed_dim}, options.dtype)), where);
  if (options.bias) {
    in_proj_bias = parameter("in_proj_bias", zeros({3 * embed_dim}, options.dtype), where);
    init::zeros(out_proj.bias);
  }
  add("out_proj", out_proj, where);
}

Attended MultiheadAttention::attend(Tensor query, Tensor key, Tensor value,
                                    const AttendOptions& options) {
  const Location at = call_site();
  if (options_.batch_first)
    for (Tensor* each : {&query, &key, &value}) {
      if (each->rank() != 3)
        raise<ShapeError>(at, "MultiheadAttention",
                          fmt::format("3 axes wanted, not {}", each->shape().str()));
      *each = transpose(Arg(*each, at), 0, 1);
    }
  Attended result = multi_head_attention(
      Arg(query, at), key, value, heads_,
      {.in_weight = in_proj_weight,
       .in_bias = in_proj_bias,
       .out_weight = out_proj.weight,
       .out_bias = out_proj.bias},
      {.mask = options.mask,
       .causal = options.causal,
       .dropout = {
           .p = options_.dropout, .training = is_training(), .generator = options_.generator}});
  if (options_.batch_first) result.output = transpose(Arg(result.output, at), 0, 1);
  return result;
}

Tensor MultiheadAttention::forward(const Tensor& x) { return attend(x, x, x, {}).output; }

Attended MultiheadAttention::operator()(const Arg& query, const Tensor& key, const Tensor& value,
                                        const AttendOptions& options) {
  const std::vector<Tensor> out =
      call({query.as_tensor(float32), key, value, options.mask}, query.where(),
           [&](std::span<const Tensor> in) {
             const Attended result = attend(in[0], in[1], in[2], {in[3], options.causal});
             return std::vector<Tensor>{result.output, result.weights};
           });
  return {out[0], out[1]};
}

}  // namespace xtape::nn
