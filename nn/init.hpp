// Initial values of parameters. Each function overwrites a tensor in place and returns it. A weight
// is [out, in, kernel...]; fan_in = in * prod(kernel), fan_out = out * prod(kernel).
#pragma once

#include <string_view>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape::nn::init {

struct Fans {
  std::int64_t in, out;
};
/// Throws ShapeError for fewer than two axes.
Fans fans(const Tensor& weight, Location where = {});

/// By how much a nonlinearity shrinks the standard deviation: 1 for "linear" and "sigmoid", 5/3 for
/// "tanh", sqrt(2) for "relu", sqrt(2 / (1 + a^2)) for "leaky_relu", 3/4 for "selu".
/// Throws ValueError for any other name.
double gain(std::string_view nonlinearity, double a = 0.01, Location where = {});

enum class Mode { fan_in, fan_out };

struct KaimingOptions {
  Mode mode = Mode::fan_in;
  std::string_view nonlinearity = "relu";
  double a = 0;  ///< the slope of leaky_relu
};

/// Throws DTypeError unless the tensor is floating, as all below.
Tensor constant(const Tensor& tensor, double value, Location where = {});
/// Uniform between low and high. Throws ValueError if low is above high.
Tensor uniform(const Tensor& tensor, double low, double high,
               Generator& generator = Generator::global(), Location where = {});
/// N(mean, deviation^2). Throws ValueError for a negative deviation.
Tensor normal(const Tensor& tensor, double mean, double deviation,
              Generator& generator = Generator::global(), Location where = {});
/// U(-b, b) with b = gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
Tensor xavier_uniform(const Tensor& weight, double gain = 1,
                      Generator& generator = Generator::global(), Location where = {});
/// N(0, s^2) with s = gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010).
Tensor xavier_normal(const Tensor& weight, double gain = 1,
                     Generator& generator = Generator::global(), Location where = {});
/// U(-b, b) with b = gain sqrt(3 / fan) (He et al. 2015).
Tensor kaiming_uniform(const Tensor& weight, const KaimingOptions& options = {},
                       Generator& generator = Generator::global(), Location where = {});
/// N(0, s^2) with s = gain / sqrt(fan) (He et al. 2015).
Tensor kaiming_normal(const Tensor& weight, const KaimingOptions& options = {},
                      Generator& generator = Generator::global(), Location where = {});

}  // namespace xtape::nn::init
