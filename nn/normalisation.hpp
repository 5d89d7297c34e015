// Normalisation, forward only: y = (x - mean) / sqrt(var + eps) weight + bias, over axes that the
// kinds differ in. The variance is the biased one. Weights and biases may be left out.
#pragma once

#include <optional>
#include <xtape/ops/builtin.hpp>

namespace xtape::nn {

struct BatchNormOptions {
  Tensor weight{}, bias{};  ///< [C]
  bool training = false;
  std::optional<double> momentum = 0.1;  ///< the weight of the new batch; none: a running average
  std::int64_t batches = 1;              ///< how many there were with this one, for that average
  double eps = 1e-5;
};
/// Over all axes but 1 of x [N, C, ...] (Ioffe and Szegedy 2015). In training the batch's own mean
/// and variance are used, and running_mean and running_var [C], if defined, are moved towards them
/// in place, the variance towards the unbiased one; else they are used. Throws ShapeError, also in
/// training for a single value per channel, and ValueError without them outside training.
Tensor batch_norm(const Arg& x, const Tensor& running_mean, const Tensor& running_var,
                  const BatchNormOptions& options = {});

struct NormOptions {
  Tensor weight{}, bias{};
  double eps = 1e-5;
};
/// Over the last axes, whose sizes are `normalized_shape`, that of weight and bias, too (Ba, Kiros
/// and Hinton 2016). Throws ShapeError.
Tensor layer_norm(const Arg& x, const Shape& normalized_shape, const NormOptions& options = {});
/// Over each of `groups` groups of neighbouring channels of a sample, x [N, C, ...], weight and
/// bias [C] (Wu and He 2018). Throws ShapeError if the groups do not divide the channels,
/// ValueError for no groups.
Tensor group_norm(const Arg& x, std::int64_t groups, const NormOptions& options = {});
/// Over the spatial axes of each channel of a sample, x [N, C, ...], weight and bias [C] (Ulyanov,
/// Vedaldi and Lempitsky 2016). Throws ShapeError, also for a single value per channel.
Tensor instance_norm(const Arg& x, const NormOptions& options = {});

struct RmsNormOptions {
  Tensor weight{};  ///< of the last axis
  double eps = 1e-6;
};
/// x / sqrt(mean(x^2) + eps) weight over the last axis (Zhang and Sennrich 2019). Throws
/// ShapeError.
Tensor rms_norm(const Arg& x, const RmsNormOptions& options = {});

struct ResponseOptions {
  double alpha = 1e-4, beta = 0.75, k = 1;
};
/// x / (k + alpha a)^beta with the mean a of x^2 over `size` neighbouring channels of x [N, C,
/// ...], size / 2 of them before, those that are not there as 0 (Krizhevsky, Sutskever and Hinton
/// 2012). Throws ShapeError for fewer than 3 axes, ValueError for a size below 1.
Tensor local_response_norm(const Arg& x, std::int64_t size, const ResponseOptions& options = {});

}  // namespace xtape::nn
