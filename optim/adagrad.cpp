#include <xtape/optim/adagrad.hpp>

namespace xtape::optim {

void AdagradOptions::update(Update& u) const {
  u.start(0, initial_accumulator_value);
  const Slope slope(*this);
  const double rate = lr / (1 + (u.step() - 1) * lr_decay);
  u.apply<0>([=, eps = eps](auto& p, auto g, auto& sum) {
    g = slope(g, p);
    sum = sum + g * g;
    p = p - rate * (g / (sqrt(sum) + eps));
  });
}

void RMSpropOptions::update(Update& u) const {
  const Slope slope(*this);
  const double keep = alpha, take = 1 - alpha;
  const auto mean_square = [=](auto g, auto& v) { return v = keep * v + take * (g * g); };
  const auto variance = [=](auto g, auto& v, auto& mean) {
    mean = keep * mean + take * g;
    return mean_square(g, v) - mean * mean;
  };
  if (momentum > 0 && centered)
    u.apply<0, 1, 2>([=, o = *this](auto& p, auto g, auto& v, auto& speed, auto& mean) {
      g = slope(g, p);
      speed = o.momentum * speed + g / (sqrt(variance(g, v, mean)) + o.eps);
      p = p - o.lr * speed;
    });
  else if (momentum > 0)
    u.apply<0, 1>([=, o = *this](auto& p, auto g, auto& v, auto& speed) {
      g = slope(g, p);
      speed = o.momentum * speed + g / (sqrt(mean_square(g, v)) + o.eps);
      p = p - o.lr * speed;
    });
  else if (centered)
    u.apply<0, 2>([=, o = *this](auto& p, auto g, auto& v, auto& mean) {
      g = slope(g, p);
      p = p - o.lr * (g / (sqrt(variance(g, v, mean)) + o.eps));
    });
  else
    u.apply<0>([=, o = *this](auto& p, auto g, auto& v) {
      g = slope(g, p);
      p = p - o.lr * (g / (sqrt(mean_square(g, v)) + o.eps));
    });
}

void AdadeltaOptions::update(Update& u) const {
  const Slope slope(*this);
  const double take = 1 - rho;
  u.apply<0, 1>([=, o = *this](auto& p, auto g, auto& v, auto& sum) {
    g = slope(g, p);
    v = o.rho * v + take * (g * g);
    const auto delta = sqrt(sum + o.eps) / sqrt(v + o.eps) * g;
    sum = o.rho * sum + take * (delta * delta);
    p = p - o.lr * delta;
  });
}

template class OptimizerOf<AdagradOptions>;
template class OptimizerOf<RMSpropOptions>;
template class OptimizerOf<AdadeltaOptions>;

}  // namespace xtape::optim
