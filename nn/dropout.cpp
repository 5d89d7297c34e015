#include <fmt/format.h>

#include <cmath>
#include <xtape/nn/dropout.hpp>
#include <xtape/nn/layer_formulas.hpp>
#include <xtape/ops/creation.hpp>

namespace xtape::nn {

namespace {

Tensor checked(const Arg& x, double p, const char* op) {
  if (!(p >= 0 && p <= 1))
    raise<ValueError>(x.where(), op, fmt::format("p is {}, not a probability", p));
  const Tensor tensor = x.as_tensor(float32);
  if (!is_floating(tensor.dtype()))
    raise<DTypeError>(x.where(), op,
                      fmt::format("a floating tensor wanted, not {}", name_of(tensor.dtype())));
  return tensor;
}

bool idle(const DropoutOptions& options) { return !options.training || options.p == 0; }

// 1 / (1 - p), and 0 if nothing is kept.
double scale_of(double p) { return p < 1 ? 1 / (1 - p) : 0; }

}  // namespace

Tensor dropout(const Arg& argument, const DropoutOptions& options) {
  const Tensor x = checked(argument, options.p, "dropout");
  if (idle(options)) return x;
  const Caller caller(argument.where());
  return drop(x, options.p, scale_of(options.p), *options.generator);
}

Tensor channel_dropout(const Arg& argument, const DropoutOptions& options) {
  const Tensor x = checked(argument, options.p, "channel_dropout");
  if (x.rank() < 2)
    raise<ShapeError>(argument.where(), "channel_dropout",
                      fmt::format("x [N, C, ...] wanted, its shape is {}", x.shape().str()));
  if (idle(options)) return x;
  const Caller caller(argument.where());
  Shape channels;
  for (int axis = 0; axis < x.rank(); ++axis) channels.push_back(axis < 2 ? x.shape()[axis] : 1);
  const Tensor mask = drop(ones(channels, x.dtype()), options.p, 1, *options.generator);
  return formulas::kept(x, mask, scale_of(options.p));
}

Tensor alpha_dropout(const Arg& argument, const DropoutOptions& options) {
  const Tensor x = checked(argument, options.p, "alpha_dropout");
  if (idle(options)) return x;
  const Caller caller(argument.where());
  const double p = options.p, least = -1.0507009873554804934193349852946 *
                                      1.6732632423543772848170429916717;  // selu(-infinity)
  const double scale = p < 1 ? 1 / std::sqrt((1 - p) * (1 + p * least * least)) : 0;
  const Tensor mask = drop(ones(x.shape(), x.dtype()), p, 1, *options.generator);
  return formulas::alpha_kept(x, mask, least, scale, -scale * least * p);
}

Tensor masked_dropout(const Arg& argument, const Tensor& mask, double p) {
  const Tensor x = checked(argument, p, "masked_dropout");
  const Caller caller(argument.where());
  if (broadcast(mask.shape(), x.shape(), "masked_dropout", argument.where()) != x.shape())
    raise<ShapeError>(argument.where(), "masked_dropout",
                      fmt::format("a mask of shape {} does not broadcast to x, {}",
                                  mask.shape().str(), x.shape().str()));
  return formulas::kept(x, mask, scale_of(p));
}

}  // namespace xtape::nn
