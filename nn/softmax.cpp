#include <fmt/format.h>

#include <xtape/nn/loss_formulas.hpp>
#include <xtape/nn/softmax.hpp>
#include <xtape/ops/joining.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/slicing.hpp>

namespace xtape {

namespace {

// f of the tensor, which gets an axis if it has none, over its temperature, and of the axis.
template <class F>
Tensor along(const Arg& argument, std::int64_t dim, const SoftmaxOptions& options, const char* op,
             F f) {
  const Caller caller(argument.where());
  Tensor x = argument.as_tensor(float32);
  const double temperature = options.temperature;
  if (!(temperature > 0))
    raise<ValueError>(argument.where(), op,
                      fmt::format("the temperature is {}, more than 0 wanted", temperature));
  const bool scalar = x.rank() == 0;
  if (scalar) x = unsqueeze(x, 0);
  const int axis = normalize_axis(dim, x.rank(), op, argument.where());
  if (x.numel() == 0) return x * 1;
  const Tensor y = f(temperature == 1 ? x : x / temperature, Dims(axis).keep());
  return scalar ? squeeze(y, 0) : y;
}

Tensor softmax_of(const Tensor& x, const Dims& dims) {
  const Tensor m = amax(x.detach(), dims, true);
  return formulas::softmax_share(x, m, formulas::exp_difference.sum(dims, x, m));
}

}  // namespace

Tensor softmax(const Arg& x, std::int64_t dim, const SoftmaxOptions& options) {
  return along(x, dim, options, "softmax", softmax_of);
}

Tensor softmin(const Arg& x, std::int64_t dim, const SoftmaxOptions& options) {
  return along(x, dim, options, "softmin",
               [](const Tensor& y, const Dims& dims) { return softmax_of(-y, dims); });
}

Tensor log_softmax(const Arg& x, std::int64_t dim, const SoftmaxOptions& options) {
  return along(x, dim, options, "log_softmax", [](const Tensor& y, const Dims& dims) {
    const Tensor here = y.detach(), m = amax(here, dims, true);
    const Tensor others = formulas::equality.sum(dims, here, m) - 1;
    const Tensor excess = formulas::softmax_excess.sum(dims, y, m);
    return formulas::log_softmax_value(y, m, log1p(excess + others));
  });
}

Tensor glu(const Arg& argument, std::int64_t dim) {
  const Caller caller(argument.where());
  const Tensor x = argument.as_tensor(float32);
  const int axis = normalize_axis(dim, x.rank(), "glu", argument.where());
  if (x.shape()[axis] % 2 != 0)
    raise<ShapeError>(argument.where(), "glu",
                      fmt::format("axis {} of {} cannot be halved", dim, x.shape().str()));
  const std::vector<Tensor> halves = chunk(x, 2, axis);
  return formulas::gate(halves[0], halves[1]);
}

Tensor crelu(const Arg& argument, std::int64_t dim) {
  const Caller caller(argument.where());
  const Tensor x = argument.as_tensor(float32);
  return cat({relu(x), relu(-x)}, dim, argument.where());
}

Tensor maxout(const Arg& argument, std::int64_t pieces, std::int64_t dim) {
  const Caller caller(argument.where());
  const Tensor x = argument.as_tensor(float32);
  const int axis = normalize_axis(dim, x.rank(), "maxout", argument.where());
  if (pieces < 1) raise<ValueError>(argument.where(), "maxout", fmt::format("{} pieces", pieces));
  if (x.shape()[axis] % pieces != 0)
    raise<ShapeError>(argument.where(), "maxout",
                      fmt::format("axis {} of {} does not divide into pieces of {}", dim,
                                  x.shape().str(), pieces));
  Shape split;
  for (int i = 0; i < x.rank(); ++i) {
    split.push_back(i == axis ? x.shape()[i] / pieces : x.shape()[i]);
    if (i == axis) split.push_back(pieces);
  }
  return amax(reshape(x, split), axis + 1);
}

}  // namespace xtape
