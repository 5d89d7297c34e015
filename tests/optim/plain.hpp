// Every optimizer once more, as its paper or PyTorch's documentation writes it down: on one number
// in double precision, sharing no code with the library.
#pragma once

#include <memory>

#include "../check.hpp"

namespace plain {

using namespace xtape;

/// What is remembered of one number.
struct Memory {
  double a = 0, b = 0, c = 0, x = 0, y = 0;
  int t = 0;  // updates so far, counting this one
};
/// The new p.
using Rule = std::function<double(double p, double g, Memory& m)>;
using Make = std::function<std::unique_ptr<optim::Optimizer>(std::vector<Tensor>)>;

struct Subject {
  std::string name;
  Make make;
  Rule rule;
};

template <class Options>
Make maker(const Options& options) {
  return [=](std::vector<Tensor> parameters) {
    return std::make_unique<optim::OptimizerOf<Options>>(std::move(parameters), options);
  };
}

/// A parameter of plain numbers.
struct Numbers {
  std::vector<double> p;
  std::vector<Memory> memory = std::vector<Memory>(p.size());

  void step(const std::vector<double>& g, const Rule& rule) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      ++memory[i].t;
      p[i] = rule(p[i], g[i], memory[i]);
    }
  }
};

inline Rule adam(double lr, double b1, double b2, double eps, double l2, double decoupled,
                 bool ams) {
  return [=](double p, double g, Memory& m) {
    p -= lr * decoupled * p;
    g += l2 * p;
    m.a += (1 - b1) * (g - m.a);
    m.b += (1 - b2) * (g * g - m.b);
    m.c = std::max(m.c, m.b);
    const double mean = m.a / (1 - std::pow(b1, m.t));
    const double square = (ams ? m.c : m.b) / (1 - std::pow(b2, m.t));
    return p - lr * mean / (std::sqrt(square) + eps);
  };
}

inline Rule nadam(double lr, double b1, double b2, double eps, double decay) {
  return [=](double p, double g, Memory& m) {
    const double now = b1 * (1 - 0.5 * std::pow(0.96, m.t * decay));
    const double next = b1 * (1 - 0.5 * std::pow(0.96, (m.t + 1) * decay));
    m.x = (m.t == 1 ? 1 : m.x) * now;
    m.a = b1 * m.a + (1 - b1) * g;
    m.b = b2 * m.b + (1 - b2) * g * g;
    const double d = std::sqrt(m.b / (1 - std::pow(b2, m.t))) + eps;
    return p - lr * ((1 - now) * g / (1 - m.x) + next * m.a / (1 - m.x * next)) / d;
  };
}

inline Rule radam(double lr, double b1, double b2, double eps) {
  return [=](double p, double g, Memory& m) {
    m.a = b1 * m.a + (1 - b1) * g;
    m.b = b2 * m.b + (1 - b2) * g * g;
    const double mean = m.a / (1 - std::pow(b1, m.t)), left = 1 - std::pow(b2, m.t);
    const double last = 2 / (1 - b2) - 1, rho = last - 2 * m.t * (1 - left) / left;
    if (rho <= 5) return p - lr * mean;
    const double r = std::sqrt((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho));
    return p - lr * mean * r * std::sqrt(left) / (std::sqrt(m.b) + eps);
  };
}

inline Rule rmsprop(double lr, double alpha, double eps, double momentum, bool centered) {
  return [=](double p, double g, Memory& m) {
    m.a = alpha * m.a + (1 - alpha) * g * g;
    m.b = alpha * m.b + (1 - alpha) * g;
    const double d = std::sqrt(centered ? m.a - m.b * m.b : m.a) + eps;
    m.c = momentum * m.c + g / d;
    return p - lr * m.c;
  };
}

inline double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

inline Rule asgd(double lr, double lambd, double alpha, double t0) {
  return [=](double p, double g, Memory& m) {
    const double eta = m.t == 1 ? lr : lr / std::pow(1 + lambd * lr * (m.t - 1), alpha);
    const double mu = m.t == 1 ? 1 : 1 / std::max(1.0, m.t - 1 - t0);
    p = p * (1 - lambd * eta) - eta * g;
    m.a += mu * (p - m.a);
    return p;
  };
}

inline Rule rprop(double lr, double less, double more, double low, double high) {
  return [=](double p, double g, Memory& m) {
    if (m.t == 1) m.b = lr;
    const double turn = sign(g * m.a);
    m.b = std::clamp(m.b * (turn > 0 ? more : turn < 0 ? less : 1), low, high);
    m.a = turn < 0 ? 0 : g;
    return p - sign(m.a) * m.b;
  };
}

