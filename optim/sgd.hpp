// Stochastic gradient descent, in PyTorch's form:
//
//   g <- g + weight_decay p                    (-g with maximize)
//   v <- momentum v + (1 - dampening) g        (v <- g at the first step)
//   p <- p - lr v                              (p <- p - lr (g + momentum v) with nesterov)
#pragma once

#include <xtape/optim/optimizer.hpp>

namespace xtape::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;

  static constexpr const char* name = "SGD";
  static constexpr std::array buffers = {"momentum_buffer"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("momentum", o.momentum, Bounds::not_negative);
    f("dampening", o.dampening, Bounds::any);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("nesterov", o.nesterov, Bounds::any);
    f("maximize", o.maximize, Bounds::any);
  }
  const char* problem() const {
    return nesterov && (momentum <= 0 || dampening != 0)
               ? "nesterov needs momentum and no dampening"
               : nullptr;
  }
  void update(Update& u) const;
};

/// Gradient descent with momentum (Sutskever, Martens, Dahl and Hinton 2013). With the squared
/// error of a linear unit it is Adaline's delta rule, with the hinge at 0 the perceptron's.
using SGD = OptimizerOf<SGDOptions>;
extern template class OptimizerOf<SGDOptions>;

struct ASGDOptions {
  double lr = 1e-2;
  double lambd = 1e-4;  ///< how fast the parameters decay
  double alpha = 0.75;  ///< the power by which the rate falls
  double t0 = 1e6;      ///< the step after which the average begins
  double weight_decay = 0;
  bool maximize = false;

  static constexpr const char* name = "ASGD";
  static constexpr std::array buffers = {"ax"};
  static constexpr std::array numbers = {"eta", "mu"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("lambd", o.lambd, Bounds::any);
    f("alpha", o.alpha, Bounds::any);
    f("t0", o.t0, Bounds::any);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("maximize", o.maximize, Bounds::any);
  }
  void update(Update& u) const;
};

/// Averaged stochastic gradient descent (Polyak and Juditsky 1992):
/// p <- (1 - lambd eta) p - eta g, a <- a + mu (p - a), then eta = lr / (1 + lambd lr t)^alpha and
/// mu = 1 / max(1, t - t0). The average is "ax" in the state.
using ASGD = OptimizerOf<ASGDOptions>;
extern template class OptimizerOf<ASGDOptions>;

}  // namespace xtape::optim
