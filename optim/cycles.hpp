// The schedules that go up and down, some together with the momentum, and those that are made of
// others or look at how the training goes. Names, options and defaults are PyTorch's.
#pragma once

#include <functional>
#include <xtape/optim/schedule.hpp>

namespace xtape::optim {

struct CosineAnnealingWarmRestartsOptions {
  std::int64_t T_0 = 0;     ///< epochs of the first fall
  std::int64_t T_mult = 1;  ///< by what each fall is longer than the one before
  double eta_min = 0;
};

/// eta_min + (base - eta_min) (1 + cos(pi s / T)) / 2, where s counts the epochs since the last
/// restart and T is the length of the fall (Loshchilov and Hutter 2017).
class CosineAnnealingWarmRestarts final : public Schedule {
 public:
  /// Throws ValueError unless T_0 and T_mult are at least 1.
  explicit CosineAnnealingWarmRestarts(Optimizer& optimizer,
                                       const CosineAnnealingWarmRestartsOptions& options,
                                       Location where = {});

 private:
  double next(const Epoch& e) override;

  CosineAnnealingWarmRestartsOptions options_;
};

enum class Anneal { cos, linear };

struct OneCycleLROptions {
  std::vector<double> max_lr = {};  ///< of all groups, or of each
  std::int64_t total_steps = 0;
  double pct_start = 0.3;  ///< the share of the steps that goes up
  Anneal anneal_strategy = Anneal::cos;
  bool cycle_momentum = true;
  double base_momentum = 0.85;
  double max_momentum = 0.95;
  double div_factor = 25;
  double final_div_factor = 1e4;
  bool three_phase = false;
};

/// From max_lr / div_factor up to max_lr and down to the first rate / final_div_factor; with
/// three_phase down to the first rate in between. The momentum, or the first beta, goes the other
/// way (Smith and Topin 2018).
class OneCycleLR final : public Schedule {
 public:
  /// Throws ValueError for options out of their range, and for an optimizer without momentum unless
  /// cycle_momentum is off.
  explicit OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options, Location where = {});

 private:
  double blend(double low, double high, double last) const;
  double next(const Epoch& e) override;
  void follow(const Location& where) override;

  OneCycleLROptions options_;
};

enum class Cycle { triangular, triangular2, exp_range };

struct CyclicLROptions {
  std::vector<double> base_lr = {}, max_lr = {};  ///< of all groups, or of each
  std::int64_t step_size_up = 2000;
  std::int64_t step_size_down = 0;  ///< 0: as many as up
  Cycle mode = Cycle::triangular;
  double gamma = 1;                             ///< of exp_range
  std::function<double(double)> scale_fn = {};  ///< instead of a mode
  bool scale_by_cycle = true;                   ///< scale_fn takes the cycle, not the step
  bool cycle_momentum = true;
  double base_momentum = 0.8;
  double max_momentum = 0.9;
};

/// Up from base_lr to max_lr and down again, over and over, with the height halved at each cycle
/// (triangular2) or multiplied by gamma at each step (exp_range). The momentum goes the other way
/// (Smith 2017).
class CyclicLR final : public Schedule {
 public:
  /// Throws ValueError for options out of their range, and for an optimizer without momentum unless
  /// cycle_momentum is off.
  explicit CyclicLR(Optimizer& optimizer, const CyclicLROptions& options, Location where = {});

 private:
  double height() const;
  double next(const Epoch& e) override;
  void follow(const Location& where) override;

  CyclicLROptions options_;
};

/// One schedule after the other: the k-th from epoch milestones[k - 1] on, which is its epoch 0.
class SequentialLR final : public Schedule {
 public:
  using Schedules = std::vector<std::reference_wrapper<Schedule>>;

  /// Throws ValueError unless the schedules are of this optimizer and there is one more of them
  /// than of milestones, which must grow.
  SequentialLR(Optimizer& optimizer, Schedules schedules, std::vector<std::int64_t> milestones,
               Location where = {});

  void step(Location where = {}) override;
  void step_to(double epoch, Location where = {}) override;
  State state_dict() const override;
  void load_state_dict(const State& state, Location where = {}) override;

 private:
  double next(const Epoch& e) override { return e.lr; }

  Schedules schedules_;
  std::vector<std::int64_t> milestones_;
};

/// Several schedules at once, whose factors multiply.
class ChainedScheduler final : public Schedule {
 public:
  using Schedules = std::vector<std::reference_wrapper<Schedule>>;

  /// Throws ValueError for no schedules or schedules of several optimizers.
  explicit ChainedScheduler(Schedules schedules, Location where = {});

  void step(Location where = {}) override;
  void step_to(double epoch, Location where = {}) override;
  State state_dict() const override;
  void load_state_dict(const State& state, Location where = {}) override;

 private:
  double next(const Epoch& e) override { return e.lr; }

  Schedules schedules_;
};

enum class Better { min, max };
enum class Threshold { rel, abs };

struct ReduceLROnPlateauOptions {
  Better mode = Better::min;
  double factor = 0.1;
  std::int64_t patience = 10;  ///< how many epochs without progress are borne
  double threshold = 1e-4;     ///< what counts as progress, relative to the best or absolute
  Threshold threshold_mode = Threshold::rel;
  std::int64_t cooldown = 0;  ///< epochs after a reduction that do not count
  std::vector<double> min_lr = {0};
  double eps = 1e-8;  ///< a change of the rate that is not worth making
};

/// Multiplies the rates by `factor` when a metric has not got better for more than `patience`
/// epochs.
class ReduceLROnPlateau {
 public:
  /// Throws ValueError unless factor is below 1 and min_lr has one rate or one of each group.
  explicit ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {},
                             Location where = {});

  /// Takes in the metric of an epoch. NaN is no progress.
  void step(double metric);

  double best() const { return best_; }
  State state_dict() const;
  /// Throws as entry().
  void load_state_dict(const State& state, Location where = {});

 private:
  bool better(double metric) const;

  Optimizer* optimizer_;
  ReduceLROnPlateauOptions options_;
  double best_;
  std::int64_t bad_epochs_ = 0, cooldown_left_ = 0, epoch_ = 0;
};

}  // namespace xtape::optim
