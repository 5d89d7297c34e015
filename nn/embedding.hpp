// Rows of a table by their numbers, forward only.
#pragma once

#include <optional>
#include <xtape/ops/indexing.hpp>

namespace xtape::nn {

struct EmbeddingOptions {
  std::optional<std::int64_t> padding_idx{};  ///< a row that gets no gradient; -1 is the last
};
/// The rows of weight [V, D] at an int64 index of any shape: [index..., D]. Repeated rows add up
/// their gradients. Throws ShapeError, DTypeError, and IndexError for an index or a padding_idx
/// that is not there; only the latter may be negative.
Tensor embedding(const Tensor& index, const Arg& weight, const EmbeddingOptions& options = {});

enum class BagMode { sum, mean, max };

struct EmbeddingBagOptions {
  BagMode mode = BagMode::mean;
};
/// The sum, mean or maximum of the rows of weight [V, D] at each row of an int64 index [B, n]:
/// [B, D]; 0 for n = 0. The first of equal maxima gets the gradient. Throws as embedding().
Tensor embedding_bag(const Tensor& index, const Arg& weight,
                     const EmbeddingBagOptions& options = {});

}  // namespace xtape::nn
