// Attention, forward only (Vaswani et al. 2017).
#pragma once

#include <optional>
#include <xtape/nn/dropout.hpp>
#include <xtape/ops/builtin.hpp>

namespace xtape::nn {

struct AttentionOptions {
  Tensor mask{};  ///< broadcasts to the scores; boolean: true may attend; floating: added to them
  bool causal = false;             ///< position i attends to the positions up to i
  std::optional<double> scale{};   ///< of the scores; 1 / sqrt(E) if not given
  DropoutOptions dropout{.p = 0};  ///< of the attention weights
};
/// softmax(q k^T scale + mask) v for q [..., L, E], k [..., S, E], v [..., S, D]: [..., L, D]. A
/// position that attends to nothing is NaN. Throws ShapeError, DTypeError as matmul().
Tensor scaled_dot_product_attention(const Arg& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options = {});

/// The weights of the projections of multi-head attention for E features.
struct AttentionWeights {
  Tensor in_weight;   ///< [3 E, E], those of query, key and value
  Tensor in_bias{};   ///< [3 E] or absent
  Tensor out_weight;  ///< [E, E]
  Tensor out_bias{};  ///< [E] or absent
};
/// The outputs [L, N, E] and the attention weights [N, L, S], averaged over the heads.
struct Attended {
  Tensor output, weights;
};
/// Attention of `heads` heads, each with E / heads features: query [L, N, E], key and value
/// [S, N, E]. A mask broadcasts to [N, heads, L, S]. Throws ShapeError, and ValueError unless the
/// heads divide E.
Attended multi_head_attention(const Arg& query, const Tensor& key, const Tensor& value,
                              std::int64_t heads, const AttentionWeights& weights,
                              const AttentionOptions& options = {});

}  // namespace xtape::nn
