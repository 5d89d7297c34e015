#include <fmt/format.h>

#include <cstring>
#include <xtape/autograd/tape.hpp>
#include <xtape/nn/stopping.hpp>

namespace xtape::nn {

EarlyStopping::EarlyStopping(std::vector<Tensor> tensors, EarlyStoppingOptions options,
                             Location where)
    : tensors_(std::move(tensors)),
      patience_(options.patience),
      min_delta_(options.min_delta),
      sign_(options.mode == "min" ? 1 : -1),
      best_(sign_ * std::numeric_limits<double>::infinity()) {
  const char* op = "EarlyStopping";
  if (options.mode != "min" && options.mode != "max")
    raise<ValueError>(where, op,
                      fmt::format("mode is \"{}\", \"min\" or \"max\" wanted", options.mode));
  if (patience_ < 1)
    raise<ValueError>(where, op, fmt::format("patience is {}, at least 1 wanted", patience_));
  if (!(min_delta_ >= 0))
    raise<ValueError>(where, op, fmt::format("min_delta is {}, at least 0 wanted", min_delta_));
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (!tensors_[i].defined())
      raise<ValueError>(where, op, fmt::format("tensor {} is not defined", i));
}

bool EarlyStopping::step(double value) {
  const std::int64_t here = steps_++;
  if (sign_ * value < sign_ * best_ - min_delta_) {
    best_ = value;
    best_step_ = here;
    copies_.clear();  // their memory serves the next copies
    for (const Tensor& tensor : tensors_) copies_.push_back(tensor.copy());
  }
  return waited() >= patience_;
}

void EarlyStopping::restore(Location where) const {
  if (best_step_ < 0)
    raise<ValueError>(where, "EarlyStopping",
                      fmt::format("none of {} steps had a best value to go back to", steps_));
  const NoGrad off;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const auto copy = [&](auto* to) {
      std::memcpy(to, copies_[i].value()->elements(),
                  static_cast<std::size_t>(tensors_[i].value()->bytes()));
    };
    switch (tensors_[i].dtype()) {
      case DType::float32: copy(tensors_[i].mutable_data<float>(where)); break;
      case DType::float64: copy(tensors_[i].mutable_data<double>(where)); break;
      case DType::int64: copy(tensors_[i].mutable_data<std::int64_t>(where)); break;
      case DType::boolean: copy(tensors_[i].mutable_data<bool>(where)); break;
    }
  }
}

State EarlyStopping::state_dict() const {
  State state{{"best", number_tensor(best_)},
              {"best_step", number_tensor(best_step_)},
              {"steps", number_tensor(steps_)}};
  for (std::size_t i = 0; i < copies_.size(); ++i) state[fmt::format("tensors.{}", i)] = copies_[i];
  return state;
}

void EarlyStopping::load_state_dict(const State& state, Location where) {
  const double best = number_entry(state, "best", where);
  const std::int64_t best_step = integer_entry(state, "best_step", where);
  const std::int64_t steps = integer_entry(state, "steps", where);
  std::vector<Tensor> copies;
  for (std::size_t i = 0; i < tensors_.size() && best_step >= 0; ++i)
    copies.push_back(entry(state, fmt::format("tensors.{}", i), tensors_[i], where).copy());
  copies_ = std::move(copies);
  best_ = best;
  best_step_ = best_step;
  steps_ = steps;
}

}  // namespace xtape::nn
