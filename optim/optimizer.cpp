#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <xtape/optim/optimizer.hpp>

namespace xtape::optim {

void Update::start(std::size_t buffer, double value) {
  Tensor& made = slot_.buffers[buffer];
  if (made.defined()) return;
  made = Tensor::empty(slot_.parameter.shape(), slot_.parameter.dtype());
  if (made.dtype() == float32)
    std::fill_n(made.value()->as<float>(), made.numel(), static_cast<float>(value));
  else std::fill_n(made.value()->as<double>(), made.numel(), value);
}

std::vector<Tensor> Optimizer::parameters() const {
  std::vector<Tensor> all;
  for (const Slot& slot : slots_) all.push_back(slot.parameter);
  return all;
}

void Optimizer::zero_grad() const {
  for (const Slot& slot : slots_) slot.parameter.zero_grad();
}

void Optimizer::add_slots(std::vector<Tensor> parameters, const Location& where) {
  if (parameters.empty()) raise<ValueError>(where, name_, "there are no parameters");
  std::vector<Slot> slots = slots_;
  for (Tensor& parameter : parameters) {
    const std::size_t at = slots.size();
    if (!parameter.requires_grad() || !parameter.is_leaf())
      raise<GradError>(where, name_,
                       fmt::format("parameter {} is not a leaf that requires gradients", at));
    for (std::size_t other = 0; other < at; ++other)
      if (slots[other].parameter.same_as(parameter))
        raise<ValueError>(where, name_,
                          fmt::format("parameters {} and {} are the same", other, at));
    slots.push_back({.parameter = std::move(parameter), .group = group_count()});
  }
  slots_ = std::move(slots);
  initial_lr_.emplace_back();
}

void Optimizer::check(const char* option, double value, Bounds range, const Location& where) const {
  const auto want = [&](bool holds, const char* what) {
    if (!holds) raise<ValueError>(where, name_, fmt::format("{} is {}, {}", option, value, what));
  };
  switch (range) {
    case Bounds::any: return want(!std::isnan(value), "a number wanted");
    case Bounds::positive: return want(value > 0, "a positive number wanted");
    case Bounds::not_negative: return want(value >= 0, "it must not be negative");
    case Bounds::fraction: return want(value >= 0 && value < 1, "at least 0 and below 1 wanted");
    case Bounds::share: return want(value >= 0 && value <= 1, "a number from 0 to 1 wanted");
  }
}

void Optimizer::save_slots(State& into, std::span<const char* const> buffers,
                           std::span<const char* const> numbers) const {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::string prefix = fmt::format("state.{}.", i);
    const Slot& slot = slots_[i];
    into[prefix + "step"] = number_tensor(slot.steps);
    for (std::size_t b = 0; b < buffers.size(); ++b)
      if (slot.buffers[b].defined()) into[prefix + buffers[b]] = slot.buffers[b].copy();
    for (std::size_t k = 0; k < numbers.size(); ++k)
      into[prefix + numbers[k]] = number_tensor(slot.numbers[k]);
  }
}

void Optimizer::load_slots(const State& from, bool commit, std::span<const char* const> buffers,
                           std::span<const char* const> numbers, const Location& where) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::string prefix = fmt::format("state.{}.", i);
    Slot& slot = slots_[i];
    const std::int64_t steps = integer_entry(from, prefix + "step", where);
    if (commit) slot.steps = steps;
    for (std::size_t b = 0; b < buffers.size(); ++b) {
      const bool there = from.contains(prefix + buffers[b]);
      Tensor buffer;
      if (there) buffer = entry(from, prefix + buffers[b], slot.parameter, where);
      if (commit) slot.buffers[b] = there ? buffer.copy() : Tensor();
    }
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      const double number = number_entry(from, prefix + numbers[k], where);
      if (commit) slot.numbers[k] = number;
    }
  }
}

State Optimizer::state_dict() const {
  State state;
  save(state);
  for (std::size_t g = 0; g < group_count(); ++g)
    if (initial_lr_[g])
      state[fmt::format("groups.{}.initial_lr", g)] = number_tensor(*initial_lr_[g]);
  return state;
}

void Optimizer::load_state_dict(const State& state, Location where) {
  if (state.contains(fmt::format("state.{}.step", slots_.size())))
    raise<ValueError>(where, name_,
                      fmt::format("the state has more than {} parameters", slots_.size()));
  load(state, false, where);
  load(state, true, where);
  for (std::size_t g = 0; g < group_count(); ++g) {
    const std::string key = fmt::format("groups.{}.initial_lr", g);
    initial_lr_[g].reset();
    if (state.contains(key)) initial_lr_[g] = number_entry(state, key, where);
  }
}

}  // namespace xtape::optim
