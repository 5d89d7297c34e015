// How two numbers are folded into one when a sweep reduces: a + b, or the larger or smaller one, of
// which NaN wins.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <xtape/autograd/sweep.hpp>

namespace xtape {

inline double fold_two(Fold fold, double a, double b) {
  if (fold == Fold::sum) return a + b;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return fold == Fold::max ? std::max(a, b) : std::min(a, b);
}
inline std::int64_t fold_two(Fold fold, std::int64_t a, std::int64_t b) {
  if (fold == Fold::sum) return a + b;
  return fold == Fold::max ? std::max(a, b) : std::min(a, b);
}

/// What folds with anything to that.
template <class T>
T identity_of(Fold fold) {
  using Limits = std::numeric_limits<T>;
  if (fold == Fold::sum) return 0;
  if constexpr (Limits::has_infinity)
    return fold == Fold::max ? -Limits::infinity() : Limits::infinity();
  else return fold == Fold::max ? Limits::lowest() : Limits::max();
}

/// Adds sums to others and starts them again.
template <class T>
void move_sums(T* from, T* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += std::exchange(from[i], T(0));
}

}  // namespace xtape
