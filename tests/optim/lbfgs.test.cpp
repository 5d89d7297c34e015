#include <xtape/optim/wolfe.hpp>

#include "../blames.hpp"

using namespace xtape;
using check::equal;
using check::numbers;
using optim::LBFGS;
using optim::LineSearch;

namespace {

Tensor leaf(const Tensor& values) { return values.copy().requires_grad(true); }

Tensor rosenbrock(const Tensor& x) {
  const std::int64_t n = x.numel();
  const Tensor a = slice(x, 0, {.start = 0, .stop = n - 1}),
               b = slice(x, 0, {.start = 1, .stop = n});
  return sum(100 * square(b - square(a)) + square(1 - a));
}

template <class F>
LBFGS::Closure closure(LBFGS& lbfgs, F f) {
  return [&lbfgs, f] {
    lbfgs.zero_grad();
    const Tensor loss = f();
    loss.backward();
    return loss;
  };
}

}  // namespace

TEST_CASE("lbfgs: Rosenbrock's valley") {
  for (const DType dtype : {float32, float64}) {
    const Tensor x = leaf(Tensor({-1.2, 1}, dtype));
    LBFGS lbfgs({x},
                {.max_iter = 200, .max_eval = 400, .line_search_fn = LineSearch::strong_wolfe});
    const double before = rosenbrock(x).item<double>();
    const Tensor first = lbfgs.step(closure(lbfgs, [&] { return rosenbrock(x); }));
    CHECK(first.item<double>() == before);
    CHECK(first.dtype() == dtype);
    CHECK(check::distance(x, ones({2}, dtype)) < (dtype == float32 ? 1e-2 : 1e-4));
  }
}

TEST_CASE("lbfgs: a quadratic function with axes of different scales") {
  const Tensor scale({1, 10, 100}, float64), x = leaf(ones({3}, float64));
  LBFGS lbfgs({x}, {.max_iter = 30, .line_search_fn = LineSearch::strong_wolfe});
  lbfgs.step(closure(lbfgs, [&] { return sum(scale * square(x)); }));
  CHECK(check::distance(x, zeros({3}, float64)) < 1e-5);
  CHECK(lbfgs.evaluations() <= 45);
}

TEST_CASE("lbfgs: the first step without a line search is down the gradient") {
  // sum |g| = 6, so the first step is g / 6
  const Tensor x = leaf(Tensor({1, -2}, float64));
  LBFGS lbfgs({x}, {.max_iter = 1});
  lbfgs.step(closure(lbfgs, [&] { return sum(square(x)); }));
  CHECK(check::distance(x, Tensor({1 - 2.0 / 6, -2 + 4.0 / 6}, float64)) < 1e-15);
  CHECK(lbfgs.evaluations() == 1);
}

TEST_CASE("lbfgs: several parameters, some without a gradient, and a short history") {
  const Tensor a = leaf(randn({3, 2}, float64)), b = leaf(randn({}, float64));
  const Tensor never = leaf(ones({2}, float64)), target = randn({3, 2}, float64);
  LBFGS lbfgs({a, never, b},
              {.max_iter = 60, .history_size = 2, .line_search_fn = LineSearch::strong_wolfe});
  const auto f = [&] { return sum(square(a - target)) + square(square(b) - 2); };
  for (int i = 0; i < 3; ++i) lbfgs.step(closure(lbfgs, f));
  CHECK(check::distance(a, target) < 1e-4);
  CHECK(std::abs(b.item<double>()) == doctest::Approx(std::sqrt(2)));
  CHECK(equal(never, ones({2}, float64)));
}

TEST_CASE("lbfgs: at the minimum nothing moves") {
  const Tensor x = leaf(zeros({2}));
  LBFGS lbfgs({x});
  lbfgs.step(closure(lbfgs, [&] { return sum(square(x)); }));
  CHECK(equal(x, zeros({2})));
  CHECK(lbfgs.evaluations() == 1);
}

TEST_CASE("lbfgs: stopped and resumed gives the same bits") {
  for (const LineSearch search : {LineSearch::none, LineSearch::strong_wolfe}) {
    const Tensor x = leaf(Tensor({-1.2, 1, 0.5}, float64));
    const optim::LBFGSOptions options{
        .lr = 0.1, .max_iter = 4, .history_size = 3, .line_search_fn = search};
    LBFGS whole({x}, options);
    whole.step(closure(whole, [&] { return rosenbrock(x); }));
    const Tensor y = leaf(x.detach());
    LBFGS resumed({y}, options);
    resumed.load_state_dict(whole.state_dict());
    for (int i = 0; i < 3; ++i) {
      whole.step(closure(whole, [&] { return rosenbrock(x); }));
      resumed.step(closure(resumed, [&] { return rosenbrock(y); }));
    }
    CHECK(equal(x, y));
    CHECK(whole.evaluations() == resumed.evaluations());
  }
}

