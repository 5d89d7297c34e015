#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>
#include <vector>
#include <xtape/autograd/tape.hpp>
#include <xtape/nn/init.hpp>
#include <xtape/ops/random.hpp>

// The initial values that are more than independent numbers of a usual distribution.
namespace xtape::nn::init {

namespace {

// tensor[i] = f(i), in place and unrecorded.
template <class F>
Tensor assign(const Tensor& tensor, const Location& where, F f) {
  const NoGrad no_grad;
  const auto fill = [&]<class T>(T* to) {
    for (std::int64_t i = 0, end = tensor.numel(); i < end; ++i) to[i] = static_cast<T>(f(i));
  };
  if (tensor.dtype(where) == float32) fill(tensor.mutable_data<float>(where));
  else fill(tensor.mutable_data<double>(where));
  return tensor;
}

// The probability that a standard normal number is below z.
double normal_below(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

// The z with normal_below(z) = p, between low and high: Newton's method, and halving where that
// would leave the interval.
double normal_quantile(double p, double low, double high) {
  low = std::max(low, -38.0);
  high = std::min(high, 38.0);
  double z = std::min(std::max(0.0, low), high);
  for (int i = 0; i < 100 && low < high; ++i) {
    const double error = normal_below(z) - p;
    if (error == 0) break;
    (error > 0 ? high : low) = z;
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    double next = z - error / density;
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    if (std::abs(next - z) <= 1e-15 * std::abs(z)) break;
    z = next;
  }
  return z;
}

double dot(const double* a, const double* b, std::int64_t n) {
  double sums[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int k = 0; k < 8; ++k) sums[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  double sum = 0;
  for (const double each : sums) sum += each;
  return sum;
}

// Makes the rows of a matrix orthonormal by Gram and Schmidt's method, done twice, because once
// leaves what rounding did.
void orthonormalize(double* rows, std::int64_t count, std::int64_t length) {
  for (std::int64_t i = 0; i < count; ++i) {
    double* const row = rows + i * length;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::int64_t j = 0; j < i; ++j) {
        const double* const other = rows + j * length;
        const double share = dot(row, other, length);
        for (std::int64_t k = 0; k < length; ++k) row[k] -= share * other[k];
      }
      const double norm = std::sqrt(dot(row, row, length));
      for (std::int64_t k = 0; k < length; ++k) row[k] /= norm;
    }
  }
}

void want_rank(const Tensor& weight, int least, int most, const char* op, const Location& where) {
  const Shape& shape = weight.shape(where);
  if (shape.rank() >= least && shape.rank() <= most) return;
  const std::string wanted =
      least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
  raise<ShapeError>(where, op, fmt::format("{} axes wanted, the shape is {}", wanted, shape.str()));
}

}  // namespace

Tensor truncated_normal(const Tensor& tensor, double mean, double deviation, double low,
                        double high, Generator& generator, Location where) {
  if (!(deviation > 0 && low <= high))
    raise<ValueError>(where, "truncated_normal",
                      fmt::format("a positive deviation and low <= high wanted, not {}, {} and {}",
                                  deviation, low, high));
  double from = (low - mean) / deviation, to = (high - mean) / deviation;
  // small probabilities are exact, those near 1 are not: the upper tail is drawn as the lower one
  const double side = from > 0 ? -1 : 1;
  if (side < 0) std::tie(from, to) = std::pair(-to, -from);
  const double below = normal_below(from), inside = normal_below(to) - below;
  const Tensor drawn = rand(tensor.shape(where), float64, generator, where);
  const double* const u = drawn.data<double>();
  return assign(tensor, where, [&](std::int64_t i) {
    const double z = side * normal_quantile(below + inside * u[i], from, to);
    return std::min(std::max(mean + deviation * z, low), high);
  });
}

Tensor orthogonal(const Tensor& weight, double gain, Generator& generator, Location where) {
  want_rank(weight, 2, Shape::max_rank, "orthogonal", where);
  if (weight.numel() == 0) return weight;
  const std::int64_t rows = weight.size(0), columns = weight.numel() / rows;
  const bool wide = rows <= columns;
  const std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
  const Tensor basis = randn({count, length}, float64, generator, where);
  double* const q = basis.mutable_data<double>();
  orthonormalize(q, count, length);
  return assign(weight, where, [&](std::int64_t i) {
    return gain * (wide ? q[i] : q[i % columns * length + i / columns]);
  });
}

Tensor eye(const Tensor& weight, Location where) {
  want_rank(weight, 2, 2, "eye", where);
  const std::int64_t columns = weight.size(1);
  return assign(weight, where, [&](std::int64_t i) { return i / columns == i % columns ? 1 : 0; });
}

Tensor dirac(const Tensor& weight, std::int64_t groups, Location where) {
  want_rank(weight, 3, 5, "dirac", where);
  const Shape& shape = weight.shape();
  if (groups < 1 || shape[0] % groups != 0)
    raise<ShapeError>(where, "dirac",
                      fmt::format("{} groups do not divide {}", groups, shape.str()));
  std::int64_t field = 1, centre = 0;
  for (int axis = 2; axis < shape.rank(); ++axis) {
    field *= shape[axis];
    centre = centre * shape[axis] + shape[axis] / 2;
  }
  const std::int64_t channels = shape[0] / groups;
  return assign(weight, where, [&](std::int64_t i) {
    const std::int64_t out = i / field / shape[1], in = i / field % shape[1];
    return in == out % channels && i % field == centre ? 1 : 0;
  });
}

Tensor sparse(const Tensor& weight, double sparsity, double deviation, Generator& generator,
              Location where) {
  want_rank(weight, 2, 2, "sparse", where);
  if (!(sparsity >= 0 && sparsity <= 1))
    raise<ValueError>(where, "sparse",
                      fmt::format("sparsity is {}, a number from 0 to 1 wanted", sparsity));
  normal(weight, 0, deviation, generator, where);
  const std::int64_t rows = weight.size(0), columns = weight.size(1);
  const auto zeros = static_cast<std::int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  std::vector<char> hidden(static_cast<std::size_t>(rows * columns));
  for (std::int64_t j = 0; j < columns; ++j) {
    const Tensor order = randperm(rows, generator, where);
    for (std::int64_t k = 0; k < zeros; ++k)
      hidden[static_cast<std::size_t>(order.data<std::int64_t>()[k] * columns + j)] = 1;
  }
  const Tensor full = weight.copy();
  return assign(weight, where, [&](std::int64_t i) {
    if (hidden[static_cast<std::size_t>(i)]) return 0.0;
    return full.dtype() == float32 ? full.data<float>()[i] : full.data<double>()[i];
  });
}

}  // namespace xtape::nn::init
