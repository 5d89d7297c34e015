#include <cmath>
#include <xtape/optim/sgd.hpp>

namespace xtape::optim {

void SGDOptions::update(Update& u) const {
  const Slope slope(*this);
  if (momentum == 0)
    return u.apply<>([slope, lr = lr](auto& p, auto g) { p = p - lr * slope(g, p); });
  const double keep = momentum, take = u.has(0) ? 1 - dampening : 1;
  if (nesterov)
    return u.apply<0>([=, lr = lr](auto& p, auto g, auto& v) {
      g = slope(g, p);
      v = keep * v + take * g;
      p = p - lr * (g + keep * v);
    });
  u.apply<0>([=, lr = lr](auto& p, auto g, auto& v) {
    v = keep * v + take * slope(g, p);
    p = p - lr * v;
  });
}

void ASGDOptions::update(Update& u) const {
  const Slope slope(*this);
  double &eta = u.number(0), &mu = u.number(1);
  if (u.step() == 1) {
    eta = lr;
    mu = 1;
  }
  u.apply<0>([slope, shrink = 1 - lambd * eta, eta, mu](auto& p, auto g, auto& average) {
    p = shrink * p - eta * slope(g, p);
    average = mu == 1 ? p : average + mu * (p - average);
  });
  eta = lr / std::pow(1 + lambd * lr * u.step(), alpha);
  mu = 1 / std::max(1.0, u.step() - t0);
}

template class OptimizerOf<SGDOptions>;
template class OptimizerOf<ASGDOptions>;

}  // namespace xtape::optim
