// Optimizers that divide by the size of past gradients, in PyTorch's forms.
#pragma once

#include <xtape/optim/optimizer.hpp>

namespace xtape::optim {

struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double weight_decay = 0;
  double initial_accumulator_value = 0;
  double eps = 1e-10;
  bool maximize = false;

  static constexpr const char* name = "Adagrad";
  static constexpr std::array buffers = {"sum"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("lr_decay", o.lr_decay, Bounds::not_negative);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("initial_accumulator_value", o.initial_accumulator_value, Bounds::not_negative);
    f("eps", o.eps, Bounds::not_negative);
    f("maximize", o.maximize, Bounds::any);
  }
  void update(Update& u) const;
};

/// s <- s + g^2, p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps) (Duchi, Hazan and Singer
/// 2011).
using Adagrad = OptimizerOf<AdagradOptions>;
extern template class OptimizerOf<AdagradOptions>;

struct RMSpropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;
  bool maximize = false;

  static constexpr const char* name = "RMSprop";
  static constexpr std::array buffers = {"square_avg", "momentum_buffer", "grad_avg"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("alpha", o.alpha, Bounds::not_negative);
    f("eps", o.eps, Bounds::not_negative);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("momentum", o.momentum, Bounds::not_negative);
    f("centered", o.centered, Bounds::any);
    f("maximize", o.maximize, Bounds::any);
  }
  void update(Update& u) const;
};

/// v <- alpha v + (1 - alpha) g^2, step g / (sqrt(v) + eps), under the root v - a^2 with
/// a <- alpha a + (1 - alpha) g if centered; momentum sums the steps (Tieleman and Hinton 2012).
using RMSprop = OptimizerOf<RMSpropOptions>;
extern template class OptimizerOf<RMSpropOptions>;

struct AdadeltaOptions {
  double lr = 1;
  double rho = 0.9;
  double eps = 1e-6;
  double weight_decay = 0;
  bool maximize = false;

  static constexpr const char* name = "Adadelta";
  static constexpr std::array buffers = {"square_avg", "acc_delta"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("rho", o.rho, Bounds::share);
    f("eps", o.eps, Bounds::not_negative);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("maximize", o.maximize, Bounds::any);
  }
  void update(Update& u) const;
};

/// v <- rho v + (1 - rho) g^2, d = sqrt(a + eps) / sqrt(v + eps) g, a <- rho a + (1 - rho) d^2,
/// p <- p - lr d (Zeiler 2012).
using Adadelta = OptimizerOf<AdadeltaOptions>;
extern template class OptimizerOf<AdadeltaOptions>;

}  // namespace xtape::optim
