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
Fans fans(const Shape& shape, Location where = {});
Fans fans(const Tensor& weight, Location where = {});

/// By how much a nonlinearity shrinks the standard deviation: 1 for "linear", "conv1d" and so on,
/// and "sigmoid", 5/3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + a^2)) for "leaky_relu", 3/4 for
/// "selu".
/// Throws ValueError for any other name.
double gain(std::string_view nonlinearity, double a = 0.01, Location where = {});

enum class Mode { fan_in, fan_out };

struct KaimingOptions {
  Mode mode = Mode::fan_in;
  std::string_view nonlinearity = "leaky_relu";
  double a = 0;  ///< the slope of leaky_relu; 0 is relu
};

/// The standard deviations that the functions below give a weight of this shape; where they draw
/// uniformly, the bound is sqrt(3) times as much. Throw as fans() and gain().
double xavier_deviation(const Shape& shape, double gain = 1, Location where = {});
double kaiming_deviation(const Shape& shape, const KaimingOptions& options = {},
                         Location where = {});
double lecun_deviation(const Shape& shape, Location where = {});

/// Throws DTypeError unless the tensor is floating, as all below.
Tensor constant(const Tensor& tensor, double value, Location where = {});
inline Tensor zeros(const Tensor& tensor, Location where = {}) {
  return constant(tensor, 0, where);
}
inline Tensor ones(const Tensor& tensor, Location where = {}) { return constant(tensor, 1, where); }
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
/// U(-b, b) with b = sqrt(3 / fan_in) (LeCun, Bottou, Orr and Mueller 1998).
Tensor lecun_uniform(const Tensor& weight, Generator& generator = Generator::global(),
                     Location where = {});
/// N(0, s^2) with s = 1 / sqrt(fan_in) (LeCun, Bottou, Orr and Mueller 1998; Klambauer et al.
/// 2017).
Tensor lecun_normal(const Tensor& weight, Generator& generator = Generator::global(),
                    Location where = {});
/// N(mean, deviation^2) given that it lies between low and high, by inverting its distribution.
/// Throws ValueError for a deviation that is not positive or low above high.
Tensor truncated_normal(const Tensor& tensor, double mean = 0, double deviation = 1,
                        double low = -2, double high = 2,
                        Generator& generator = Generator::global(), Location where = {});

/// The weight as a matrix [out, rest] with orthonormal rows, or columns if there are fewer of them,
/// times gain, uniformly distributed among these (Saxe, McClelland and Ganguli 2014).
/// Throws ShapeError for fewer than two axes.
Tensor orthogonal(const Tensor& weight, double gain = 1, Generator& generator = Generator::global(),
                  Location where = {});
/// 1 on the diagonal and 0 elsewhere. Throws ShapeError unless there are two axes.
Tensor eye(const Tensor& weight, Location where = {});
/// The weight of a convolution that hands its channels on, in each of `groups` groups. Throws
/// ShapeError unless there are three to five axes and `groups` divides the first.
Tensor dirac(const Tensor& weight, std::int64_t groups = 1, Location where = {});
/// N(0, deviation^2) with ceil(sparsity rows) zeros in each column (Martens 2010). Throws
/// ShapeError unless there are two axes, ValueError for a sparsity that is not in [0, 1].
Tensor sparse(const Tensor& weight, double sparsity, double deviation = 0.01,
              Generator& generator = Generator::global(), Location where = {});

}  // namespace xtape::nn::init
