// Optimizers that go by the sign of the gradient alone.
#pragma once

#include <xtape/optim/optimizer.hpp>

namespace xtape::optim {

struct RpropOptions {
  double lr = 1e-2;
  std::array<double, 2> etas = {0.5, 1.2};
  std::array<double, 2> step_sizes = {1e-6, 50};
  double weight_decay = 0;
  bool maximize = false;

  static constexpr const char* name = "Rprop";
  static constexpr std::array buffers = {"prev", "step_size"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("etas", o.etas, Bounds::positive);
    f("step_sizes", o.step_sizes, Bounds::not_negative);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("maximize", o.maximize, Bounds::any);
  }
  const char* problem() const {
    return etas[0] < 1 && etas[1] > 1 ? nullptr : "etas must be below and above 1";
  }
  void update(Update& u) const;
};

/// Each element has a step size, lr at first: it grows by etas[1] while the sign of the gradient
/// stays, shrinks by etas[0] when it turns, within step_sizes; then the element waits for a step
/// (Riedmiller and Braun 1993).
using Rprop = OptimizerOf<RpropOptions>;
extern template class OptimizerOf<RpropOptions>;

struct LionOptions {
  double lr = 1e-4;
  std::array<double, 2> betas = {0.9, 0.99};
  double weight_decay = 0;
  bool maximize = false;

  static constexpr const char* name = "Lion";
  static constexpr std::array buffers = {"exp_avg"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("betas", o.betas, Bounds::fraction);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("maximize", o.maximize, Bounds::any);
  }
  void update(Update& u) const;
};

/// p <- (1 - lr weight_decay) p - lr sign(b1 m + (1 - b1) g), m <- b2 m + (1 - b2) g (Chen et al.
/// 2023).
using Lion = OptimizerOf<LionOptions>;
extern template class OptimizerOf<LionOptions>;

}  // namespace xtape::optim
