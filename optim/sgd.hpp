// Stochastic gradient descent with momentum, in PyTorch's form:
//
//   g <- g + weight_decay p
//   v <- momentum v + (1 - dampening) g        (v <- g at the first step)
//   p <- p - lr v                              (p <- p - lr (g + momentum v) with nesterov)
#pragma once

#include <vector>
#include <xtape/autograd/tape.hpp>

namespace xtape::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

/// Updates parameters by the gradients that backward() left in them, each in one pass.
class SGD {
 public:
  /// Throws GradError for a tensor that is not a leaf requiring gradients, ValueError for no
  /// tensors or one twice, for a negative rate, momentum or decay, and for nesterov without
  /// momentum or with dampening.
  SGD(std::vector<Tensor> parameters, const SGDOptions& options, Location where = {});

  /// One update. A parameter without a gradient stays as it is, and so does its momentum.
  void step(Location where = {});
  /// Forgets the gradients of all parameters.
  void zero_grad() const;

  /// May be changed between steps.
  SGDOptions options;

 private:
  std::vector<Tensor> parameters_, velocities_;
};

}  // namespace xtape::optim
