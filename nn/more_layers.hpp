// The layers over single functions: products of two inputs, maxima of pieces, shares, and the
// activations that are more than a formula. All other activations are Activation("name").
#pragma once

#include <xtape/nn/layers.hpp>
#include <xtape/nn/softmax.hpp>

namespace xtape::nn {

/// bilinear() of two inputs. Parameters: weight [out, in1, in2] and bias [out], both drawn from
/// U(-1/sqrt(in1), 1/sqrt(in1)). Throws ValueError for sizes below 1.
class Bilinear : public Module {
 public:
  Bilinear(std::int64_t in1, std::int64_t in2, std::int64_t out, const LinearOptions& options = {},
           Location where = {});
  Tensor operator()(const Arg& x1, const Tensor& x2);

  Tensor weight, bias;
};

/// The maxima of `pieces` linear functions for each output (Goodfellow et al. 2013): a Linear with
/// pieces times as many outputs, those of one maximum as neighbours. Throws ValueError as Linear,
/// and for no pieces.
class Maxout : public Linear {
 public:
  Maxout(std::int64_t in, std::int64_t out, std::int64_t pieces, const LinearOptions& options = {},
         Location where = {});
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t pieces_;
};

/// softmax() along an axis.
class Softmax : public Module {
 public:
  explicit Softmax(std::int64_t dim, const SoftmaxOptions& options = {})
      : dim_(dim), options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t dim_;
  SoftmaxOptions options_;
};

/// log_softmax() along an axis.
class LogSoftmax : public Module {
 public:
  explicit LogSoftmax(std::int64_t dim, const SoftmaxOptions& options = {})
      : dim_(dim), options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t dim_;
  SoftmaxOptions options_;
};

/// glu() along an axis.
class GLU : public Module {
 public:
  explicit GLU(std::int64_t dim = -1) : dim_(dim) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t dim_;
};

/// prelu() with one learnt slope for all or one for each channel. Parameter: weight
/// [num_parameters] = init. Throws ValueError for no parameters.
class PReLU : public Module {
 public:
  explicit PReLU(std::int64_t num_parameters = 1, double init = 0.25, DType dtype = float32,
                 Location where = {});
  Tensor forward(const Tensor& x) override;

  Tensor weight;
};

/// rrelu(): random slopes in training. Throws ValueError unless lower <= upper.
class RReLU : public Module {
 public:
  explicit RReLU(double lower = 1.0 / 8, double upper = 1.0 / 3,
                 Generator* generator = &Generator::global(), Location where = {});
  Tensor forward(const Tensor& x) override;

 private:
  double lower_, upper_;
  Generator* generator_;
};

}  // namespace xtape::nn
