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

namespace xtape::formulas {

inline const auto offset_square = detail::part(
    {.name = "offset_square",
     .about = "the square of a difference and an offset",
     .formula = "(x - y + eps) * (x - y + eps)"},
    [](auto a, auto b, auto eps) {
      const auto d = a - b + eps;
      return d * d;
    },
    Parameter{"eps", 1e-6, 0.5});
inline const auto offset_distance = detail::part(
    {.name = "offset_distance",
     .about = "the size of a difference and an offset",
     .differences = false},
    [](auto a, auto b, auto eps) { return xtape::abs(a - b + eps); }, Parameter{"eps", 1e-6, 0.5});
inline const auto offset_power = detail::part(
    {.name = "offset_power", .about = "a power of offset_distance", .differences = false},
    [](auto a, auto b, auto eps, auto p) {
      const auto d = xtape::abs(a - b + eps);
      return where(d == 0, 0, xtape::pow(d, p));
    },
    Parameter{"eps", 1e-6, 0.5}, Parameter{"p", 3, 1.5});
inline const auto not_below =
    detail::part({.name = "not_below",
                  .about = "x / y, but x / z for y below z",
                  .formula = "y < z ? x / z : x / y",
                  .low = 0.05},
                 [](auto x, auto y, auto least) { return where(y < least, x / least, x / y); });
inline const auto cosine =
    detail::part({.name = "cosine",
                  .about = "a cosine, from a product and two squared norms",
                  .low = 0.1,
                  .high = 0.9},
                 [](auto product, auto a, auto b, auto eps) {
                   const auto norm = [&](auto square) {
                     return where(square <= eps * eps, eps, xtape::sqrt(square));
                   };
                   return product / (norm(a) * norm(b));
                 });
inline const auto first_square = detail::part(
    {.name = "first_square", .about = "the square of the first argument", .formula = "x * x"},
    [](auto x, auto) { return x * x; });
inline const auto cosine_embedding =
    detail::part({.name = "cosine_embedding",
                  .about = "what a cosine costs, alike (y = 1) or not (y = -1)",
                  .low = 0.1},
                 [](auto product, auto a, auto b, auto y, auto margin) {
                   const auto c = product / xtape::sqrt((a + 1e-12) * (b + 1e-12));
                   const auto z = c - margin;
                   return where(y == 1, 1 - c, where(y == -1, where(z < 0, 0, z), 0));
                 });

}  // namespace xtape::formulas
