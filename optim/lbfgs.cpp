#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <xtape/optim/lbfgs.hpp>
#include <xtape/optim/wolfe.hpp>

namespace xtape::optim {

namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// a += c b
void add(Vector& a, double c, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += c * b[i];
}

double largest(const Vector& a) {
  double most = 0;
  for (const double x : a) most = std::abs(x) > most || std::isnan(x) ? std::abs(x) : most;
  return most;
}

double sum_of_sizes(const Vector& a) {
  double sum = 0;
  for (const double x : a) sum += std::abs(x);
  return sum;
}

// Calls f with a typed pointer to the elements for reading.
template <class F>
void read(const Tensor& tensor, F f) {
  if (tensor.dtype() == float32) f(tensor.data<float>());
  else f(tensor.data<double>());
}

void append(Vector& to, const Tensor& tensor) {
  read(tensor, [&](const auto* from) { to.insert(to.end(), from, from + tensor.numel()); });
}

Tensor tensor_of(const Vector& v) {
  return Tensor::from(v.data(), {static_cast<std::int64_t>(v.size())});
}

}  // namespace

LBFGS::LBFGS(std::vector<Tensor> parameters, const LBFGSOptions& given, Location where)
    : Optimizer("LBFGS"), options(given) {
  check_options(where);
  add_slots(std::move(parameters), where);
}

void LBFGS::check_options(const Location& where) const {
  check("lr", options.lr, Bounds::not_negative, where);
  check("max_iter", static_cast<double>(options.max_iter), Bounds::not_negative, where);
  check("max_eval", static_cast<double>(options.max_eval), Bounds::not_negative, where);
  check("tolerance_grad", options.tolerance_grad, Bounds::not_negative, where);
  check("tolerance_change", options.tolerance_change, Bounds::not_negative, where);
  check("history_size", static_cast<double>(options.history_size), Bounds::positive, where);
}

double LBFGS::evaluate(const Closure& closure, Vector& grad, const Location& where) {
  Tensor loss;
  {
    const EnableGrad enable;
    loss = closure();
  }
  ++evaluations_;
  if (!loss.defined() || loss.numel() != 1)
    raise<ValueError>(where, "LBFGS", "the closure must return the loss, one number");
  grad.clear();
  for (const Slot& slot : slots_) {
    const Tensor g = slot.parameter.grad();
    if (g.defined()) append(grad, g);
    else grad.resize(grad.size() + static_cast<std::size_t>(slot.parameter.numel()));
  }
  return loss.item<double>();
}

Vector LBFGS::positions() const {
  Vector all;
  for (const Slot& slot : slots_) append(all, slot.parameter);
  return all;
}

// parameters = from + t direction
void LBFGS::move(const Vector& from, double t, const Location& where) {
  const NoGrad no_grad;
  std::size_t at = 0;
  const auto assign = [&]<class T>(T* to, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i, ++at)
      to[i] = static_cast<T>(from[at] + t * direction_[at]);
  };
  for (const Slot& slot : slots_) {
    const Tensor& p = slot.parameter;
    if (p.dtype() == float32) assign(p.mutable_data<float>(where), p.numel());
    else assign(p.mutable_data<double>(where), p.numel());
  }
}

// Adds the last step to the differences, if the function curves upwards along it.
void LBFGS::learn(const Vector& grad) {
  Vector y = grad, s = direction_;
  add(y, -1, previous_grad_);
  for (double& x : s) x *= t_;
  const double curvature = dot(y, s);
  if (!(curvature > 1e-10)) return;
  while (pairs_.size() >= static_cast<std::size_t>(options.history_size)) pairs_.pop_front();
  diagonal_ = curvature / dot(y, y);
  pairs_.push_back({std::move(y), std::move(s), 1 / curvature});
}

// direction = -H grad by the two loops over the differences
void LBFGS::choose_direction(const Vector& grad) {
  direction_ = grad;
  for (double& x : direction_) x = -x;
  Vector weights(pairs_.size());
  for (std::size_t i = pairs_.size(); i-- > 0;) {
    weights[i] = dot(pairs_[i].s, direction_) * pairs_[i].rho;
    add(direction_, -weights[i], pairs_[i].y);
  }
  for (double& x : direction_) x *= diagonal_;
  for (std::size_t i = 0; i < pairs_.size(); ++i)
    add(direction_, weights[i] - dot(pairs_[i].y, direction_) * pairs_[i].rho, pairs_[i].s);
}

