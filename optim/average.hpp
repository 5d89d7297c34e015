// Averages of parameters over the steps of a training, which often do better than the last ones.
#pragma once

#include <xtape/optim/optimizer.hpp>

namespace xtape::optim {

struct WeightAverageOptions {
  /// d in a <- d a + (1 - d) p, an exponential average; without it a is the mean of all p so far
  /// (stochastic weight averaging; Izmailov et al. 2018).
  std::optional<double> decay = {};
};

/// Keeps the average a of each parameter p over the calls of update().
class WeightAverage {
 public:
  /// Throws ValueError for no parameters or a decay that is not in [0, 1], DTypeError for
  /// parameters that are not floating.
  explicit WeightAverage(std::vector<Tensor> parameters, const WeightAverageOptions& options = {},
                         Location where = {});

  /// Takes in the parameters as they are now; the first time the average is a copy of them.
  void update();
  /// Exchanges parameters and averages: once to evaluate with the averages, again to train on.
  void swap(Location where = {});
  /// The averages, in the order of the parameters.
  const std::vector<Tensor>& averages() const { return averages_; }
  std::int64_t count() const { return count_; }

  State state_dict() const;
  /// Throws as Optimizer::load_state_dict().
  void load_state_dict(const State& state, Location where = {});

 private:
  std::vector<Tensor> parameters_, averages_;
  WeightAverageOptions options_;
  std::int64_t count_ = 0;
};

}  // namespace xtape::optim
