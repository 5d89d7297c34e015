// What to call the operations of the catalogue on in order to check their gradients: every record
// becomes a list of functions with inputs. Formulas are called on sizes that fill no register, on
// shapes that broadcast, at points where they may have kinks, with their parameters at the default
// and at the other value, as numbers and as learnable tensors.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>
#include <xtape/xtape.hpp>

namespace catalogue_calls {

using namespace xtape;

/// A function of tensors with a point at which to check it.
struct Call {
  std::string name;
  std::function<Tensor(const std::vector<Tensor>&)> function;
  std::vector<Tensor> inputs;
};

/// The arguments of a formula that have no default.
inline std::size_t required(const Entry& entry) {
  return static_cast<std::size_t>(entry.arity) - entry.parameters.size();
}

/// Random numbers within the domain of an operation.
inline Tensor within(const Record& record, const Shape& shape, Generator& generator) {
  return record.low + (record.high - record.low) * rand(shape, float64, generator);
}

/// Numbers at which formulas change their course: integers, halves and the parameters' own values.
inline std::vector<double> corners(const Entry& entry, bool other) {
  std::vector<double> numbers{-3, -1, -0.5, 0, 0.5, 1, 3, 6};
  for (const Parameter& parameter : entry.parameters)
    for (const double sign : {-1.0, 1.0})
      numbers.push_back(sign * (other ? parameter.other : parameter.value));
  std::erase_if(numbers, [&](double x) { return x < entry.record.low || x > entry.record.high; });
  return numbers;
}

/// Calls `entry` on `inputs`, which stand for its first arguments; parameters follow as numbers.
inline Call formula_call(const Entry& entry, std::vector<Tensor> inputs, bool other) {
  const auto call = [&entry, other](const std::vector<Tensor>& in) {
    std::vector<Arg> arguments(in.begin(), in.end());
    for (std::size_t i = in.size() - required(entry); i < entry.parameters.size(); ++i)
      arguments.push_back(other ? entry.parameters[i].other : entry.parameters[i].value);
    return entry.formula->apply(arguments);
  };
  return {entry.record.name, call, std::move(inputs)};
}

/// Random arguments of the given shapes; parameters are spread around their value.
inline void add_random(std::vector<Call>& calls, const Entry& entry,
                       const std::vector<Shape>& shapes, bool other, Generator& generator) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < required(entry); ++i)
    inputs.push_back(within(entry.record, shapes[i % shapes.size()], generator));
  calls.push_back(formula_call(entry, inputs, other));
  if (entry.parameters.empty()) return;
  for (const Parameter& parameter : entry.parameters) {
    const Shape& shape = shapes[inputs.size() % shapes.size()];
    const Tensor spread = 0.05 * (rand(shape, float64, generator) - 0.5);
    inputs.push_back((other ? parameter.other : parameter.value) + spread);
  }
  calls.push_back(formula_call(entry, inputs, other));
}

/// All combinations of corners, the parameters exactly at their values.
inline void add_corners(std::vector<Call>& calls, const Entry& entry, bool other) {
  std::vector<double> numbers = corners(entry, other);
  // all combinations, but no more than about a hundred
  const double most = std::pow(100.0, 1.0 / static_cast<double>(required(entry)));
  while (static_cast<double>(numbers.size()) > most)
    numbers.erase(numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2));
  const std::int64_t count = static_cast<std::int64_t>(numbers.size());
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < required(entry); ++i) {
    Shape shape{count};
    for (std::size_t k = i + 1; k < required(entry); ++k) shape.push_back(1);
    inputs.push_back(Tensor::from(numbers.data(), shape));
  }
  calls.push_back(formula_call(entry, inputs, other));
  if (entry.parameters.empty()) return;
  for (const Parameter& parameter : entry.parameters)
    inputs.push_back(Tensor(other ? parameter.other : parameter.value, float64));
  calls.push_back(formula_call(entry, inputs, other));
}

/// All calls for one entry.
inline std::vector<Call> calls_of(const Entry& entry, Generator& generator) {
  std::vector<Call> calls;
  for (const Sample& sample : entry.samples) {
    std::vector<Tensor> inputs;
    for (const Shape& shape : sample.shapes)
      inputs.push_back(within(entry.record, shape, generator));
    calls.push_back({sample.call, sample.run, inputs});
  }
  if (!entry.formula) return calls;
  const std::vector<Shape> sizes[] = {{{}},
                                      {{1}},
                                      {{17}},
                                      {{3, 5}, {5}, {3, 1}},
                                      {{2, 1, 3}, {4, 1}, {2, 4, 3}},
                                      {{3, 1}, {1, 7}, {}}};
  for (const bool other : {false, true}) {
    if (other && entry.parameters.empty()) break;
    for (const auto& shapes : sizes) add_random(calls, entry, shapes, other, generator);
    add_corners(calls, entry, other);
  }
  return calls;
}

/// False for comparisons and the like, and where slopes are conventions.
inline bool differentiable(const Entry& entry) {
  return entry.record.differences && (!entry.formula || !entry.formula->readings->boolean_result);
}

}  // namespace catalogue_calls
