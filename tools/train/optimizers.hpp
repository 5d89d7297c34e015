// The optimizers and schedules that `train` knows by name.
#pragma once

#include <memory>
#include <xtape/tools/train/settings.hpp>

namespace training {

/// Throws UsageError for an unknown name and an option that the optimizer does not have.
std::unique_ptr<optim::Optimizer> make_optimizer(std::vector<Tensor> parameters,
                                                 const Settings& settings);
/// Throws as make_optimizer(), before the work begins.
void check_optimizer(const Settings& settings);
/// The names with the learning rates that they have if none is given.
std::string optimizer_names();

/// A schedule: most change the rate after each step, some after each epoch.
class Pace {
 public:
  /// Throws UsageError for an unknown name.
  Pace(optim::Optimizer& optimizer, const Settings& settings, std::int64_t steps_per_epoch);

  void after_step();
  /// Takes in the loss of the epoch.
  void after_epoch(double loss);

  State state_dict() const;
  void load_state_dict(const State& state);

 private:
  std::unique_ptr<optim::Schedule> schedule_;  // one of the two
  std::unique_ptr<optim::ReduceLROnPlateau> by_loss_{};
  bool each_step_ = false;
  std::int64_t steps_;
};

/// Throws UsageError for an unknown name.
void check_schedule(const Settings& settings);
std::string schedule_names();

}  // namespace training
