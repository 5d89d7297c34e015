#include <fmt/format.h>

#include <xtape/nn/layer_formulas.hpp>
#include <xtape/nn/normalisation.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/joining.hpp>
#include <xtape/ops/moments.hpp>
#include <xtape/ops/samplewise.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/slicing.hpp>

namespace xtape::nn {

using xtape::detail::normalise_samples;

namespace {

xtape::detail::NormFormulas formulas_of_norm() {
  return {formulas::inverse_root.formula(), formulas::normalised.formula()};
}

void check_size(const Tensor& given, const Shape& wanted, const char* what, const char* op,
                const Location& at) {
  if (given.defined() && given.shape() != wanted)
    raise<ShapeError>(
        at, op,
        fmt::format("{} of shape {} wanted, it is {}", what, wanted.str(), given.shape().str()));
}

// Throws unless x has channels.
std::int64_t channels_of(const Tensor& x, int least_rank, const char* op, const Location& at) {
  if (x.rank() < least_rank)
    raise<ShapeError>(at, op,
                      fmt::format("at least {} axes wanted, [N, C, ...]; the shape is {}",
                                  least_rank, x.shape().str()));
  return x.shape()[1];
}

// An argument of a formula: a tensor under a shape that broadcasts, or a number if there is none.
class Given {
 public:
  Given(const Tensor& tensor, const Shape& shape, double otherwise)
      : tensor_(tensor.defined() ? reshape(tensor, shape) : tensor), otherwise_(otherwise) {}
  Arg arg() const { return tensor_.defined() ? Arg(tensor_) : Arg(otherwise_); }

