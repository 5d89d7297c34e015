// Distances and directions of vectors along an axis, and the losses made of them. A distance of 0
// has slope 0.
#pragma once

#include <xtape/nn/losses.hpp>

namespace xtape {

struct DistanceOptions {
  double p = 2;
  double eps = 1e-6;  ///< added to every difference
  bool keepdim = false;
};
/// The p-norm of a - b + eps along the last axis; a and b broadcast. p may be infinite; 0 counts
/// the differences. Throws ShapeError, and ValueError for a negative p.
Tensor pairwise_distance(const Arg& a, const Arg& b, const DistanceOptions& options = {});

struct NormalizeOptions {
  double p = 2;
  Dims dim = 1;
  double eps = 1e-12;
};
/// x / max(|x|_p, eps) along axes. Throws IndexError, ValueError for a negative p.
Tensor normalize(const Arg& x, const NormalizeOptions& options = {});

struct CosineOptions {
  std::int64_t dim = 1;
  double eps = 1e-8;
};
/// a b / (max(|a|, eps) max(|b|, eps)) along an axis of what a and b broadcast to. Throws
/// ShapeError, IndexError.
Tensor cosine_similarity(const Arg& a, const Arg& b, const CosineOptions& options = {});

namespace nn {

struct CosineEmbeddingOptions {
  double margin = 0;
  Reduction reduction = Reduction::mean;
};
/// 1 - cos(a, b) for y = 1, max(0, cos(a, b) - margin) for y = -1, for a and b of [N, D] or [D] and
/// y [N] or 0-d; 1e-12 is added to the squared norms. Throws ShapeError.
Tensor cosine_embedding_loss(const Arg& a, const Arg& b, const Arg& target,
                             const CosineEmbeddingOptions& options = {});

struct TripletOptions {
  double margin = 1;
  double p = 2;
  double eps = 1e-6;
  bool swap = false;  ///< take the positive as the anchor if it is nearer to the negative
  Reduction reduction = Reduction::mean;
};
/// max(0, d(anchor, positive) - d(anchor, negative) + margin) with pairwise_distance() d, for
/// [N, D] or [D]. Throws ShapeError unless all have one shape, ValueError for a negative p
/// (Balntas et al. 2016).
Tensor triplet_margin_loss(const Arg& anchor, const Arg& positive, const Arg& negative,
                           const TripletOptions& options = {});

}  // namespace nn

}  // namespace xtape
