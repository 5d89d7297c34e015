// Multi-head attention as a layer; what it computes is in <xtape/nn/attention.hpp>.
#pragma once

#include <xtape/nn/attention.hpp>
#include <xtape/nn/dropout_layers.hpp>

namespace xtape::nn {

struct MultiheadAttentionOptions {
  double dropout = 0;  ///< the probability, of the attention weights
  bool bias = true;
  bool batch_first = false;  ///< query, key, value and output are [N, L, E]
  DType dtype = float32;
  Generator* generator = &Generator::global();  ///< of dropout
};

/// Which positions may be seen; see AttentionOptions.
struct AttendOptions {
  Tensor mask{};  ///< broadcasts to [N, heads, L, S]; boolean: true may attend; floating: added
  bool causal = false;  ///< position i attends to the positions up to i
};

/// multi_head_attention(). Parameters: in_proj_weight [3 E, E], drawn by xavier_uniform,
/// in_proj_bias [3 E] = 0, out_proj.weight [E, E] as a Linear's, and out_proj.bias [E] = 0. Throws
/// ValueError unless the heads divide E and the dropout is in [0, 1]. forward() attends to x itself
/// and gives the outputs alone.
class MultiheadAttention : public Module, public DropsOut {
 public:
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                     const MultiheadAttentionOptions& options = {}, Location where = {});
  Tensor forward(const Tensor& x) override;
  /// The outputs [L, N, E] and the attention weights [N, L, S], averaged over the heads. Throws
  /// ShapeError. A mask of the keys [N, S] is given as one of shape [N, 1, 1, S].
  Attended operator()(const Arg& query, const Tensor& key, const Tensor& value,
                      const AttendOptions& options = {});

  Tensor in_proj_weight, in_proj_bias;
  Linear out_proj;

 private:
  Attended attend(Tensor query, Tensor key, Tensor value, const AttendOptions& options);

  std::int64_t heads_;
  MultiheadAttentionOptions options_;
};

}  // namespace xtape::nn
