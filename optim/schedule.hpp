// Learning rates that change while training goes on, as in torch.optim.lr_scheduler. A schedule
// sets the rate for epoch 0 when it is made, and the next one at each step(). Most are a struct of
// options with a rule for the next rate from the one in force, so that several schedules of one
// optimizer multiply:
//
//   struct HalvingOptions {
//     static constexpr const char* name = "Halving";
//     double next(const Epoch& e) const { return e.t == 0 ? e.lr : e.lr / 2; }
//     double at(const Epoch& e) const { return e.base * std::pow(0.5, e.t); }
//   };
//   using Halving = ScheduleOf<HalvingOptions>;
#pragma once

#include <xtape/optim/optimizer.hpp>

namespace xtape::optim {

/// What the rule of a schedule sees: the epoch t, the rate of the group in force and the one that
/// the schedule started from.
struct Epoch {
  double t, lr, base;
  std::size_t group;
};

/// The base of all schedules. It is not copied and must not outlive its optimizer.
class Schedule {
 public:
  virtual ~Schedule() = default;
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  /// Goes on to the next epoch.
  virtual void step(Location where = {});
  /// Jumps to an epoch, whatever the rate in force is.
  virtual void step_to(double epoch, Location where = {});

  std::int64_t last_epoch() const { return static_cast<std::int64_t>(epoch_); }
  /// The rates in force, one of each group.
  std::vector<double> last_lr() const;
  Optimizer& optimizer() const { return *optimizer_; }

  virtual State state_dict() const;
  /// Puts the schedule where it was; the rates are the optimizer's to restore. Throws as entry().
  virtual void load_state_dict(const State& state, Location where = {});

 protected:
  /// The rates that the optimizer has, or had before its first schedule, are what it starts from.
  /// If there are `rates`, of all groups or of each, the optimizer gets them first.
  Schedule(const char* name, Optimizer& optimizer, const std::vector<double>& rates = {});
  /// The last thing that a constructor does: epoch 0.
  void begin(const Location& where);

  /// The rate of a group at epoch e.t from the one in force, or from the base alone.
  virtual double next(const Epoch& e) = 0;
  virtual double at(const Epoch& e) { return next(e); }
  /// What else changes with the epoch, before the rates do.
  virtual void follow(const Location&) {}

  void set_rates(bool chained, const Location& where);
  /// Takes one step back, without its effect: SequentialLR makes others begin later.
  void rewind() { epoch_ -= 1; }
  [[noreturn]] void fail(const std::string& what, const Location& where) const;

  const char* name_;
  Optimizer* optimizer_;
  std::vector<double> bases_;
  double epoch_ = -1;

  friend class SequentialLR;
};

/// A schedule made from options with a rule.
template <class Options>
class ScheduleOf final : public Schedule {
 public:
  /// Throws ValueError for options out of their range.
  explicit ScheduleOf(Optimizer& optimizer, const Options& given = {}, Location where = {})
      : Schedule(Options::name, optimizer), options(given) {
    if constexpr (requires { given.problem(); })
      if (const std::string what = given.problem(); !what.empty()) fail(what, where);
    begin(where);
  }

  const Options options;

 private:
  double next(const Epoch& e) override { return options.next(e); }
  double at(const Epoch& e) override {
    if constexpr (requires { options.at(e); }) return options.at(e);
    else return options.next(e);
  }
};

}  // namespace xtape::optim
