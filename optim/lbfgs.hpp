// The limited-memory quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno, step by step as
// torch.optim.LBFGS: d = -H g, where H is made from the last differences of gradients and of
// parameters (Nocedal and Wright, Numerical Optimization, algorithms 7.4, 3.5 and 3.6).
#pragma once

#include <deque>
#include <functional>
#include <xtape/optim/optimizer.hpp>

namespace xtape::optim {

enum class LineSearch { none, strong_wolfe };

struct LBFGSOptions {
  double lr = 1;
  std::int64_t max_iter = 20;       ///< iterations in one step()
  std::int64_t max_eval = 0;        ///< closure calls in one step(); 0: max_iter * 5 / 4
  double tolerance_grad = 1e-7;     ///< ends when no element of the gradient is larger
  double tolerance_change = 1e-9;   ///< ends when the loss or all parameters change by less
  std::int64_t history_size = 100;  ///< differences that are kept
  LineSearch line_search_fn = LineSearch::none;
};

/// Minimises a function that it evaluates as often as it needs to. Directions and differences are
/// float64 whatever the parameters are.
class LBFGS final : public Optimizer {
 public:
  /// Clears the gradients, computes the loss, calls backward() on it and returns it.
  using Closure = std::function<Tensor()>;

  /// Throws as OptimizerOf.
  explicit LBFGS(std::vector<Tensor> parameters, const LBFGSOptions& given = {},
                 Location where = {});

  /// Up to max_iter iterations; returns the loss before them. A parameter without a gradient stays.
  Tensor step(const Closure& closure, Location where = {});
  /// Throws ValueError: it cannot go on without a closure.
  void step(Location where = {}) override;

  double& lr(std::size_t = 0) override { return options.lr; }
  double* momentum(std::size_t = 0) override { return nullptr; }
  /// How often the closure was called since the construction.
  std::int64_t evaluations() const { return evaluations_; }

  /// May be changed between steps.
  LBFGSOptions options;

 private:
  // What the parameters or gradients are in a row.
  using Vector = std::vector<double>;
  struct Point {
    double t = 0, loss = 0, slope = 0;  // slope: along the direction
    Vector grad;
  };
  struct Pair {
    Vector y, s;
    double rho;
  };

  void check_options(const Location& where) const;
  double evaluate(const Closure& closure, Vector& grad, const Location& where);
  void move(const Vector& from, double t, const Location& where);
  Vector positions() const;
  void learn(const Vector& grad);
  void choose_direction(const Vector& grad);
  Point search(const Closure& closure, const Point& start, double t, const Location& where);

  void save(State& into) const override;
  void load(const State& from, bool commit, const Location& where) override;

  Vector direction_, previous_grad_;
  std::deque<Pair> pairs_;
  double t_ = 0, diagonal_ = 1;
  std::int64_t iterations_ = 0, evaluations_ = 0;
};

}  // namespace xtape::optim
