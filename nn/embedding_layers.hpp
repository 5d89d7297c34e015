// Tables of learnt rows as layers; what they compute is in <xtape/nn/embedding.hpp>.
#pragma once

#include <xtape/nn/embedding.hpp>
#include <xtape/nn/module.hpp>

namespace xtape::nn {

struct EmbeddingLayerOptions {
  std::optional<std::int64_t> padding_idx{};  ///< a row of zeros that is not learnt; -1 is the last
  DType dtype = float32;
};
/// embedding() of an int64 index. Parameter: weight [num_embeddings, embedding_dim], drawn from
/// N(0, 1). Throws ValueError for sizes below 1, IndexError for a padding_idx that is not there.
class Embedding : public Module {
 public:
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
            const EmbeddingLayerOptions& options = {}, Location where = {});
  Tensor forward(const Tensor& index) override;

  Tensor weight;

 private:
  EmbeddingOptions options_;
};

struct EmbeddingBagLayerOptions {
  BagMode mode = BagMode::mean;
  DType dtype = float32;
};
/// embedding_bag() of an int64 index [B, n]. Parameter and errors as Embedding.
class EmbeddingBag : public Module {
 public:
  EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim,
               const EmbeddingBagLayerOptions& options = {}, Location where = {});
  Tensor forward(const Tensor& index) override;

  Tensor weight;

 private:
  EmbeddingBagOptions options_;
};

}  // namespace xtape::nn
