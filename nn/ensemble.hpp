// Several predictors as one: averages, votes, and bagging, which trains each on a bootstrap sample
// of its own (Breiman 1996, Bagging predictors).
#pragma once

#include <functional>
#include <span>
#include <vector>
#include <xtape/nn/splits.hpp>

namespace xtape::nn {

/// From samples x [n, ...] to predictions [n, ...], of a shape per sample that does not depend on
/// n.
using Predictor = std::function<Tensor(const Tensor& x)>;

/// The mean of predictions of one shape, recorded on the tape; with weights, one for each, the
/// weighted mean. Scores of different members compare best as probabilities. Throws ValueError for
/// no predictions, another number of weights, a negative one or none above 0; ShapeError if the
/// shapes differ.
Tensor average_predictions(std::span<const Tensor> predictions,
                           std::span<const double> weights = {}, Location where = {});
/// The class int64 [n] that most of the members predict, each int64 [n]; of classes with as many
/// votes the least, as in scikit-learn. Throws ValueError for no members or a negative class,
/// ShapeError if they are not of one shape [n], DTypeError.
Tensor majority_vote(std::span<const Tensor> classes, Location where = {});

/// Predictors and how they are asked together.
struct Ensemble {
  std::vector<Predictor> members{};

  /// average_predictions() of the members.
  Tensor average(const Tensor& x, Location where = {}) const;
  /// majority_vote() of the members, whose predictions are scores [n, classes] or classes [n].
  Tensor vote(const Tensor& x, Location where = {}) const;
};

struct BaggingOptions {
  std::int64_t members = 10;
  std::int64_t samples = -1;  ///< rows drawn for each member; -1 is as many as there are
  std::uint64_t seed = 0;     ///< member i draws with seed + i
};

/// An ensemble and the rows that each member was trained on and not trained on.
struct Bagging {
  Ensemble ensemble;
  std::vector<Bootstrap> samples;

  /// The mean prediction for each row of x, the samples of the training set, by those members that
  /// were not trained on it: [n, ...]; NaN where there is none. Throws ShapeError if x has other
  /// rows.
  Tensor out_of_bag(const Tensor& x, Location where = {}) const;
};
/// Calls train(sample, i) for i = 0 ... members - 1, each with its own bootstrap sample of the data
/// set; it returns the trained predictor. Throws ValueError for fewer than one member, and as
/// bootstrap().
Bagging bagging(const Dataset& data,
                const std::function<Predictor(const Dataset& sample, std::int64_t member)>& train,
                const BaggingOptions& options = {}, Location where = {});

}  // namespace xtape::nn
