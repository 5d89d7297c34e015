// Adam and its relatives, in PyTorch's forms. All keep running means of the gradient and its
// square,
//
//   m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2        (betas: b1, b2)
//
// and take t steps to correct for their start at 0.
#pragma once

#include <xtape/optim/optimizer.hpp>

namespace xtape::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;
  bool maximize = false;

  static constexpr const char* name = "Adam";
  static constexpr std::array buffers = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("betas", o.betas, Bounds::fraction);
    f("eps", o.eps, Bounds::not_negative);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("amsgrad", o.amsgrad, Bounds::any);
    f("maximize", o.maximize, Bounds::any);
  }
  void update(Update& u) const;
};

/// p <- p - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps), with g <- g + weight_decay p
/// (Kingma and Ba 2015). amsgrad takes the largest v so far (Reddi, Kale and Kumar 2018).
using Adam = OptimizerOf<AdamOptions>;
extern template class OptimizerOf<AdamOptions>;

struct AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
  bool maximize = false;

  static constexpr const char* name = "AdamW";
  static constexpr std::array buffers = AdamOptions::buffers;
  template <class Self, class F>
  static void each(Self& o, F f) {
    AdamOptions::each(o, f);
  }
  void update(Update& u) const;
};

/// p <- (1 - lr weight_decay) p, then a step of Adam without decay (Loshchilov and Hutter 2019).
using AdamW = OptimizerOf<AdamWOptions>;
extern template class OptimizerOf<AdamWOptions>;

struct NAdamOptions {
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum_decay = 4e-3;
  bool maximize = false;

  static constexpr const char* name = "NAdam";
  static constexpr std::array buffers = {"exp_avg", "exp_avg_sq"};
  static constexpr std::array numbers = {"mu_product"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("betas", o.betas, Bounds::fraction);
    f("eps", o.eps, Bounds::not_negative);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("momentum_decay", o.momentum_decay, Bounds::not_negative);
    f("maximize", o.maximize, Bounds::any);
  }
  void update(Update& u) const;
};

/// Adam with Nesterov's momentum (Dozat 2016): with mu_t = b1 (1 - 0.96^(t momentum_decay) / 2) and
/// d = sqrt(v / (1 - b2^t)) + eps,
/// p <- p - lr (1 - mu_t) / (1 - mu_1...mu_t) g / d - lr mu_(t+1) / (1 - mu_1...mu_(t+1)) m / d.
using NAdam = OptimizerOf<NAdamOptions>;
extern template class OptimizerOf<NAdamOptions>;

struct RAdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool maximize = false;

  static constexpr const char* name = "RAdam";
  static constexpr std::array buffers = {"exp_avg", "exp_avg_sq"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, Bounds::not_negative);
    f("betas", o.betas, Bounds::fraction);
    f("eps", o.eps, Bounds::not_negative);
    f("weight_decay", o.weight_decay, Bounds::not_negative);
    f("maximize", o.maximize, Bounds::any);
  }
  void update(Update& u) const;
};

/// Adam that follows m alone until enough steps have made v reliable, and then rectifies its rate
/// (Liu et al. 2020).
using RAdam = OptimizerOf<RAdamOptions>;
extern template class OptimizerOf<RAdamOptions>;

struct AdamaxOptions {
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool maximize = false;

  static constexpr const char* name = "Adamax";
  static constexpr std::array buffers = {"exp_avg", "exp_inf"};
  template <class Self, class F>
  static void each(Self& o, F f) {
    RAdamOptions::each(o, f);
  }
  void update(Update& u) const;
};

/// u <- max(b2 u, |g| + eps), p <- p - lr / (1 - b1^t) m / u (Kingma and Ba 2015).
using Adamax = OptimizerOf<AdamaxOptions>;
extern template class OptimizerOf<AdamaxOptions>;

}  // namespace xtape::optim
