#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <xtape/autograd/functions.hpp>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/optim/clip.hpp>

namespace xtape::optim {

namespace {

constexpr std::int64_t grain = 65536;

// Calls f with a typed pointer to elements that may be changed.
template <class F>
void change(const Tensor& tensor, const Location& where, F f) {
  const NoGrad no_grad;
  if (tensor.dtype(where) == float32) f(tensor.mutable_data<float>(where));
  else f(tensor.mutable_data<double>(where));
}

template <class F>
void for_each_grad(const std::vector<Tensor>& parameters, const Location& where, F f) {
  for (const Tensor& parameter : parameters)
    if (const Tensor grad = parameter.grad(where); grad.defined()) f(parameter, grad);
}

// x <- f(x) for all elements, in pieces.
template <class F>
void map(const Tensor& tensor, const Location& where, F f) {
  change(tensor, where, [&]<class T>(T* x) {
    const std::int64_t n = tensor.numel();
    parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
      const std::int64_t begin = piece * grain, end = std::min(n, begin + grain);
      for (std::int64_t i = begin; i < end; ++i) x[i] = f(x[i]);
    });
  });
}

double combine(double a, double b, double p) {
  if (std::isinf(p))
    return std::isnan(a) || std::isnan(b) ? a + b : p > 0 ? std::max(a, b) : std::min(a, b);
  return a + b;
}

// What an element adds to the norm before the root.
template <class X>
X share(X x, double p) {
  if (p == 2) return x * x;
  if (p == 1 || std::isinf(p)) return std::abs(x);
  return p == 0 ? static_cast<X>(x != 0) : static_cast<X>(std::pow(std::abs(x), p));
}

// The shares of one strip of elements, in eight sums that the compiler keeps in a register.
template <class T>
double strip_shares(const T* x, std::int64_t n, double p) {
  double sums[8];
  std::fill(sums, sums + 8, p == -INFINITY ? INFINITY : 0.0);
  std::int64_t i = 0;
  if (p == 2)
    for (; i + 8 <= n; i += 8)
      for (int k = 0; k < 8; ++k)
        sums[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
  for (; i < n; ++i) sums[i % 8] = combine(sums[i % 8], share<double>(x[i], p), p);
  double total = sums[0];
  for (int k = 1; k < 8; ++k) total = combine(total, sums[k], p);
  return total;
}

double root(double sum, double p) {
  if (std::isinf(p) || p == 0 || p == 1) return sum;
  return p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / p);
}

// The p-norm of all elements.
double norm(const Tensor& tensor, double p) {
  const auto sum = [&](const auto* x) {
    const double none = p == -INFINITY ? INFINITY : 0;
    double total = none;
    for (std::int64_t begin = 0; begin < tensor.numel(); begin += grain)
      total =
          combine(total, strip_shares(x + begin, std::min(grain, tensor.numel() - begin), p), p);
    return total;
  };
  return root(tensor.dtype() == float32 ? sum(tensor.data<float>()) : sum(tensor.data<double>()),
              p);
}

}  // namespace

double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm, double norm_type,
                      Location where) {
  if (std::isnan(max_norm) || std::isnan(norm_type))
    raise<ValueError>(where, "clip_grad_norm",
                      fmt::format("max_norm is {} and norm_type {}", max_norm, norm_type));
  // the norm of the norms, which for p = 0 counts the gradients that are not zero, as in PyTorch
  double sum = norm_type == -INFINITY ? INFINITY : 0;
  bool any = false;
  for_each_grad(parameters, where, [&](const Tensor&, const Tensor& grad) {
    any = true;
    sum = combine(sum, share(norm(grad, norm_type), norm_type), norm_type);
  });
  if (!any) return 0;
  const double total = root(sum, norm_type), scale = max_norm / (total + 1e-6);
  if (scale >= 1) return total;
  for_each_grad(parameters, where, [&](const Tensor&, const Tensor& grad) {
    map(grad, where, [scale]<class T>(T x) { return static_cast<T>(x * static_cast<T>(scale)); });
  });
  return total;
}

void clip_grad_value(const std::vector<Tensor>& parameters, double clip_value, Location where) {
  if (!(clip_value >= 0))
    raise<ValueError>(where, "clip_grad_value",
                      fmt::format("clip_value is {}, it must not be negative", clip_value));
  for_each_grad(parameters, where, [&](const Tensor&, const Tensor& grad) {
    map(grad, where, [clip_value]<class T>(T x) {
      const T bound = static_cast<T>(clip_value);
      return x > bound ? bound : x < -bound ? -bound : x;
    });
  });
}

void add_penalty(const std::vector<Tensor>& parameters, double l1, double l2, Location where) {
  for_each_grad(parameters, where, [&](const Tensor& parameter, const Tensor& grad) {
    change(grad, where, [&]<class T>(T* g) {
      const T* const p = parameter.data<T>(where);
      const T one = static_cast<T>(l1), two = static_cast<T>(l2);
      for (std::int64_t i = 0, end = grad.numel(); i < end; ++i) {
        const T sign = static_cast<T>((p[i] > 0) - (p[i] < 0));
        g[i] += one * sign + (two == 0 ? T(0) : two * p[i]);
      }
    });
  });
}

void decay(const std::vector<Tensor>& parameters, double rate, Location where) {
  for (const Tensor& parameter : parameters)
    map(parameter, where, [keep = 1 - rate]<class T>(T x) { return static_cast<T>(keep) * x; });
}

void limit_norm(const Tensor& weight, double max_norm, std::int64_t axis, Location where) {
  if (!(max_norm >= 0))
    raise<ValueError>(where, "limit_norm",
                      fmt::format("max_norm is {}, it must not be negative", max_norm));
  const Shape& shape = weight.shape(where);
  const int along = normalize_axis(axis, shape.rank(), "limit_norm", where);
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < along; ++i) outer *= shape[i];
  for (int i = along + 1; i < shape.rank(); ++i) inner *= shape[i];
  change(weight, where, [&](auto* w) {
    for (std::int64_t k = 0; k < shape[along]; ++k) {
      // the rows of the slice, each of `inner` elements
      const auto row = [&](std::int64_t o) { return w + (o * shape[along] + k) * inner; };
      double sum = 0;
      for (std::int64_t o = 0; o < outer; ++o) sum += strip_shares(row(o), inner, 2);
      const double norm = std::sqrt(sum);
      if (!(norm > max_norm)) continue;
      const double scale = max_norm / norm;
      for (std::int64_t o = 0; o < outer; ++o)
        for (std::int64_t i = 0; i < inner; ++i)
          row(o)[i] = static_cast<std::decay_t<decltype(*w)>>(row(o)[i] * scale);
    }
  });
}

}  // namespace xtape::optim
