// Numbers that tell how good predictions are, with scikit-learn's conventions. Nothing here is
// recorded on the tape. Where classes are predicted, `predicted` is either int64 [n], the classes
// themselves, or scores [n, classes], floating, of which the first largest counts (a NaN is larger
// than anything); `classes` are the true ones, int64 [n]. All throw ShapeError if the shapes do not
// fit, DTypeError for other element types, and IndexError for a class that is negative or not less
// than the number of classes.
#pragma once

#include <string_view>
#include <xtape/autograd/tensor.hpp>

namespace xtape::nn {

/// The part of the samples whose class is predicted right, 1 - zero_one_loss(); NaN for no samples.
double accuracy(const Arg& predicted, const Tensor& classes);
/// The part of the samples whose class is among the k with the largest scores; of equal scores the
/// first come first. NaN for no samples. Throws ShapeError unless 0 < k <= the number of classes.
double top_k_accuracy(const Arg& scores, const Tensor& classes, std::int64_t k = 5);

/// How often class i was predicted as class j: int64 [count, count], true classes in rows. With
/// count -1 there is one class more than the largest that occurs, or as many as there are scores.
/// Throws ValueError for another negative count.
Tensor confusion_matrix(const Arg& predicted, const Tensor& classes, std::int64_t count = -1);

/// One number for each class, float64 [count]; support, how many samples are of the class, is
/// int64.
struct ClassReport {
  Tensor precision, recall, f1, support;
};
/// Of each class, with the true positives tp, false positives fp and false negatives fn:
///
///   precision = tp / (tp + fp)   recall = tp / (tp + fn)   f1 = 2 tp / (2 tp + fp + fn)
///
/// and 0 where that is 0/0, as scikit-learn with zero_division=0. The classes are those of
/// confusion_matrix().
ClassReport precision_recall_f1(const Arg& predicted, const Tensor& classes,
                                std::int64_t count = -1);

struct AverageReport {
  double precision, recall, f1;
};
/// One number for all classes: "macro" is the mean over classes, those that do not occur included;
/// "weighted" weighs it with the support; "micro" counts tp, fp and fn over all classes, so that
/// all three are the accuracy. Throws ValueError for another word.
AverageReport precision_recall_f1(const Arg& predicted, const Tensor& classes,
                                  std::string_view average, std::int64_t count = -1);

/// The mean of (predicted - target)^2 over all elements, computed in double; NaN for none. Throws
/// ShapeError unless the shapes are the same.
double mean_squared_error(const Arg& predicted, const Tensor& target);
/// The coefficient of determination, 1 - sum (target - predicted)^2 / sum (target - mean)^2, of
/// [n], or of [n, outputs] as the mean over the outputs. Where the targets of an output are all the
/// same it is 1 for exact predictions and else 0; NaN for fewer than two samples. Note the order:
/// predictions first, as in losses. Throws ShapeError unless the shapes are the same, with one axis
/// or two.
double r2_score(const Arg& predicted, const Tensor& target);
/// The area under the receiver operating characteristic of scores [n] for classes 0 and 1, int64
/// [n]: the probability that a sample of class 1 has a larger score than one of class 0, where
/// equal scores count one half (Hanley and McNeil 1982). Throws ValueError if one class does not
/// occur or a score is NaN, and IndexError for another class.
double roc_auc(const Arg& scores, const Tensor& classes);

}  // namespace xtape::nn
