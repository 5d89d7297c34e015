#include <fmt/format.h>

#include <cmath>
#include <xtape/nn/init.hpp>
#include <xtape/nn/more_layers.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/linalg.hpp>

namespace xtape::nn {

Bilinear::Bilinear(std::int64_t in1, std::int64_t in2, std::int64_t out,
                   const LinearOptions& options, Location where) {
  if (in1 < 1 || in2 < 1 || out < 1)
    raise<ValueError>(where, "Bilinear",
                      fmt::format("sizes of at least 1 wanted: {} and {} to {}", in1, in2, out));
  const double bound = 1 / std::sqrt(static_cast<double>(in1));
  const auto drawn = [&](const Shape& shape) {
    return init::uniform(Tensor::empty(shape, options.dtype), -bound, bound);
  };
  weight = parameter("weight", drawn({out, in1, in2}), where);
  if (options.bias) bias = parameter("bias", drawn({out}), where);
}

Tensor Bilinear::operator()(const Arg& x1, const Tensor& x2) {
  return call({x1.as_tensor(float32), x2}, x1.where(), [this](std::span<const Tensor> in) {
    return std::vector<Tensor>{bilinear(Arg(in[0], call_site()), in[1], weight, bias)};
  })[0];
}

Maxout::Maxout(std::int64_t in, std::int64_t out, std::int64_t pieces, const LinearOptions& options,
               Location where)
    : Linear(in, out * pieces, options, where), pieces_(pieces) {}

Tensor Maxout::forward(const Tensor& x) {
  return maxout(Arg(Linear::forward(x), call_site()), pieces_);
}

Tensor Softmax::forward(const Tensor& x) { return softmax(Arg(x, call_site()), dim_, options_); }

Tensor LogSoftmax::forward(const Tensor& x) {
  return log_softmax(Arg(x, call_site()), dim_, options_);
}

Tensor GLU::forward(const Tensor& x) { return glu(Arg(x, call_site()), dim_); }

PReLU::PReLU(std::int64_t num_parameters, double init, DType dtype, Location where) {
  if (num_parameters < 1)
    raise<ValueError>(where, "PReLU",
                      fmt::format("at least 1 parameter wanted, got {}", num_parameters));
  weight = parameter("weight", full({num_parameters}, init, dtype), where);
}

Tensor PReLU::forward(const Tensor& x) { return prelu(Arg(x, call_site()), weight); }

RReLU::RReLU(double lower, double upper, Generator* generator, Location where)
    : lower_(lower), upper_(upper), generator_(generator) {
  if (!(lower <= upper))
    raise<ValueError>(where, "RReLU", fmt::format("lower {} is above upper {}", lower, upper));
}

Tensor RReLU::forward(const Tensor& x) {
  return rrelu(Arg(x, call_site()), lower_, upper_, is_training(), *generator_);
}

}  // namespace xtape::nn
