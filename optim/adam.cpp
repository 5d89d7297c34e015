#include <cmath>
#include <xtape/optim/adam.hpp>

namespace xtape::optim {

namespace {

// The running means m and v.
struct Moments {
  double keep1, take1, keep2, take2;

  explicit Moments(const std::array<double, 2>& betas)
      : keep1(betas[0]), take1(1 - betas[0]), keep2(betas[1]), take2(1 - betas[1]) {}

  template <class X>
  void operator()(const X& g, X& m, X& v) const {
    m = keep1 * m + take1 * g;
    v = keep2 * v + take2 * (g * g);
  }
};

// Adam's step after `shrink` p; `slope` knows of L2 decay.
template <class Options>
void adam(Update& u, const Options& o, const Slope& slope, double shrink) {
  const Moments moments(o.betas);
  const double rate = o.lr / (1 - std::pow(o.betas[0], u.step())), eps = o.eps;
  const double scale = 1 / std::sqrt(1 - std::pow(o.betas[1], u.step()));
  if (o.amsgrad)
    return u.apply<0, 1, 2>([=](auto& p, auto g, auto& m, auto& v, auto& most) {
      moments(slope(g, p), m, v);
      most = maximum(most, v);
      p = shrink * p - rate * (m / (scale * sqrt(most) + eps));
    });
  u.apply<0, 1>([=](auto& p, auto g, auto& m, auto& v) {
    moments(slope(g, p), m, v);
    p = shrink * p - rate * (m / (scale * sqrt(v) + eps));
  });
}

}  // namespace

void AdamOptions::update(Update& u) const { adam(u, *this, Slope(*this), 1); }

void AdamWOptions::update(Update& u) const {
  Slope slope(*this);
  slope.decay = 0;
  adam(u, *this, slope, 1 - lr * weight_decay);
}

void NAdamOptions::update(Update& u) const {
  const auto mu = [this](double t) {
    return betas[0] * (1 - 0.5 * std::pow(0.96, t * momentum_decay));
  };
  double& product = u.number(0);
  if (u.step() == 1) product = 1;
  const double now = mu(u.step()), next = mu(u.step() + 1);
  product *= now;
  const double by_gradient = lr * (1 - now) / (1 - product);
  const double by_mean = lr * next / (1 - product * next);
  const double scale = 1 / (1 - std::pow(betas[1], u.step()));
  const Slope slope(*this);
  const Moments moments(betas);
  u.apply<0, 1>([=, eps = eps](auto& p, auto g, auto& m, auto& v) {
    g = slope(g, p);
    moments(g, m, v);
    p = p - (by_gradient * g + by_mean * m) / (sqrt(scale * v) + eps);
  });
}

void RAdamOptions::update(Update& u) const {
  const double t = u.step(), power = std::pow(betas[1], t), correction = 1 - power;
  const double rate = lr / (1 - std::pow(betas[0], t));
  const double last = 2 / (1 - betas[1]) - 1, rho = last - 2 * t * power / correction;
  const Slope slope(*this);
  const Moments moments(betas);
  if (!(rho > 5))
    return u.apply<0, 1>([=](auto& p, auto g, auto& m, auto& v) {
      moments(slope(g, p), m, v);
      p = p - rate * m;
    });
  const double rectifier =
      std::sqrt((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho));
  const double rectified = rate * rectifier * std::sqrt(correction);
  u.apply<0, 1>([=, eps = eps](auto& p, auto g, auto& m, auto& v) {
    moments(slope(g, p), m, v);
    p = p - rectified * (m / (sqrt(v) + eps));
  });
}

void AdamaxOptions::update(Update& u) const {
  const double rate = lr / (1 - std::pow(betas[0], u.step()));
  const Slope slope(*this);
  u.apply<0, 1>([=, b1 = betas[0], take = 1 - betas[0], b2 = betas[1], eps = eps](
                    auto& p, auto g, auto& m, auto& largest) {
    g = slope(g, p);
    m = b1 * m + take * g;
    largest = maximum(b2 * largest, abs(g) + eps);
    p = p - rate * (m / largest);
  });
}

template class OptimizerOf<AdamOptions>;
template class OptimizerOf<AdamWOptions>;
template class OptimizerOf<NAdamOptions>;
template class OptimizerOf<RAdamOptions>;
template class OptimizerOf<AdamaxOptions>;

}  // namespace xtape::optim
