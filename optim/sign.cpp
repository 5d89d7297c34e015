#include <xtape/optim/sign.hpp>

namespace xtape::optim {

void RpropOptions::update(Update& u) const {
  u.start(1, lr);
  const Slope slope(*this);
  u.apply<0, 1>([=, etas = etas, sizes = step_sizes]<class X>(X& p, X g, X& before, X& size) {
    g = slope(g, p);
    const X agreement = g * before;
    const X factor = where(agreement > 0, X(etas[1]), where(agreement < 0, X(etas[0]), X(1)));
    size = minimum(maximum(factor * size, X(sizes[0])), X(sizes[1]));
    before = where(agreement < 0, X(0), g);
    p = p - size * sign(before);
  });
}

void LionOptions::update(Update& u) const {
  Slope slope(*this);
  slope.decay = 0;
  const double keep1 = betas[0], take1 = 1 - betas[0], keep2 = betas[1], take2 = 1 - betas[1];
  u.apply<0>([=, lr = lr, shrink = 1 - lr * weight_decay](auto& p, auto g, auto& m) {
    g = slope(g, p);
    p = shrink * p - lr * sign(keep1 * m + take1 * g);
    m = keep2 * m + take2 * g;
  });
}

template class OptimizerOf<RpropOptions>;
template class OptimizerOf<LionOptions>;

}  // namespace xtape::optim
