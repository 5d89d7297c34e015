// The schedules whose rate follows from the epoch; t is the epoch, from 0, base the rate that the
// optimizer began with. Names, options and defaults are PyTorch's.
#pragma once

#include <functional>
#include <xtape/optim/schedule.hpp>

namespace xtape::optim {

struct StepLROptions {
  std::int64_t step_size = 0;
  double gamma = 0.1;
  static constexpr const char* name = "StepLR";
  std::string problem() const;
  double next(const Epoch& e) const;
  double at(const Epoch& e) const;
};
/// base gamma^floor(t / step_size)
using StepLR = ScheduleOf<StepLROptions>;

struct MultiStepLROptions {
  std::vector<std::int64_t> milestones = {};
  double gamma = 0.1;
  static constexpr const char* name = "MultiStepLR";
  double next(const Epoch& e) const;
  double at(const Epoch& e) const;
};
/// base gamma^(milestones reached); one that is listed twice counts twice.
using MultiStepLR = ScheduleOf<MultiStepLROptions>;

struct ExponentialLROptions {
  double gamma = 1;
  static constexpr const char* name = "ExponentialLR";
  double next(const Epoch& e) const;
  double at(const Epoch& e) const;
};
/// base gamma^t
using ExponentialLR = ScheduleOf<ExponentialLROptions>;

struct ConstantLROptions {
  double factor = 1.0 / 3;
  std::int64_t total_iters = 5;
  static constexpr const char* name = "ConstantLR";
  std::string problem() const;
  double next(const Epoch& e) const;
  double at(const Epoch& e) const;
};
/// base factor while t < total_iters, then base
using ConstantLR = ScheduleOf<ConstantLROptions>;

struct LinearLROptions {
  double start_factor = 1.0 / 3;
  double end_factor = 1;
  std::int64_t total_iters = 5;
  static constexpr const char* name = "LinearLR";
  std::string problem() const;
  double factor(double t) const;
  double next(const Epoch& e) const;
  double at(const Epoch& e) const;
};
/// base times a factor that goes straight from start_factor to end_factor in total_iters epochs: a
/// warm-up, for example.
using LinearLR = ScheduleOf<LinearLROptions>;

struct PolynomialLROptions {
  std::int64_t total_iters = 5;
  double power = 1;
  static constexpr const char* name = "PolynomialLR";
  std::string problem() const;
  double next(const Epoch& e) const;
  double at(const Epoch& e) const;
};
/// base (1 - min(t, total_iters) / total_iters)^power
using PolynomialLR = ScheduleOf<PolynomialLROptions>;

struct CosineAnnealingLROptions {
  std::int64_t T_max = 0;
  double eta_min = 0;
  static constexpr const char* name = "CosineAnnealingLR";
  std::string problem() const;
  double next(const Epoch& e) const;
  double at(const Epoch& e) const;
};
/// eta_min + (base - eta_min) (1 + cos(pi t / T_max)) / 2; it rises again after T_max (Loshchilov
/// and Hutter 2017).
using CosineAnnealingLR = ScheduleOf<CosineAnnealingLROptions>;

struct InverseSqrtLROptions {
  std::int64_t warmup_steps = 1;
  static constexpr const char* name = "InverseSqrtLR";
  std::string problem() const;
  double next(const Epoch& e) const;
};
/// base min((t + 1) / w, sqrt(w / (t + 1))) with w = warmup_steps: up in a line, then down with the
/// inverse square root (Vaswani et al. 2017).
using InverseSqrtLR = ScheduleOf<InverseSqrtLROptions>;

struct LambdaLROptions {
  /// The factor of base at epoch t: one function for all groups, or one for each.
  std::vector<std::function<double(std::int64_t)>> lr_lambda = {};
  static constexpr const char* name = "LambdaLR";
  std::string problem() const;
  double factor(const Epoch& e) const;
  double next(const Epoch& e) const { return e.base * factor(e); }
};
/// base f(t)
using LambdaLR = ScheduleOf<LambdaLROptions>;

struct MultiplicativeLROptions {
  /// By what the rate is multiplied at epoch t, from 1: one function for all groups or one for
  /// each.
  std::vector<std::function<double(std::int64_t)>> lr_lambda = {};
  static constexpr const char* name = "MultiplicativeLR";
  std::string problem() const;
  double next(const Epoch& e) const;
};
/// The rate in force times f(t).
using MultiplicativeLR = ScheduleOf<MultiplicativeLROptions>;

}  // namespace xtape::optim
