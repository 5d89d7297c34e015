// Losses with a margin, forward only. Scores x are [N, C], or [C] for one sample; classes are
// int64. Where a margin is met exactly the slope is 0, except where it is said. Shapes are strict.
#pragma once

#include <xtape/nn/classification.hpp>

namespace xtape::nn {

struct MarginOptions {
  double margin = 1;
  Reduction reduction = Reduction::mean;
};

/// x for y = 1, max(0, margin - x) for y = -1, with slope -1 at the corner; their sum for any other
/// y. Throws ShapeError for two shapes.
Tensor hinge_embedding_loss(const Arg& input, const Arg& target, const MarginOptions& options = {});

struct RankingOptions {
  double margin = 0;
  Reduction reduction = Reduction::mean;
};
/// max(0, margin - y (a - b)) for y = 1 if a should be above b, -1 if below; has its slope at the
/// corner. Throws ShapeError unless all have one shape.
Tensor margin_ranking_loss(const Arg& a, const Arg& b, const Arg& target,
                           const RankingOptions& options = {});

/// log(1 + exp(-y x)) for y in {-1, 1}, element by element. Throws ShapeError.
Tensor soft_margin_loss(const Arg& input, const Arg& target, const LossOptions& options = {});

struct MultiMarginOptions {
  int p = 1;  ///< 1 or 2
  double margin = 1;
  Tensor weight{};  ///< of each class, [C]
  Reduction reduction = Reduction::mean;
};
/// w_y / C times the sum over the wrong classes j of max(0, margin - x_y + x_j)^p, for classes y
/// [N] or 0-d. Throws ShapeError, DTypeError, ValueError for another p, IndexError for a class that
/// is not one of 0 ... C - 1.
Tensor multi_margin_loss(const Arg& input, const Tensor& target,
                         const MultiMarginOptions& options = {});

struct MulticlassHingeOptions {
  int p = 1;  ///< 2 for the squared hinge
  double margin = 1;
  Reduction reduction = Reduction::mean;
};
/// The sum over the wrong classes j of max(0, x_j - x_y + margin)^p (Weston and Watkins 1999).
/// Throws as multi_margin_loss().
Tensor multiclass_hinge_loss(const Arg& input, const Tensor& target,
                             const MulticlassHingeOptions& options = {});

/// max(0, margin + max_j x_j - x_y) over the wrong classes j; ties share the gradient (Crammer and
/// Singer 2001). Throws as multi_margin_loss().
Tensor crammer_singer_loss(const Arg& input, const Tensor& target,
                           const MarginOptions& options = {});

/// The sum over labels l and other classes j of max(0, 1 - (x_l - x_j)) / C. The target has the
/// shape of x; each row lists its labels, the first -1 ends them. Throws ShapeError, DTypeError,
/// IndexError.
Tensor multilabel_margin_loss(const Arg& input, const Tensor& target,
                              const LossOptions& options = {});

struct MultilabelOptions {
  Tensor weight{};  ///< broadcasts to the input
  Reduction reduction = Reduction::mean;
};
/// The mean over classes of -w (y log p + (1 - y) log(1 - p)) with p = sigmoid(x) and y in [0, 1].
/// Throws ShapeError.
Tensor multilabel_soft_margin_loss(const Arg& input, const Arg& target,
                                   const MultilabelOptions& options = {});

/// The sum over classes of max(0, margin - y x) for y in {-1, 1} in the shape of x.
/// Throws ShapeError.
Tensor multilabel_hinge_loss(const Arg& input, const Arg& target,
                             const MarginOptions& options = {});
/// The sum over classes of log(1 + exp(-y x)) for y in {-1, 1} in the shape of x. Throws
/// ShapeError.
Tensor multilabel_logistic_loss(const Arg& input, const Arg& target,
                                const LossOptions& options = {});

}  // namespace xtape::nn
