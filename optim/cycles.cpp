#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <xtape/optim/cycles.hpp>

namespace xtape::optim {

namespace {

double as_double(std::int64_t n) { return static_cast<double>(n); }

// The number of a group from a list of one for all, or of one for each.
double of_group(const std::vector<double>& list, std::size_t group) {
  return list[list.size() == 1 ? 0 : group];
}

bool fits(const std::vector<double>& list, const Optimizer& optimizer) {
  return list.size() == 1 || list.size() == optimizer.group_count();
}

void set_momentum(Optimizer& optimizer, double momentum) {
  for (std::size_t g = 0; g < optimizer.group_count(); ++g)
    if (double* const each = optimizer.momentum(g)) *each = momentum;
}

}  // namespace

// Warm restarts

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(
    Optimizer& optimizer, const CosineAnnealingWarmRestartsOptions& options, Location where)
    : Schedule("CosineAnnealingWarmRestarts", optimizer), options_(options) {
  if (options.T_0 < 1 || options.T_mult < 1)
    fail(fmt::format("T_0 is {} and T_mult {}, at least 1 wanted", options.T_0, options.T_mult),
         where);
  begin(where);
}

double CosineAnnealingWarmRestarts::next(const Epoch& e) {
  double since = e.t, length = as_double(options_.T_0);
  if (options_.T_mult == 1) since = std::fmod(since, length);
  else
    for (; since >= length; length *= as_double(options_.T_mult)) since -= length;
  return options_.eta_min +
         (e.base - options_.eta_min) * (1 + std::cos(std::numbers::pi * since / length)) / 2;
}

// One cycle

OneCycleLR::OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options, Location where)
    : Schedule("OneCycleLR", optimizer), options_(options) {
  if (options.total_steps < 1)
    fail(fmt::format("total_steps is {}, at least 1 wanted", options.total_steps), where);
  if (!(options.pct_start >= 0 && options.pct_start <= 1))
    fail(fmt::format("pct_start is {}, a number from 0 to 1 wanted", options.pct_start), where);
  if (!fits(options.max_lr, optimizer))
    fail(fmt::format("max_lr has {} rates, the optimizer {} groups", options.max_lr.size(),
                     optimizer.group_count()),
         where);
  if (options.cycle_momentum && !optimizer.momentum())
    fail("the optimizer has no momentum to cycle", where);
  for (std::size_t g = 0; g < bases_.size(); ++g) {
    bases_[g] = of_group(options.max_lr, g) / options.div_factor;
    optimizer.initial_lr(g) = bases_[g];
  }
  begin(where);
}

// Where a number that goes from low to high and at last to `last` is now.
double OneCycleLR::blend(double low, double high, double last) const {
  const double end = as_double(options_.total_steps) - 1;
  const double up = options_.pct_start * as_double(options_.total_steps) - 1;
  const auto phase = [&](double from, double to, double start, double stop) {
    const double share = (epoch_ - start) / (stop - start);
    return options_.anneal_strategy == Anneal::cos
               ? to + (from - to) / 2 * (std::cos(std::numbers::pi * share) + 1)
               : from + (to - from) * share;
  };
  if (epoch_ <= up) return phase(low, high, 0, up);
  if (!options_.three_phase) return phase(high, last, up, end);
  const double down = 2 * options_.pct_start * as_double(options_.total_steps) - 2;
  return epoch_ <= down ? phase(high, low, up, down) : phase(low, last, down, end);
}

double OneCycleLR::next(const Epoch& e) {
  return blend(e.base, of_group(options_.max_lr, e.group), e.base / options_.final_div_factor);
}

void OneCycleLR::follow(const Location& where) {
  if (epoch_ > as_double(options_.total_steps))
    fail(fmt::format("step {} of {}", last_epoch(), options_.total_steps), where);
  if (options_.cycle_momentum)
    set_momentum(*optimizer_,
                 blend(options_.max_momentum, options_.base_momentum, options_.max_momentum));
}

// Cycles

