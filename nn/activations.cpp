#include <fmt/format.h>

#include <xtape/nn/activations.hpp>
#include <xtape/ops/random.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

Tensor prelu(const Arg& x, const Tensor& weight) {
  const Caller caller(x.where());
  const Shape& shape = x.tensor().shape(x.where());
  if (weight.numel(x.where()) == 1) return xtape::prelu(x, reshape(weight, Shape{}));
  if (shape.rank() < 2 || weight.rank() != 1 || weight.numel() != shape[1])
    raise<ShapeError>(
        x.where(), "prelu",
        fmt::format("one weight, or one for each channel, axis 1 of {}, wanted; got {}",
                    shape.str(), weight.shape().str()));
  Shape spread{weight.numel()};
  for (int axis = 2; axis < shape.rank(); ++axis) spread.push_back(1);
  return xtape::prelu(x, reshape(weight, spread));
}

Tensor gelu(const Arg& x, std::string_view approximate) {
  if (approximate == "none") return xtape::gelu(x);
  if (approximate == "tanh") return gelu_tanh(x);
  raise<ValueError>(x.where(), "gelu",
                    fmt::format("approximate is none or tanh, not {}", approximate));
}

Tensor rrelu(const Arg& x, double lower, double upper, bool training, Generator& generator) {
  const Caller caller(x.where());
  if (!(lower <= upper))
    raise<ValueError>(x.where(), "rrelu",
                      fmt::format("lower <= upper wanted, got {} and {}", lower, upper));
  if (!training) return leaky_relu(x, (lower + upper) / 2);
  const Tensor& tensor = x.tensor();
  const Tensor drawn = rand(tensor.shape(), tensor.dtype(), generator, x.where());
  return leaky_relu(x, lower + (upper - lower) * drawn);
}

}  // namespace xtape::nn
