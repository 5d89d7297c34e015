#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <xtape/autograd/tape.hpp>
#include <xtape/nn/scaling.hpp>
#include <xtape/ops/decompositions.hpp>
#include <xtape/ops/moments.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/statistics.hpp>

namespace xtape::nn {

namespace {

// The samples to fit, without their place on the tape.
Tensor samples(const char* op, const Arg& x, std::int64_t least) {
  const Location& where = x.where();
  const Tensor given = x.as_tensor(float32);
  if (!is_floating(given.dtype(where)))
    raise<DTypeError>(where, op,
                      fmt::format("floating samples wanted, got {}", name_of(given.dtype())));
  if (given.rank() < 2 || given.size(0) < least)
    raise<ShapeError>(
        where, op,
        fmt::format("at least {} samples [n, ...] wanted, got {}", least, given.shape().str()));
  return given.detach();
}

constexpr double least_positive = std::numeric_limits<float>::min();

double epsilon_of(DType dtype) {
  return dtype == float32 ? std::numeric_limits<float>::epsilon()
                          : std::numeric_limits<double>::epsilon();
}

// A deviation, or 1 where it is nothing but the rounding of n equal numbers (scikit-learn's bound).
Tensor deviations(const Tensor& mean, const Tensor& var, std::int64_t n) {
  const double eps = epsilon_of(mean.dtype());
  const double count = static_cast<double>(n);
  const Tensor rounding = count * eps * var + square(count * eps * mean);
  return where(var <= rounding, 1.0, sqrt(var));
}

// The rows of x less their mean, as they are used for `features` features.
Tensor centred(const char* op, const Arg& x, const Tensor& mean) {
  const Tensor given = x.as_tensor(mean.dtype());
  const std::int64_t n = given.rank(x.where()) > 0 ? given.size(0) : 0;
  if (given.rank() < 2 || given.numel() != n * mean.numel())
    raise<ShapeError>(
        x.where(), op,
        fmt::format("samples of {} features wanted, got {}", mean.numel(), given.shape().str()));
  return reshape(given, {n, mean.numel()}) - mean;
}

struct Covariance {
  Tensor mean, matrix;  // float64
};

// Row blocks are widened one at a time, so that no second copy of the samples is made.
Covariance covariance(const Tensor& rows) {
  const std::int64_t n = rows.size(0), features = rows.size(1);
  constexpr std::int64_t block = 4096;
  const auto each = [&](auto f) {
    for (std::int64_t start = 0; start < n; start += block)
      f(cast(slice(rows, 0, {.start = start, .stop = std::min(n, start + block)}), float64));
  };
  Tensor total = zeros({features}, float64), matrix = zeros({features, features}, float64);
  each([&](const Tensor& part) { total = total + sum(part, 0); });
  const Tensor mean = total / static_cast<double>(n);
  each([&](const Tensor& part) {
    const Tensor off = part - mean;
    matrix = matrix + matmul(transpose(off), off);
  });
  return {mean, matrix / static_cast<double>(n - 1)};
}

// The largest element of each row made positive, so that signs do not depend on the algorithm.
Tensor with_signs(const Tensor& rows) {
  const Tensor out = rows.copy();
  double* element = out.mutable_data<double>();
  const std::int64_t width = out.size(1);
  for (std::int64_t i = 0; i < out.size(0); ++i, element += width) {
    const double* largest = std::max_element(
        element, element + width, [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (width > 0 && *largest < 0)
      std::transform(element, element + width, element, [](double e) { return -e; });
  }
  return out;
}

Tensor flipped_rows(const Tensor& x) { return index(x, {range(_, _, -1)}); }

}  // namespace

Tensor Scaler::apply(const Arg& x) const {
  const Caller caller(x.where());
  return (x.as_tensor(mean.dtype()) - mean) / scale;
}

Tensor Scaler::invert(const Arg& x) const {
  const Caller caller(x.where());
  return x.as_tensor(mean.dtype()) * scale + mean;
}

Scaler standard_scaler(const Arg& x) {
  const NoGrad off;
  const Caller caller(x.where());
  const Tensor rows = samples("standard_scaler", x, 1);
  const Moments both = moments(rows, 0);
  const Tensor mean = squeeze(both.mean, 0), var = squeeze(both.var, 0);
  return {mean, deviations(mean, var, rows.size(0))};
}

Scaler channel_scaler(const Arg& x, const ChannelScalerOptions& options) {
  const NoGrad off;
  const Caller caller(x.where());
  const Tensor images = samples("channel_scaler", x, 1);
  Shape one;
  one.push_back(images.size(1));
  for (int axis = 2; axis < images.rank(); ++axis) one.push_back(1);
  const Moments both = moments(reshape(images, {images.size(0), images.size(1), -1}), {0, 2});
  const Tensor mean = reshape(both.mean, one), var = reshape(both.var, one);
  return {mean,
          options.scale ? deviations(mean, var, images.numel() / images.size(1)) : ones_like(mean)};
}

Scaler mean_image(const Arg& x) {
  const NoGrad off;
  const Caller caller(x.where());
  const Tensor mean = xtape::mean(samples("mean_image", x, 1), 0);
  return {mean, ones_like(mean)};
}

Tensor Pca::apply(const Arg& x) const {
  const Caller caller(x.where());
  return matmul(centred("Pca::apply", x, mean), transpose(components)) / scale;
}

Tensor Pca::invert(const Arg& z) const {
  const Caller caller(z.where());
  return matmul(z.as_tensor(mean.dtype()) * scale, components) + mean;
}

Pca fit_pca(const Arg& x, const PcaOptions& options) {
  const char* op = "fit_pca";
  const Location& where = x.where();
  const NoGrad off;
  const Caller caller(where);
  const Tensor rows = samples(op, x, 2);
  if (rows.rank() != 2)
    raise<ShapeError>(where, op,
                      fmt::format("samples [n, features] wanted, got {}", rows.shape().str()));
  const std::int64_t n = rows.size(0), features = rows.size(1), most = std::min(n, features);
  if (options.n_components < 0 || options.n_components > most)
    raise<ValueError>(where, op,
                      fmt::format("{} components of {} samples with {} features",
                                  options.n_components, n, features));
  const std::int64_t k = options.n_components == 0 ? most : options.n_components;
  Tensor mean, axes, variance;
  if (n >= features) {
    const Covariance of = covariance(rows);
    const Eigh parts = eigh(of.matrix);
    mean = of.mean;
    axes = flipped_rows(transpose(parts.vectors));
    variance = maximum(flipped_rows(parts.values), 0);  // rounding may make 0 negative
  } else {
    const Tensor wide = cast(rows, float64);
    mean = xtape::mean(wide, 0);
    const Svd parts = svd(wide - mean);
    axes = parts.vh;
    variance = square(parts.s) / static_cast<double>(n - 1);
  }
  const Range first{.start = 0, .stop = k};
  const Tensor kept = slice(variance, 0, first);
  const auto as = [&](const Tensor& tensor) { return cast(tensor, rows.dtype()); };
  // directions in which there is nothing but rounding are not blown up
  const Tensor least = sqrt(amax(variance)) * epsilon_of(rows.dtype());
  return {.mean = as(mean),
          .components = as(with_signs(slice(axes, 0, first))),
          .explained_variance = as(kept),
          .explained_variance_ratio = as(kept / sum(variance)),
          .scale = as(options.whiten ? maximum(sqrt(kept), maximum(least, least_positive))
                                     : ones_like(kept))};
}

Tensor Zca::apply(const Arg& x) const {
  const Caller caller(x.where());
  return reshape(matmul(centred("Zca::apply", x, mean), matrix), x.as_tensor(float32).shape());
}

Tensor Zca::invert(const Arg& x) const {
  const Caller caller(x.where());
  const Tensor rows = centred("Zca::invert", x, zeros_like(mean));
  return reshape(matmul(rows, inverse) + mean, x.as_tensor(float32).shape());
}

Zca fit_zca(const Arg& x, const ZcaOptions& options) {
  const NoGrad off;
  const Caller caller(x.where());
  if (!(options.eps >= 0))
    raise<ValueError>(x.where(), "fit_zca", fmt::format("eps is {}", options.eps));
  const Tensor given = samples("fit_zca", x, 2);
  const Covariance of = covariance(flatten(given, 1));
  const Eigh parts = eigh(of.matrix);
  const Tensor deviation = sqrt(maximum(parts.values, 0) + options.eps);
  const Tensor back = transpose(parts.vectors);
  const auto as = [&](const Tensor& tensor) { return cast(tensor, given.dtype()); };
  return {as(of.mean), as(matmul(parts.vectors / deviation, back)),
          as(matmul(parts.vectors * deviation, back))};
}

}  // namespace xtape::nn