/// All optimizers, with usual and with unusual options.
inline std::vector<Subject> subjects() {
  using namespace optim;
  const double e = 1e-8;
  return {
      {"SGD maximize", maker(SGDOptions{.lr = 0.1, .weight_decay = 0.2, .maximize = true}),
       [](double p, double g, Memory&) { return p - 0.1 * (-g + 0.2 * p); }},
      {"ASGD", maker(ASGDOptions{}), asgd(1e-2, 1e-4, 0.75, 1e6)},
      {"ASGD early", maker(ASGDOptions{.lr = 0.1, .lambd = 0.5, .alpha = 0.6, .t0 = 3}),
       asgd(0.1, 0.5, 0.6, 3)},
      {"Adam", maker(AdamOptions{}), adam(1e-3, 0.9, 0.999, e, 0, 0, false)},
      {"Adam amsgrad",
       maker(AdamOptions{.lr = 0.1, .betas = {0.5, 0.6}, .weight_decay = 0.1, .amsgrad = true}),
       adam(0.1, 0.5, 0.6, e, 0.1, 0, true)},
      {"Adam beta 0", maker(AdamOptions{.lr = 0.1, .betas = {0, 0.9}, .eps = 0.1}),
       adam(0.1, 0, 0.9, 0.1, 0, 0, false)},
      {"AdamW", maker(AdamWOptions{}), adam(1e-3, 0.9, 0.999, e, 0, 1e-2, false)},
      {"AdamW amsgrad", maker(AdamWOptions{.lr = 0.1, .weight_decay = 0.3, .amsgrad = true}),
       adam(0.1, 0.9, 0.999, e, 0, 0.3, true)},
      {"NAdam", maker(NAdamOptions{}), nadam(2e-3, 0.9, 0.999, e, 4e-3)},
      {"NAdam betas", maker(NAdamOptions{.lr = 0.1, .betas = {0.5, 0.8}, .momentum_decay = 0.3}),
       nadam(0.1, 0.5, 0.8, e, 0.3)},
      {"RAdam", maker(RAdamOptions{}), radam(1e-3, 0.9, 0.999, e)},
      {"RAdam betas", maker(RAdamOptions{.lr = 0.1, .betas = {0.8, 0.9}}), radam(0.1, 0.8, 0.9, e)},
      {"Adamax", maker(AdamaxOptions{}),
       [](double p, double g, Memory& m) {
         m.a = 0.9 * m.a + 0.1 * g;
         m.b = std::max(0.999 * m.b, std::abs(g) + 1e-8);
         return p - 2e-3 / (1 - std::pow(0.9, m.t)) * m.a / m.b;
       }},
      {"Adagrad",
       maker(AdagradOptions{.lr = 0.1, .lr_decay = 0.2, .initial_accumulator_value = 0.3}),
       [](double p, double g, Memory& m) {
         m.a = (m.t == 1 ? 0.3 : m.a) + g * g;
         return p - 0.1 / (1 + (m.t - 1) * 0.2) * g / (std::sqrt(m.a) + 1e-10);
       }},
      {"Adadelta", maker(AdadeltaOptions{.rho = 0.8, .eps = 1e-4}),
       [](double p, double g, Memory& m) {
         m.a = 0.8 * m.a + 0.2 * g * g;
         const double d = std::sqrt(m.b + 1e-4) / std::sqrt(m.a + 1e-4) * g;
         m.b = 0.8 * m.b + 0.2 * d * d;
         return p - d;
       }},
      {"RMSprop", maker(RMSpropOptions{}), rmsprop(1e-2, 0.99, e, 0, false)},
      {"RMSprop centered", maker(RMSpropOptions{.alpha = 0.8, .eps = 0.1, .centered = true}),
       rmsprop(1e-2, 0.8, 0.1, 0, true)},
      {"RMSprop momentum", maker(RMSpropOptions{.alpha = 0.8, .momentum = 0.7}),
       rmsprop(1e-2, 0.8, e, 0.7, false)},
      {"RMSprop both",
       maker(RMSpropOptions{.alpha = 0.8, .eps = 0.1, .momentum = 0.7, .centered = true}),
       rmsprop(1e-2, 0.8, 0.1, 0.7, true)},
      {"Rprop", maker(RpropOptions{}), rprop(1e-2, 0.5, 1.2, 1e-6, 50)},
      {"Rprop narrow", maker(RpropOptions{.lr = 1, .etas = {0.3, 2}, .step_sizes = {0.2, 1.5}}),
       rprop(1, 0.3, 2, 0.2, 1.5)},
      {"Lion", maker(LionOptions{.lr = 0.01, .weight_decay = 0.1}),
       [](double p, double g, Memory& m) {
         p = (1 - 0.01 * 0.1) * p - 0.01 * sign(0.9 * m.a + 0.1 * g);
         m.a = 0.99 * m.a + 0.01 * g;
         return p;
       }},
  };
}

inline Tensor leaf(const Tensor& values) { return values.copy().requires_grad(true); }

}  // namespace plain
