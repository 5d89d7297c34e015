#include <fmt/format.h>

#include <xtape/optim/schedule.hpp>

namespace xtape::optim {

Schedule::Schedule(const char* name, Optimizer& optimizer, const std::vector<double>& rates)
    : name_(name), optimizer_(&optimizer) {
  const std::size_t groups = optimizer.group_count();
  for (std::size_t g = 0; g < groups; ++g) {
    if (rates.size() == 1 || rates.size() == groups)
      optimizer.lr(g) = rates[rates.size() == 1 ? 0 : g];
    std::optional<double>& initial = optimizer.initial_lr(g);
    if (!initial) initial = optimizer.lr(g);
    bases_.push_back(*initial);
  }
}

void Schedule::fail(const std::string& what, const Location& where) const {
  raise<ValueError>(where, name_, what);
}

void Schedule::begin(const Location& where) { Schedule::step(where); }

void Schedule::step(Location where) {
  epoch_ += 1;
  set_rates(true, where);
}

void Schedule::step_to(double epoch, Location where) {
  if (!(epoch >= 0)) fail(fmt::format("the epoch {} is negative", epoch), where);
  epoch_ = epoch;
  set_rates(false, where);
}

void Schedule::set_rates(bool chained, const Location& where) {
  if (bases_.size() != optimizer_->group_count())
    fail(fmt::format("the optimizer has {} groups, {} when the schedule was made",
                     optimizer_->group_count(), bases_.size()),
         where);
  follow(where);
  for (std::size_t g = 0; g < bases_.size(); ++g) {
    const Epoch e{epoch_, optimizer_->lr(g), bases_[g], g};
    optimizer_->lr(g) = chained ? next(e) : at(e);
  }
}

std::vector<double> Schedule::last_lr() const {
  std::vector<double> rates;
  for (std::size_t g = 0; g < bases_.size(); ++g) rates.push_back(optimizer_->lr(g));
  return rates;
}

State Schedule::state_dict() const {
  return {{"last_epoch", number_tensor(epoch_)},
          {"base_lrs", Tensor::from(bases_.data(), {static_cast<std::int64_t>(bases_.size())})}};
}

void Schedule::load_state_dict(const State& state, Location where) {
  const double epoch = number_entry(state, "last_epoch", where);
  const Tensor like = Tensor::empty({static_cast<std::int64_t>(bases_.size())}, float64);
  const double* const bases = entry(state, "base_lrs", like, where).data<double>();
  epoch_ = epoch;
  std::copy_n(bases, bases_.size(), bases_.begin());
}

}  // namespace xtape::optim