TEST_CASE("lbfgs: a schedule can change its rate") {
  const Tensor x = leaf(ones({2}));
  LBFGS lbfgs({x}, {.lr = 0.5});
  optim::ExponentialLR schedule(lbfgs, {.gamma = 0.1});
  schedule.step();
  CHECK(lbfgs.options.lr == doctest::Approx(0.05));
}

TEST_CASE("wolfe: the step satisfies both conditions") {
  struct Point {
    double t = 0, loss = 0, slope = 0;
  };
  const auto check = [](auto f, auto slope, double first) {
    const Point start{0, f(0.0), slope(0.0)};
    int calls = 0;
    const Point end = optim::detail::strong_wolfe(start, first, 1, 1e-9, [&](double t) {
      ++calls;
      return Point{t, f(t), slope(t)};
    });
    CHECK(end.loss <= start.loss + 1e-4 * end.t * start.slope);
    CHECK(std::abs(end.slope) <= 0.9 * std::abs(start.slope));
    CHECK(calls < 25);
  };
  for (const double first : {1e-3, 0.1, 1.0, 10.0, 1000.0}) {
    check([](double t) { return (t - 2) * (t - 2); }, [](double t) { return 2 * (t - 2); }, first);
    check([](double t) { return std::cosh(t - 1); }, [](double t) { return std::sinh(t - 1); },
          std::min(first, 100.0));
    check([](double t) { return -t / (t * t + 2); },
          [](double t) { return (t * t - 2) / ((t * t + 2) * (t * t + 2)); },
          std::min(first, 10.0));
  }
}

TEST_CASE("wolfe: which interval is searched next") {
  struct Point {
    double t = 0, loss = 0, slope = 0;
  };
  // The trials of a search from loss 0 and slope -1 that finds these losses and slopes, then peace.
  using Found = std::pair<double, double>;
  const auto trials = [](const std::vector<Found>& found) {
    std::vector<double> at;
    optim::detail::strong_wolfe(Point{0, 0, -1}, 0.01, 1, 1e-9, [&](double t) {
      const Found next = at.size() < found.size() ? found[at.size()] : Found{-1, 0};
      at.push_back(t);
      return Point{t, next.first, next.second};
    });
    return at;
  };
  const Found falls{-0.0095, -0.95}, lower{-0.02, -0.95};
  // no cubic has these slopes: the middle between a hundredth of the step more and ten times it
  CHECK(trials({falls})[1] == doctest::Approx((0.0101 + 0.1) / 2).epsilon(1e-12));
  // no lower than before: back, and of two equal ends the first one is the better
  const auto level = trials({falls, lower, lower, {-0.01, -0.95}});
  CHECK(level[2] > level[1]);
  CHECK(level[3] < level[2]);
  CHECK(level[4] < level[3]);
  // lower, but rising: the minimum lies between the better end of before and here
  const auto rises = trials({falls, lower, {-0.01, -0.95}, {-0.03, 0.95}});
  CHECK(rises[3] < rises[2]);
  CHECK(rises[4] < rises[3]);
  // lower, and still falling: between here and the other end
  const auto sinks = trials({falls, lower, {-0.01, -0.95}, {-0.03, -0.95}});
  CHECK(sinks[4] > sinks[3]);
}

TEST_CASE("lbfgs: errors") {
  const Tensor x = leaf(ones({2}));
  CHECK_BLAMES(ValueError, "LBFGS: there are no parameters", LBFGS({}));
  CHECK_BLAMES(ValueError, "LBFGS: lr is -1, it must not be negative", LBFGS({x}, {.lr = -1}));
  CHECK_BLAMES(ValueError, "LBFGS: history_size is 0, a positive number wanted",
               LBFGS({x}, {.history_size = 0}));
  LBFGS lbfgs({x});
  CHECK_BLAMES(ValueError, "LBFGS: step() needs a closure", lbfgs.step());
  CHECK_BLAMES(ValueError, "LBFGS: the closure must return the loss, one number",
               lbfgs.step([&] { return x * x; }));
  CHECK_BLAMES(ValueError, "state: there is no 'state.n_iter'", lbfgs.load_state_dict({}));
}
