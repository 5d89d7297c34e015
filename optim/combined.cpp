#include <fmt/format.h>

#include <algorithm>
#include <xtape/optim/cycles.hpp>

// Schedules that are made of others.
namespace xtape::optim {

namespace {

using Schedules = std::vector<std::reference_wrapper<Schedule>>;

void save_parts(State& into, const Schedules& schedules) {
  for (std::size_t i = 0; i < schedules.size(); ++i)
    put_under(into, fmt::format("schedulers.{}", i), schedules[i].get().state_dict());
}

void load_parts(const State& from, const Schedules& schedules, const Location& where) {
  for (std::size_t i = 0; i < schedules.size(); ++i)
    schedules[i].get().load_state_dict(part_under(from, fmt::format("schedulers.{}", i)), where);
}

Optimizer& optimizer_of(const Schedules& schedules, const Location& where) {
  if (schedules.empty()) raise<ValueError>(where, "ChainedScheduler", "there are no schedules");
  return schedules.front().get().optimizer();
}

}  // namespace

SequentialLR::SequentialLR(Optimizer& optimizer, Schedules schedules,
                           std::vector<std::int64_t> milestones, Location where)
    : Schedule("SequentialLR", optimizer),
      schedules_(std::move(schedules)),
      milestones_(std::move(milestones)) {
  if (schedules_.size() != milestones_.size() + 1)
    fail(fmt::format("{} schedules and {} milestones, one less wanted", schedules_.size(),
                     milestones_.size()),
         where);
  if (!std::is_sorted(milestones_.begin(), milestones_.end()))
    fail(fmt::format("the milestones {} do not grow", fmt::join(milestones_, ", ")), where);
  for (const Schedule& each : schedules_)
    if (&each.optimizer() != &optimizer) fail("a schedule is of another optimizer", where);
  // what the others did when they were made is undone, and the first one begins
  for (std::size_t g = 0; g < bases_.size(); ++g) optimizer.lr(g) = *optimizer.initial_lr(g);
  for (Schedule& each : schedules_) each.rewind();
  schedules_.front().get().step(where);
  epoch_ = 0;
}

void SequentialLR::step(Location where) {
  epoch_ += 1;
  const auto epoch = static_cast<std::int64_t>(epoch_);
  const auto stage = std::upper_bound(milestones_.begin(), milestones_.end(), epoch);
  Schedule& now = schedules_[static_cast<std::size_t>(stage - milestones_.begin())];
  if (stage != milestones_.begin() && stage[-1] == epoch) now.step_to(0, where);
  else now.step(where);
}

void SequentialLR::step_to(double, Location where) { fail("it only steps forward", where); }

State SequentialLR::state_dict() const {
  State state = Schedule::state_dict();
  save_parts(state, schedules_);
  return state;
}

void SequentialLR::load_state_dict(const State& state, Location where) {
  load_parts(state, schedules_, where);
  Schedule::load_state_dict(state, where);
}

ChainedScheduler::ChainedScheduler(Schedules schedules, Location where)
    : Schedule("ChainedScheduler", optimizer_of(schedules, where)),
      schedules_(std::move(schedules)) {
  for (const Schedule& each : schedules_)
    if (&each.optimizer() != optimizer_) fail("a schedule is of another optimizer", where);
  epoch_ = 0;
}

void ChainedScheduler::step(Location where) {
  epoch_ += 1;
  for (Schedule& each : schedules_) each.step(where);
}

void ChainedScheduler::step_to(double, Location where) { fail("it only steps forward", where); }

State ChainedScheduler::state_dict() const {
  State state = Schedule::state_dict();
  save_parts(state, schedules_);
  return state;
}

void ChainedScheduler::load_state_dict(const State& state, Location where) {
  load_parts(state, schedules_, where);
  Schedule::load_state_dict(state, where);
}

}  // namespace xtape::optim
