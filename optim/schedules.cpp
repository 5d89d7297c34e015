#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <xtape/optim/schedules.hpp>

namespace xtape::optim {

namespace {

constexpr double pi = std::numbers::pi;

double as_double(std::int64_t n) { return static_cast<double>(n); }

std::string at_least(const char* option, std::int64_t value, std::int64_t least) {
  return value >= least ? "" : fmt::format("{} is {}, at least {} wanted", option, value, least);
}

std::string from_zero_to_one(const char* option, double value) {
  return value >= 0 && value <= 1
             ? ""
             : fmt::format("{} is {}, a number from 0 to 1 wanted", option, value);
}

std::string first_of(std::initializer_list<std::string> problems) {
  for (const std::string& each : problems)
    if (!each.empty()) return each;
  return "";
}

using Lambdas = std::vector<std::function<double(std::int64_t)>>;

std::string without(const Lambdas& lambdas) {
  for (const auto& each : lambdas)
    if (!each) return "a function is empty";
  return lambdas.empty() ? "there is no function" : "";
}

double call(const Lambdas& lambdas, const Epoch& e) {
  return lambdas[std::min(e.group, lambdas.size() - 1)](static_cast<std::int64_t>(e.t));
}

}  // namespace

std::string StepLROptions::problem() const { return at_least("step_size", step_size, 1); }
double StepLROptions::next(const Epoch& e) const {
  return e.t == 0 || std::fmod(e.t, as_double(step_size)) != 0 ? e.lr : e.lr * gamma;
}
double StepLROptions::at(const Epoch& e) const {
  return e.base * std::pow(gamma, std::floor(e.t / as_double(step_size)));
}

double MultiStepLROptions::next(const Epoch& e) const {
  double lr = e.lr;
  for (const std::int64_t milestone : milestones)
    if (e.t == as_double(milestone)) lr *= gamma;
  return lr;
}
double MultiStepLROptions::at(const Epoch& e) const {
  const auto reached = std::count_if(milestones.begin(), milestones.end(),
                                     [&](std::int64_t m) { return as_double(m) <= e.t; });
  return e.base * std::pow(gamma, reached);
}

double ExponentialLROptions::next(const Epoch& e) const { return e.t == 0 ? e.lr : e.lr * gamma; }
double ExponentialLROptions::at(const Epoch& e) const { return e.base * std::pow(gamma, e.t); }

std::string ConstantLROptions::problem() const {
  return first_of({from_zero_to_one("factor", factor), at_least("total_iters", total_iters, 0)});
}
double ConstantLROptions::next(const Epoch& e) const {
  if (e.t == 0) return e.lr * factor;
  if (e.t != as_double(total_iters)) return e.lr;
  return factor == 0 ? e.base : e.lr / factor;  // nothing leads back from a rate of 0
}
double ConstantLROptions::at(const Epoch& e) const {
  return e.t < as_double(total_iters) ? e.base * factor : e.base;
}

std::string LinearLROptions::problem() const {
  return first_of({from_zero_to_one("start_factor", start_factor),
                   from_zero_to_one("end_factor", end_factor),
                   at_least("total_iters", total_iters, 1)});
}
double LinearLROptions::factor(double t) const {
  const double end = as_double(total_iters);
  return start_factor + (end_factor - start_factor) * std::min(t, end) / end;
}
double LinearLROptions::next(const Epoch& e) const {
  if (e.t == 0) return e.lr * start_factor;
  if (e.t > as_double(total_iters)) return e.lr;
  const double before = factor(e.t - 1);
  return before == 0 ? e.base * factor(e.t) : e.lr * (factor(e.t) / before);
}
double LinearLROptions::at(const Epoch& e) const { return e.base * factor(e.t); }

std::string PolynomialLROptions::problem() const { return at_least("total_iters", total_iters, 1); }
double PolynomialLROptions::next(const Epoch& e) const {
  const double end = as_double(total_iters);
  if (e.t == 0 || e.t > end) return e.lr;
  return e.lr * std::pow((1 - e.t / end) / (1 - (e.t - 1) / end), power);
}
double PolynomialLROptions::at(const Epoch& e) const {
  const double end = as_double(total_iters);
  return e.base * std::pow(1 - std::min(e.t, end) / end, power);
}

std::string CosineAnnealingLROptions::problem() const { return at_least("T_max", T_max, 1); }
double CosineAnnealingLROptions::next(const Epoch& e) const {
  const double end = as_double(T_max);
  if (e.t == 0) return e.lr;
  // at the bottom the rate in force says nothing about the next one
  if (std::fmod(e.t - 1 - end, 2 * end) == 0)
    return e.lr + (e.base - eta_min) * (1 - std::cos(pi / end)) / 2;
  return (1 + std::cos(pi * e.t / end)) / (1 + std::cos(pi * (e.t - 1) / end)) * (e.lr - eta_min) +
         eta_min;
}
double CosineAnnealingLROptions::at(const Epoch& e) const {
  return eta_min + (e.base - eta_min) * (1 + std::cos(pi * e.t / as_double(T_max))) / 2;
}

std::string InverseSqrtLROptions::problem() const {
  return at_least("warmup_steps", warmup_steps, 1);
}
double InverseSqrtLROptions::next(const Epoch& e) const {
  const double share = (e.t + 1) / as_double(warmup_steps);
  return e.base * std::min(share, 1 / std::sqrt(share));
}

std::string LambdaLROptions::problem() const { return without(lr_lambda); }
double LambdaLROptions::factor(const Epoch& e) const { return call(lr_lambda, e); }

std::string MultiplicativeLROptions::problem() const { return without(lr_lambda); }
double MultiplicativeLROptions::next(const Epoch& e) const {
  return e.t == 0 ? e.lr : e.lr * call(lr_lambda, e);
}

}  // namespace xtape::optim
