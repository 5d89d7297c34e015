#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <xtape/autograd/tape.hpp>
#include <xtape/nn/init.hpp>
#include <xtape/ops/random.hpp>

namespace xtape::nn::init {

namespace {

// tensor = offset + scale * drawn, in place; drawn has its shape and type.
Tensor overwrite(const Tensor& tensor, const Tensor& drawn, double scale, double offset,
                 const Location& where) {
  const NoGrad no_grad;
  const auto assign = [&]<class T>(T* to) {
    const T* from = drawn.data<T>();
    for (std::int64_t i = 0, end = tensor.numel(); i < end; ++i)
      to[i] = static_cast<T>(offset + scale * static_cast<double>(from[i]));
  };
  if (tensor.dtype() == float32) assign(tensor.mutable_data<float>(where));
  else assign(tensor.mutable_data<double>(where));
  return tensor;
}

}  // namespace

Fans fans(const Shape& shape, Location where) {
  if (shape.rank() < 2)
    raise<ShapeError>(
        where, "init",
        fmt::format("fans need a weight [out, in, ...], its shape is {}", shape.str()));
  std::int64_t field = 1;
  for (int axis = 2; axis < shape.rank(); ++axis) field *= shape[axis];
  return {shape[1] * field, shape[0] * field};
}

Fans fans(const Tensor& weight, Location where) { return fans(weight.shape(where), where); }

double gain(std::string_view nonlinearity, double a, Location where) {
  for (const char* linear : {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
                             "conv_transpose2d", "conv_transpose3d", "sigmoid"})
    if (nonlinearity == linear) return 1;
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2 / (1 + a * a));
  if (nonlinearity == "selu") return 0.75;
  raise<ValueError>(where, "gain",
                    fmt::format("no such nonlinearity: '{}'; linear, sigmoid, tanh, relu, "
                                "leaky_relu or selu wanted",
                                nonlinearity));
}

double xavier_deviation(const Shape& shape, double gain, Location where) {
  const Fans sizes = fans(shape, where);
  return gain * std::sqrt(2 / static_cast<double>(sizes.in + sizes.out));
}

double kaiming_deviation(const Shape& shape, const KaimingOptions& options, Location where) {
  const Fans sizes = fans(shape, where);
  const auto fan = static_cast<double>(options.mode == Mode::fan_in ? sizes.in : sizes.out);
  return gain(options.nonlinearity, options.a, where) / std::sqrt(fan);
}

double lecun_deviation(const Shape& shape, Location where) {
  return 1 / std::sqrt(static_cast<double>(fans(shape, where).in));
}

Tensor constant(const Tensor& tensor, double value, Location where) {
  const NoGrad no_grad;
  if (tensor.dtype(where) == float32)
    std::fill_n(tensor.mutable_data<float>(where), tensor.numel(), static_cast<float>(value));
  else std::fill_n(tensor.mutable_data<double>(where), tensor.numel(), value);
  return tensor;
}

Tensor uniform(const Tensor& tensor, double low, double high, Generator& generator,
               Location where) {
  if (!(low <= high))
    raise<ValueError>(where, "uniform", fmt::format("low {} is above high {}", low, high));
  return overwrite(tensor, rand(tensor.shape(where), tensor.dtype(where), generator, where),
                   high - low, low, where);
}

Tensor normal(const Tensor& tensor, double mean, double deviation, Generator& generator,
              Location where) {
  if (!(deviation >= 0))
    raise<ValueError>(where, "normal", fmt::format("the deviation is negative: {}", deviation));
  return overwrite(tensor, randn(tensor.shape(where), tensor.dtype(where), generator, where),
                   deviation, mean, where);
}

Tensor xavier_uniform(const Tensor& weight, double gain, Generator& generator, Location where) {
  const double bound = std::sqrt(3.0) * xavier_deviation(weight.shape(where), gain, where);
  return uniform(weight, -bound, bound, generator, where);
}

Tensor xavier_normal(const Tensor& weight, double gain, Generator& generator, Location where) {
  return normal(weight, 0, xavier_deviation(weight.shape(where), gain, where), generator, where);
}

Tensor kaiming_uniform(const Tensor& weight, const KaimingOptions& options, Generator& generator,
                       Location where) {
  const double bound = std::sqrt(3.0) * kaiming_deviation(weight.shape(where), options, where);
  return uniform(weight, -bound, bound, generator, where);
}

Tensor kaiming_normal(const Tensor& weight, const KaimingOptions& options, Generator& generator,
                      Location where) {
  return normal(weight, 0, kaiming_deviation(weight.shape(where), options, where), generator,
                where);
}

Tensor lecun_uniform(const Tensor& weight, Generator& generator, Location where) {
  const double bound = std::sqrt(3.0) * lecun_deviation(weight.shape(where), where);
  return uniform(weight, -bound, bound, generator, where);
}

Tensor lecun_normal(const Tensor& weight, Generator& generator, Location where) {
  return normal(weight, 0, lecun_deviation(weight.shape(where), where), generator, where);
}

}  // namespace xtape::nn::init
