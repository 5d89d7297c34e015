#include <fmt/format.h>

#include <algorithm>
#include <xtape/autograd/parallel.hpp>
#include <xtape/optim/sgd.hpp>

namespace xtape::optim {

namespace {

constexpr std::int64_t grain = 65536;

// Without decay an infinite parameter does not make its gradient NaN.
template <class T>
T decayed(T g, T p, T decay) {
  return decay == 0 ? g : g + decay * p;
}

template <class T, bool Nesterov>
void update(T* __restrict p, const T* __restrict g, T* __restrict v, std::int64_t n, T lr, T decay,
            T keep, T take) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T slope = decayed(g[i], p[i], decay);
    const T speed = keep * v[i] + take * slope;
    v[i] = speed;
    p[i] -= lr * (Nesterov ? slope + keep * speed : speed);
  }
}

template <class T>
void plain_update(T* __restrict p, const T* __restrict g, std::int64_t n, T lr, T decay) {
  for (std::int64_t i = 0; i < n; ++i) p[i] -= lr * decayed(g[i], p[i], decay);
}

template <class T>
void update(const SGDOptions& o, T* p, const T* g, T* v, std::int64_t n, bool first) {
  const T lr = static_cast<T>(o.lr), decay = static_cast<T>(o.weight_decay);
  const T keep = static_cast<T>(o.momentum), take = first ? T(1) : static_cast<T>(1 - o.dampening);
  parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
    const std::int64_t begin = piece * grain, count = std::min(grain, n - begin);
    if (!v) plain_update(p + begin, g + begin, count, lr, decay);
    else if (o.nesterov)
      update<T, true>(p + begin, g + begin, v + begin, count, lr, decay, keep, take);
    else update<T, false>(p + begin, g + begin, v + begin, count, lr, decay, keep, take);
  });
}

}  // namespace

SGD::SGD(std::vector<Tensor> parameters, const SGDOptions& given, Location where)
    : options(given), parameters_(std::move(parameters)), velocities_(parameters_.size()) {
  if (parameters_.empty()) raise<ValueError>(where, "SGD", "there are no parameters");
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].requires_grad() || !parameters_[i].is_leaf())
      raise<GradError>(where, "SGD",
                       fmt::format("parameter {} is not a leaf that requires gradients", i));
    for (std::size_t j = 0; j < i; ++j)
      if (parameters_[j].same_as(parameters_[i]))
        raise<ValueError>(where, "SGD", fmt::format("parameters {} and {} are the same", j, i));
  }
  if (!(given.lr >= 0 && given.momentum >= 0 && given.weight_decay >= 0))
    raise<ValueError>(where, "SGD",
                      fmt::format("lr {}, momentum {} and weight_decay {} must not be negative",
                                  given.lr, given.momentum, given.weight_decay));
  if (given.nesterov && (given.momentum <= 0 || given.dampening != 0))
    raise<ValueError>(where, "SGD", "nesterov needs momentum and no dampening");
}

void SGD::step(Location where) {
  const NoGrad no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i];
    const Tensor g = p.grad();
    if (!g.defined()) continue;
    Tensor& v = velocities_[i];
    const bool first = options.momentum != 0 && !v.defined();
    if (first) {
      v = Tensor::empty(p.shape(), p.dtype());
      std::fill_n(v.value()->as<char>(), v.value()->bytes(), 0);
    }
    const bool moving = options.momentum != 0;
    if (p.dtype() == float32)
      update(options, p.mutable_data<float>(where), g.data<float>(),
             moving ? v.value()->as<float>() : nullptr, p.numel(), first);
    else
      update(options, p.mutable_data<double>(where), g.data<double>(),
             moving ? v.value()->as<double>() : nullptr, p.numel(), first);
  }
}

void SGD::zero_grad() const {
  for (const Tensor& parameter : parameters_) parameter.zero_grad();
}

}  // namespace xtape::optim