LBFGS::Point LBFGS::search(const Closure& closure, const Point& start, double t,
                           const Location& where) {
  const Vector from = positions();
  Point end =
      detail::strong_wolfe(start, t, largest(direction_), options.tolerance_change, [&](double at) {
        Point point{.t = at, .loss = 0, .slope = 0, .grad = {}};
        move(from, at, where);
        point.loss = evaluate(closure, point.grad, where);
        point.slope = dot(point.grad, direction_);
        return point;
      });
  move(from, end.t, where);
  return end;
}

Tensor LBFGS::step(const Closure& closure, Location where) {
  check_options(where);
  const std::int64_t max_eval = options.max_eval > 0 ? options.max_eval : options.max_iter * 5 / 4;
  const std::int64_t before = evaluations_;
  Point now;
  now.loss = evaluate(closure, now.grad, where);
  const Tensor first = Tensor(now.loss, slots_.front().parameter.dtype());
  if (largest(now.grad) <= options.tolerance_grad) return first;

  for (std::int64_t i = 1; i <= options.max_iter; ++i) {
    ++iterations_;
    if (iterations_ == 1) {
      pairs_.clear();
      diagonal_ = 1;
    } else {
      learn(now.grad);
    }
    choose_direction(now.grad);
    previous_grad_ = now.grad;
    const double last_loss = now.loss;
    t_ = options.lr * (iterations_ == 1 ? std::min(1.0, 1 / sum_of_sizes(now.grad)) : 1);
    now.t = 0;
    now.slope = dot(now.grad, direction_);
    if (now.slope > -options.tolerance_change) break;

    if (options.line_search_fn == LineSearch::strong_wolfe) {
      now = search(closure, now, t_, where);
      t_ = now.t;
    } else {
      move(positions(), t_, where);
      if (i < options.max_iter) now.loss = evaluate(closure, now.grad, where);
    }
    if (evaluations_ - before >= max_eval || largest(now.grad) <= options.tolerance_grad ||
        largest(direction_) * std::abs(t_) <= options.tolerance_change ||
        std::abs(now.loss - last_loss) < options.tolerance_change)
      break;
  }
  return first;
}

void LBFGS::step(Location where) { raise<ValueError>(where, "LBFGS", "step() needs a closure"); }

void LBFGS::save(State& into) const {
  into["state.n_iter"] = number_tensor(iterations_);
  into["state.func_evals"] = number_tensor(evaluations_);
  into["state.history"] = number_tensor(static_cast<std::int64_t>(pairs_.size()));
  into["state.t"] = number_tensor(t_);
  into["state.H_diag"] = number_tensor(diagonal_);
  into["groups.0.lr"] = number_tensor(options.lr);
  if (iterations_ == 0) return;
  into["state.d"] = tensor_of(direction_);
  into["state.prev_flat_grad"] = tensor_of(previous_grad_);
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    into[fmt::format("state.old_dirs.{}", i)] = tensor_of(pairs_[i].y);
    into[fmt::format("state.old_stps.{}", i)] = tensor_of(pairs_[i].s);
    into[fmt::format("state.ro.{}", i)] = number_tensor(pairs_[i].rho);
  }
}

void LBFGS::load(const State& from, bool commit, const Location& where) {
  std::int64_t size = 0;
  for (const Slot& slot : slots_) size += slot.parameter.numel();
  const Tensor like = Tensor::empty({size}, float64);
  const auto vector = [&](const std::string& name) {
    const double* const data = entry(from, name, like, where).data<double>();
    return Vector(data, data + size);
  };
  const std::int64_t iterations = integer_entry(from, "state.n_iter", where);
  const std::int64_t evaluations = integer_entry(from, "state.func_evals", where);
  const double t = number_entry(from, "state.t", where),
               lr = number_entry(from, "groups.0.lr", where);
  const double diagonal = number_entry(from, "state.H_diag", where);
  Vector direction, grad;
  std::deque<Pair> pairs;
  if (iterations > 0) {
    direction = vector("state.d");
    grad = vector("state.prev_flat_grad");
    const std::int64_t count = integer_entry(from, "state.history", where);
    for (std::int64_t i = 0; i < count; ++i)
      pairs.push_back({vector(fmt::format("state.old_dirs.{}", i)),
                       vector(fmt::format("state.old_stps.{}", i)),
                       number_entry(from, fmt::format("state.ro.{}", i), where)});
  }
  if (!commit) return;
  iterations_ = iterations;
  evaluations_ = evaluations;
  t_ = t;
  diagonal_ = diagonal;
  options.lr = lr;
  direction_ = std::move(direction);
  previous_grad_ = std::move(grad);
  pairs_ = std::move(pairs);
}

}  // namespace xtape::optim
