// Early stopping: training ends when a validation metric has not become better for a while, and the
// weights that were best come back (Prechelt 1998, Early stopping - but when?).
//
//   std::vector<Tensor> tensors = net.parameters();  // and net.buffers(), if there are any
//   EarlyStopping stopping(tensors, {.patience = 5});
//   while (...) { train; if (stopping.step(validation_loss)) break; }
//   stopping.restore();
#pragma once

#include <limits>
#include <string_view>
#include <vector>
#include <xtape/autograd/state.hpp>

namespace xtape::nn {

struct EarlyStoppingOptions {
  std::int64_t patience = 10;     ///< so many steps in a row without a better value end training
  double min_delta = 0;           ///< a value is better by more than this only
  std::string_view mode = "min";  ///< or "max": what is better
};

/// Watches a metric and keeps a copy of the tensors (parameters and buffers) where it was best.
class EarlyStopping {
 public:
  /// Throws ValueError for a patience below 1, a negative min_delta or another mode, and for a
  /// tensor that is not defined.
  explicit EarlyStopping(std::vector<Tensor> tensors, EarlyStoppingOptions options = {},
                         Location where = {});

  /// Takes the value of one epoch; copies the tensors if it is the best so far. True if training
  /// should stop. NaN is never better.
  bool step(double value);
  /// Puts the best weights back in place. Throws ValueError if no step was better than infinitely
  /// bad, and as Tensor::mutable_data().
  void restore(Location where = {}) const;

  /// What a resumed run needs: the best tensors, their value, and the steps. Loading throws as
  /// entry().
  State state_dict() const;
  void load_state_dict(const State& state, Location where = {});

  /// The best value; infinity or -infinity at first.
  double best() const { return best_; }
  /// The number of the step, from 0, that gave it; -1 at first.
  std::int64_t best_step() const { return best_step_; }
  /// How many steps were taken since then.
  std::int64_t waited() const { return steps_ - 1 - best_step_; }

 private:
  std::vector<Tensor> tensors_, copies_;
  std::int64_t patience_;
  double min_delta_, sign_;  // sign_ value is to become small
  double best_;
  std::int64_t steps_ = 0, best_step_ = -1;
};

}  // namespace xtape::nn
