// Losses of probabilities and classes, forward only. Scores x are [N, C, d...] with the classes
// along axis 1, or [C] for one sample; classes are int64 [N, d...], or 0-d for one sample.
#pragma once

#include <xtape/nn/losses.hpp>

namespace xtape::nn {

struct NllOptions {
  Tensor weight{};                   ///< of each class, [C]
  std::int64_t ignore_index = -100;  ///< samples of this class do not count
  Reduction reduction = Reduction::mean;
};

struct CrossEntropyOptions {
  Tensor weight{};
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;  ///< this share of every target is spread over all classes
  Reduction reduction = Reduction::mean;
};

/// w_y (log(sum_c exp(x_c - m)) + m - x_y) with the maximum m, for classes y, or the sum over c of
/// p_c times that for a target of probabilities p in the shape of x. `mean` divides by the sum of
/// the weights of the classes that count; for probabilities by the number of samples.
/// Throws ShapeError, DTypeError, ValueError for a smoothing outside [0, 1], and IndexError for a
/// class that is not one of 0 ... C - 1.
Tensor cross_entropy(const Arg& logits, const Tensor& target,
                     const CrossEntropyOptions& options = {});

/// -w_y x_y for logarithms of probabilities x and classes y. Reduced, and throws, as
/// cross_entropy().
Tensor nll_loss(const Arg& input, const Tensor& target, const NllOptions& options = {});

struct DistributionOptions {
  std::int64_t dim = -1;  ///< the axis of the outcomes
  Reduction reduction = Reduction::mean;
};
/// -sum_c p_c log p_c, where 0 log 0 is 0 (Shannon 1948). Throws IndexError.
Tensor entropy(const Arg& p, const DistributionOptions& options = {});
/// -sum_c p_c log q_c, 0 where p_c is 0, for probabilities of one shape. Throws ShapeError,
/// IndexError.
Tensor distribution_cross_entropy(const Arg& p, const Arg& q,
                                  const DistributionOptions& options = {});

/// 1 where the largest of the scores is not that of the class, else 0: the share of errors. It has
/// no gradient. Throws as nll_loss().
Tensor zero_one_loss(const Arg& scores, const Tensor& classes, const LossOptions& options = {});

/// The classes of a loss, checked.
struct Classes {
  int axis;           ///< of the classes in the scores
  Tensor index;       ///< classes with 0 where they are ignored, with an axis of size 1 for `axis`
  bool some_ignored;  ///< whether there are such
  Tensor used;        ///< then: 0 where they are ignored, else 1
};
/// Throws as nll_loss().
Classes check_classes(const Tensor& scores, const Tensor& classes, std::int64_t ignore_index,
                      const char* op, const Location& at);
/// Throws ShapeError unless there is a weight for each class.
void check_class_weight(const Tensor& weight, std::int64_t count, const char* op,
                        const Location& at);

}  // namespace xtape::nn
