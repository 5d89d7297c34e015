// What the tests share: elements as doubles, messages of exceptions, naive differences.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>
#include <xtape/xtape.hpp>

namespace check {

using namespace xtape;

/// The elements as doubles.
inline std::vector<double> numbers(const Tensor& tensor) {
  const Tensor wide = cast(tensor.detach(), float64);
  const double* data = wide.data<double>();
  return {data, data + wide.numel()};
}

inline bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// True if shape, element type and every element are the same; NaN equals NaN.
inline bool equal(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const std::vector<double> x = numbers(a), y = numbers(b);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!same(x[i], y[i])) return false;
  return true;
}

/// The largest difference relative to 1 + |b|; infinite if the shapes differ.
inline double distance(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const std::vector<double> x = numbers(a), y = numbers(b);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (same(x[i], y[i])) continue;
    const double d = std::abs(x[i] - y[i]) / (1 + std::abs(y[i]));
    worst = std::isnan(d) ? INFINITY : std::max(worst, d);
  }
  return worst;
}

/// The message of the E that f throws; tells what happened instead if it does not.
template <class E, class F>
std::string message(F f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "no exception";
}

/// Tensors in double precision that require gradients.
inline Tensor leaf(std::initializer_list<Nested> items, DType dtype = float64) {
  return Tensor(items, dtype).requires_grad(true);
}
inline Tensor leaf(double number) { return Tensor(number, float64).requires_grad(true); }

/// "file.cpp:12" of the caller.
inline std::string here(Location where = {}) { return where.str(); }

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

/// A weighted sum of f's result with weights that are all different, so that no element can stand
/// in for another.
inline Tensor probe(const Tensor& result) {
  const Tensor weights =
      reshape(cos(arange(0, static_cast<double>(result.numel()), 1, float64)), result.shape());
  return sum(result * weights);
}

/// The largest distance between the gradients of probe(f(inputs)) and central differences.
inline double slope_error(const Function& f, const std::vector<Tensor>& points,
                          bool create_graph = false) {
  std::vector<Tensor> inputs;
  for (const Tensor& point : points) inputs.push_back(point.copy().requires_grad(true));
  const std::vector<Tensor> slopes =
      grad(probe(f(inputs)), inputs,
           {.retain_graph = false, .create_graph = create_graph, .allow_unused = true});
  const NoGrad off;
  constexpr double h = 1e-6;
  double worst = 0;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const std::vector<double> slope =
        slopes[k].defined() ? numbers(slopes[k])
                            : std::vector<double>(static_cast<std::size_t>(inputs[k].numel()));
    if (slopes[k].defined() && slopes[k].shape() != inputs[k].shape()) return INFINITY;
    double* x = inputs[k].mutable_data<double>();
    for (std::size_t i = 0; i < slope.size(); ++i) {
      const double before = x[i];
      x[i] = before + h;
      const double above = probe(f(inputs)).item<double>();
      x[i] = before - h;
      const double below = probe(f(inputs)).item<double>();
      x[i] = before;
      const double difference = (above - below) / (2 * h);
      const double d = std::abs(difference - slope[i]) / (1 + std::abs(difference));
      worst = std::isnan(d) ? INFINITY : std::max(worst, d);
    }
  }
  return worst;
}

/// The same for the gradients themselves: second derivatives by differences of recorded firsts.
inline double curvature_error(const Function& f, const std::vector<Tensor>& points) {
  const Function slopes = [&](const std::vector<Tensor>& inputs) {
    const Tensor result = f(inputs);
    std::vector<Tensor> leaves;
    const EnableGrad on;
    std::vector<Tensor> used = inputs;
    for (Tensor& input : used)
      if (!input.requires_grad()) input = input.detach().requires_grad(true);
    const std::vector<Tensor> firsts =
        grad(probe(square(f(used))), used,
             {.retain_graph = false, .create_graph = true, .allow_unused = true});
    Tensor total = Tensor(0.0, float64);
    for (std::size_t k = 0; k < firsts.size(); ++k)
      if (firsts[k].defined())
        total = total + probe(firsts[k]) * (1.0 + 0.3 * static_cast<double>(k));
    return total;
  };
  return slope_error(slopes, points);
}

}  // namespace check
