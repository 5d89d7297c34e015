#include <fmt/format.h>

#include <cmath>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/statistics.hpp>

namespace xtape {

namespace {

Tensor floating(const Arg& argument, const char* op) {
  const Tensor x = argument.as_tensor(float32);
  if (!is_floating(x.dtype()))
    raise<DTypeError>(
        argument.where(), op,
        fmt::format("of a floating tensor wanted, this one is {}; cast() it", name_of(x.dtype())));
  return x;
}

// The first element of those that are folded into one.
Tensor first_of(const Tensor& x, const Shape& folded) {
  Tensor first = x.detach();
  for (int axis = 0; axis < folded.rank(); ++axis)
    if (folded[axis] < x.shape()[axis])
      first = slice(first, axis, {.start = 0, .stop = 1, .step = 1});
  return first;
}

// Whether sums of powers are far from overflow and underflow, so that none of their terms that
// matters has suffered from either.
template <class T>
bool is_usual(const Tensor& sums) {
  using Limits = std::numeric_limits<T>;
  constexpr T low = Limits::min() / (Limits::epsilon() * Limits::epsilon());
  constexpr T high = Limits::max() / 16;
  const T* const value = sums.data<T>();
  bool usual = true;
  for (std::int64_t i = 0, end = sums.numel(); i < end; ++i)
    usual &= value[i] >= low && value[i] <= high;
  return usual;
}

Tensor sum_of_powers(const Tensor& x, double p, const Dims& dims) {
  if (p == 2) return formulas::square.sum(dims, x);
  return formulas::magnitude_power.sum(dims, x, p);
}

Tensor norm_of_sum(const Tensor& sum, double p) {
  return p == 2 ? formulas::square_root(sum) : formulas::root(sum, 1 / p);
}

// The size that decides the norm, for scaling: a constant, because the norm does not depend on it.
Tensor scale_of(const Tensor& x, double p, const Dims& dims) {
  const Tensor sizes = abs(x.detach());
  const Tensor decisive = p > 0 ? amax(sizes, dims) : amin(sizes, dims);
  const double smallest = x.dtype() == float32
                              ? static_cast<double>(std::numeric_limits<float>::min())
                              : std::numeric_limits<double>::min();
  return where(decisive - decisive == 0, maximum(decisive, smallest), 1);
}

}  // namespace

Tensor var(const Arg& argument, const Dims& dims, std::int64_t correction, bool keepdim) {
  const Caller caller(argument.where());
  const Tensor x = floating(argument, "var");
  const Reduced to(x.shape(), dims.keep(keepdim || dims.keepdim), "var", argument.where());
  const std::int64_t results = to.folded.numel();
  const double n = results == 0 ? 0 : static_cast<double>(x.numel()) / static_cast<double>(results);
  // The mean as the first element and the mean distance from it: exact where all are equal.
  Tensor mean = zeros(to.folded, x.dtype());
  if (x.numel() > 0) {
    const Tensor first = first_of(x, to.folded);
    mean = first + formulas::sub.sum(dims.keep(), x, first) / n;
  }
  const Tensor squares = formulas::squared_difference.sum(dims.keep(), x, mean);
  return reshape(squares / std::max(0.0, n - static_cast<double>(correction)), to.result);
}

Tensor stddev(const Arg& argument, const Dims& dims, std::int64_t correction, bool keepdim) {
  const Caller caller(argument.where());
  return formulas::square_root(var(floating(argument, "stddev"), dims, correction, keepdim));
}

Tensor norm(const Arg& argument, double p, const Dims& given, bool keepdim) {
  const Caller caller(argument.where());
  const Tensor x = floating(argument, "norm");
  const Dims dims = given.keep(keepdim || given.keepdim);
  const Reduced to(x.shape(), dims, "norm", argument.where());
  if (p == 0) return formulas::nonzero.sum(dims, x);
  if (p == 1) return formulas::abs.sum(dims, x);
  if (std::isinf(p)) return p > 0 ? amax(abs(x), dims) : amin(abs(x), dims);
  const Tensor sum = sum_of_powers(x, p, dims);
  const bool usual = x.dtype() == float32 ? is_usual<float>(sum) : is_usual<double>(sum);
  if (usual || x.numel() == 0) return norm_of_sum(sum, p);
  const Tensor scale = scale_of(x, p, dims.keep());
  return norm_of_sum(sum_of_powers(x / scale, p, dims), p) * reshape(scale, to.result);
}

}  // namespace xtape