 private:
  Tensor tensor_;
  double otherwise_;
};

// running += rate (batch - running), in place.
void move_towards(const Tensor& running, const Tensor& batch, double factor, double rate) {
  if (!running.defined()) return;
  const NoGrad off;
  xtape::detail::by_type(running.dtype(), [&]<class T>(T*) {
    if constexpr (std::is_floating_point_v<T>) {
      const Tensor same = cast(batch, running.dtype());
      const T* const from = same.data<T>();
      T* const to = running.mutable_data<T>();
      for (std::int64_t i = 0, end = running.numel(); i < end; ++i)
        to[i] = static_cast<T>((1 - rate) * to[i] + rate * factor * from[i]);
    }
  });
}

// All axes but the second.
Dims all_but_channels(int rank) {
  if (rank == 2) return 0;
  if (rank == 3) return {0, 2};
  if (rank == 4) return {0, 2, 3};
  if (rank == 5) return {0, 2, 3, 4};
  std::vector<std::int64_t> axes;
  for (int axis = 0; axis < rank; ++axis)
    if (axis != 1) axes.push_back(axis);
  return axes;
}

// Groups of channels are normalised: x as [N, groups, channels of one, elements of one].
Tensor grouped(const char* op, const Location& at, const Tensor& x, std::int64_t groups,
               const NormOptions& options) {
  const std::int64_t channels = x.shape()[1], each = groups == 0 ? 0 : channels / groups;
  const std::int64_t samples = x.shape()[0];
  std::int64_t inner = 1;
  for (int axis = 2; axis < x.rank(); ++axis) inner *= x.shape()[axis];
  const Tensor split = reshape(x, Shape{samples, groups, each, inner});
  const Given weight(options.weight, {1, groups, each, 1}, 1);
  const Given bias(options.bias, {1, groups, each, 1}, 0);
  return reshape(normalise_samples(op, formulas_of_norm(), Arg(split, at), {2, 3}, weight.arg(),
                                   bias.arg(), options.eps),
                 x.shape());
}

}  // namespace

Tensor batch_norm(const Arg& argument, const Tensor& running_mean, const Tensor& running_var,
                  const BatchNormOptions& options) {
  constexpr const char* op = "batch_norm";
  const Location at = argument.where();
  const Caller caller(at);
  const Tensor x = argument.as_tensor(float32);
  const std::int64_t channels = channels_of(x, 2, op, at);
  check_size(options.weight, {channels}, "a weight", op, at);
  check_size(options.bias, {channels}, "a bias", op, at);
  check_size(running_mean, {channels}, "a running mean", op, at);
  check_size(running_var, {channels}, "a running variance", op, at);
  Shape folded;
  for (int axis = 0; axis < x.rank(); ++axis) folded.push_back(axis == 1 ? channels : 1);
  const Given weight(options.weight, folded, 1), bias(options.bias, folded, 0);
  if (!options.training) {
    if (!running_mean.defined() || !running_var.defined())
      raise<ValueError>(at, op, "outside training the running mean and variance are needed");
    const Tensor scale = formulas::inverse_root(reshape(running_var, folded), options.eps);
    return formulas::normalised(x, reshape(running_mean, folded), scale, weight.arg(), bias.arg());
  }
  const std::int64_t count = channels == 0 ? 0 : x.numel() / channels;
  if (count == 1)
    raise<ShapeError>(
        at, op,
        fmt::format("more than one value per channel wanted in training: {}", x.shape().str()));
  const Moments both = moments(x, all_but_channels(x.rank()));
  const Tensor centre = both.mean.detach();
  const double rate = options.momentum.value_or(1 / static_cast<double>(options.batches));
  const auto n = static_cast<double>(count);
  move_towards(running_mean, centre, 1, rate);
  move_towards(running_var, both.var.detach(), n / (n - 1), rate);
  // (x - c) scale + shift with c = mean as a number: the slopes of all else meet in scale and shift
  const Tensor scale = formulas::inverse_root(both.var, options.eps) * weight.arg();
  const Tensor shift = bias.arg() - (both.mean - centre) * scale;
  return formulas::scaled_difference(x, centre, scale, shift);
}

Tensor layer_norm(const Arg& argument, const Shape& normalized_shape, const NormOptions& options) {
  constexpr const char* op = "layer_norm";
  const Location at = argument.where();
  const Caller caller(at);
  const Tensor x = argument.as_tensor(float32);
  const int rest = x.rank() - normalized_shape.rank();
  bool fits = rest >= 0 && normalized_shape.rank() > 0;
  for (int i = 0; fits && i < normalized_shape.rank(); ++i)
    fits = x.shape()[rest + i] == normalized_shape[i];
  if (!fits)
    raise<ShapeError>(at, op,
                      fmt::format("{} does not end in the normalized shape {}", x.shape().str(),
                                  normalized_shape.str()));
  check_size(options.weight, normalized_shape, "a weight", op, at);
  check_size(options.bias, normalized_shape, "a bias", op, at);
  std::int64_t rows = 1;
  for (int i = 0; i < rest; ++i) rows *= x.shape()[i];
  const std::int64_t inner = normalized_shape.numel();
  const Tensor flat = reshape(x, Shape{rows, inner});
  const Given weight(options.weight, {inner}, 1), bias(options.bias, {inner}, 0);
  return reshape(normalise_samples(op, formulas_of_norm(), Arg(flat, at), 1, weight.arg(),
                                   bias.arg(), options.eps),
                 x.shape());
}

Tensor group_norm(const Arg& argument, std::int64_t groups, const NormOptions& options) {
  constexpr const char* op = "group_norm";
  const Location at = argument.where();
  const Caller caller(at);
  const Tensor x = argument.as_tensor(float32);
  const std::int64_t channels = channels_of(x, 2, op, at);
  if (groups < 1) raise<ValueError>(at, op, fmt::format("{} groups", groups));
  if (channels % groups != 0)
    raise<ShapeError>(at, op,
                      fmt::format("{} channels do not divide into {} groups", channels, groups));
  check_size(options.weight, {channels}, "a weight", op, at);
  check_size(options.bias, {channels}, "a bias", op, at);
  return grouped(op, at, x, groups, options);
}

Tensor instance_norm(const Arg& argument, const NormOptions& options) {
  constexpr const char* op = "instance_norm";
  const Location at = argument.where();
  const Caller caller(at);
  const Tensor x = argument.as_tensor(float32);
  const std::int64_t channels = channels_of(x, 3, op, at);
  check_size(options.weight, {channels}, "a weight", op, at);
  check_size(options.bias, {channels}, "a bias", op, at);
  if (x.numel() > 0 && x.numel() == x.shape()[0] * channels)
    raise<ShapeError>(at, op,
                      fmt::format("more than one value per channel wanted: {}", x.shape().str()));
  return grouped(op, at, x, channels, options);
}

Tensor rms_norm(const Arg& argument, const RmsNormOptions& options) {
  constexpr const char* op = "rms_norm";
  const Caller caller(argument.where());
  const Tensor x = argument.as_tensor(float32);
  if (x.rank() == 0) raise<ShapeError>(argument.where(), op, "an axis is needed, x is 0-d");
  const Shape last{x.size(-1)};
  check_size(options.weight, last, "a weight", op, argument.where());
  const Tensor scale =
      formulas::inverse_root(formulas::square.mean(Dims(-1).keep(), x), options.eps);
  const Given weight(options.weight, last, 1);
  return formulas::weighted_scale(x, scale, weight.arg());
}

Tensor local_response_norm(const Arg& argument, std::int64_t size, const ResponseOptions& options) {
  constexpr const char* op = "local_response_norm";
  const Caller caller(argument.where());
  const Tensor x = argument.as_tensor(float32);
  const std::int64_t channels = channels_of(x, 3, op, argument.where());
  if (size < 1)
    raise<ValueError>(argument.where(), op, fmt::format("a window of {} channels", size));
  const auto padding = [&](std::int64_t count) {
    return zeros(xtape::detail::replaced(x.shape(), 1, count), x.dtype());
  };
  const Tensor padded = cat({padding(size / 2), square(x), padding((size - 1) / 2)}, 1);
  Tensor total = slice(padded, 1, {.start = 0, .stop = channels});
  for (std::int64_t i = 1; i < size; ++i)
    total = total + slice(padded, 1, {.start = i, .stop = i + channels});
  return formulas::damped(x, total, options.alpha / static_cast<double>(size), options.beta,
                          options.k);
}

}  // namespace xtape::nn