CyclicLR::CyclicLR(Optimizer& optimizer, const CyclicLROptions& options, Location where)
    : Schedule("CyclicLR", optimizer, options.base_lr), options_(options) {
  if (options_.step_size_down == 0) options_.step_size_down = options_.step_size_up;
  if (options_.step_size_up < 1 || options_.step_size_down < 1)
    fail(fmt::format("step_size_up is {} and step_size_down {}, at least 1 wanted",
                     options_.step_size_up, options_.step_size_down),
         where);
  if (!fits(options.base_lr, optimizer) || !fits(options.max_lr, optimizer))
    fail(fmt::format("base_lr has {} rates and max_lr {}, the optimizer {} groups",
                     options.base_lr.size(), options.max_lr.size(), optimizer.group_count()),
         where);
  if (options.cycle_momentum && !optimizer.momentum())
    fail("the optimizer has no momentum to cycle", where);
  for (std::size_t g = 0; g < bases_.size(); ++g) bases_[g] = of_group(options.base_lr, g);
  begin(where);
}

// How high between low and high, from 0 to 1.
double CyclicLR::height() const {
  const double up = as_double(options_.step_size_up);
  const double total = up + as_double(options_.step_size_down);
  const double cycle = std::floor(1 + epoch_ / total), x = 1 + epoch_ / total - cycle;
  const double ratio = up / total, share = x <= ratio ? x / ratio : (x - 1) / (ratio - 1);
  if (options_.scale_fn) return share * options_.scale_fn(options_.scale_by_cycle ? cycle : epoch_);
  switch (options_.mode) {
    case Cycle::triangular2: return share / std::pow(2.0, cycle - 1);
    case Cycle::exp_range: return share * std::pow(options_.gamma, epoch_);
    default: return share;
  }
}

double CyclicLR::next(const Epoch& e) {
  return e.base + (of_group(options_.max_lr, e.group) - e.base) * height();
}

void CyclicLR::follow(const Location&) {
  if (options_.cycle_momentum)
    set_momentum(*optimizer_, options_.max_momentum -
                                  (options_.max_momentum - options_.base_momentum) * height());
}

// A plateau

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options,
                                     Location where)
    : optimizer_(&optimizer), options_(options) {
  const double infinity = std::numeric_limits<double>::infinity();
  best_ = options.mode == Better::min ? infinity : -infinity;
  if (!(options.factor < 1))
    raise<ValueError>(where, "ReduceLROnPlateau",
                      fmt::format("factor is {}, it must be below 1", options.factor));
  if (!fits(options.min_lr, optimizer))
    raise<ValueError>(where, "ReduceLROnPlateau",
                      fmt::format("min_lr has {} rates, the optimizer {} groups",
                                  options.min_lr.size(), optimizer.group_count()));
}

bool ReduceLROnPlateau::better(double metric) const {
  const double sign = options_.mode == Better::min ? -1 : 1;
  const double bar = options_.threshold_mode == Threshold::rel
                         ? best_ * (1 + sign * options_.threshold)
                         : best_ + sign * options_.threshold;
  return options_.mode == Better::min ? metric < bar : metric > bar;
}

void ReduceLROnPlateau::step(double metric) {
  ++epoch_;
  if (better(metric)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ <= options_.patience) return;
  for (std::size_t g = 0; g < optimizer_->group_count(); ++g) {
    double& lr = optimizer_->lr(g);
    const double reduced = std::max(lr * options_.factor, of_group(options_.min_lr, g));
    if (lr - reduced > options_.eps) lr = reduced;
  }
  cooldown_left_ = options_.cooldown;
  bad_epochs_ = 0;
}

State ReduceLROnPlateau::state_dict() const {
  return {{"best", number_tensor(best_)},
          {"num_bad_epochs", number_tensor(bad_epochs_)},
          {"cooldown_counter", number_tensor(cooldown_left_)},
          {"last_epoch", number_tensor(epoch_)}};
}

void ReduceLROnPlateau::load_state_dict(const State& state, Location where) {
  const double best = number_entry(state, "best", where);
  const std::int64_t bad = integer_entry(state, "num_bad_epochs", where);
  const std::int64_t left = integer_entry(state, "cooldown_counter", where);
  epoch_ = integer_entry(state, "last_epoch", where);
  best_ = best;
  bad_epochs_ = bad;
  cooldown_left_ = left;
}

}  // namespace xtape::optim
