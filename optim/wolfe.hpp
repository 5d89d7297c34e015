// A line search for a step t along a direction with f(t) <= f(0) + c1 t f'(0), a sufficient
// decrease, and |f'(t)| <= c2 |f'(0)|, a sufficient flattening (the strong Wolfe conditions).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace xtape::optim::detail {

/// Where the cubic through two points with given slopes has its minimum, within `bounds`; their
/// middle if it has none.
template <class Point>
double cubic_minimum(const Point& a, const Point& b, std::pair<double, double> bounds) {
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (bounds.first + bounds.second) / 2;
  const double d2 = std::sqrt(square);
  const Point &left = a.t <= b.t ? a : b, &right = a.t <= b.t ? b : a;
  const double at = right.t - (right.t - left.t) *
                                  ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::min(std::max(at, bounds.first), bounds.second);
}

/// Searches from `start`, which has t = 0 and a negative slope, with t as the first trial;
/// evaluate(t) gives the point at t. `size` is the largest element of the direction: an interval
/// in which nothing moves by more than `tolerance` is given up. Step by step as PyTorch.
template <class Point, class Evaluate>
Point strong_wolfe(const Point& start, double t, double size, double tolerance, Evaluate evaluate) {
  constexpr double c1 = 1e-4, c2 = 0.9;
  constexpr int most = 25;
  const auto decreases = [&](const Point& p) {
    return !(p.loss > start.loss + c1 * p.t * start.slope);
  };
  const auto flat = [&](const Point& p) { return std::abs(p.slope) <= -c2 * start.slope; };

  // widen an interval until it holds a point to take
  Point before = start, now = evaluate(t);
  int tried = 0;
  std::optional<std::pair<Point, Point>> found;
  while (tried < most) {
    if (!decreases(now) || (tried > 1 && now.loss >= before.loss)) found = {before, now};
    else if (flat(now)) return now;
    else if (now.slope >= 0) found = {before, now};
    if (found) break;
    const double next = cubic_minimum(before, now, {now.t + 0.01 * (now.t - before.t), now.t * 10});
    before = std::exchange(now, evaluate(next));
    ++tried;
  }
  std::array<Point, 2> ends = {found ? found->first : start, now};
  int low = ends[0].loss <= ends[1].loss ? 0 : 1;

  // narrow it; `low` is the better end
  bool stuck = false;
  while (tried < most && !(std::abs(ends[1].t - ends[0].t) * size < tolerance)) {
    const auto [left, right] = std::minmax(ends[0].t, ends[1].t);
    double next = cubic_minimum(ends[0], ends[1], {left, right});
    // close to an end twice, or beyond it: a tenth of the interval away from it
    const double margin = 0.1 * (right - left);
    if (std::min(right - next, next - left) < margin) {
      const bool beyond = next >= right || next <= left;
      if (stuck || beyond)
        next = std::abs(next - right) < std::abs(next - left) ? right - margin : left + margin;
      stuck = !(stuck || beyond);
    } else {
      stuck = false;
    }
    Point trial = evaluate(next);
    ++tried;
    if (!decreases(trial) || trial.loss >= ends[low].loss) {
      ends[1 - low] = std::move(trial);
      low = ends[0].loss <= ends[1].loss ? 0 : 1;
      continue;
    }
    const bool done = flat(trial);
    if (!done && trial.slope * (ends[1 - low].t - ends[low].t) >= 0) ends[1 - low] = ends[low];
    ends[low] = std::move(trial);
    if (done) break;
  }
  return ends[low];
}

}  // namespace xtape::optim::detail
