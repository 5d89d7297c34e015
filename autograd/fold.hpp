// How numbers are folded into one when a sweep reduces: their sum, their product, or the largest or
// smallest, of which NaN wins.
#pragma once

#include <limits>
#include <utility>
#include <xtape/autograd/lane.hpp>
#include <xtape/autograd/sweep.hpp>

namespace xtape::detail {

/// Folding two registers, or two numbers, into one.
struct SumFold {
  static constexpr Fold kind = Fold::sum;
  template <class V>
  static V fold(const V& a, const V& b) {
    return a + b;
  }
};
struct ProductFold {
  static constexpr Fold kind = Fold::product;
  template <class V>
  static V fold(const V& a, const V& b) {
    return a * b;
  }
};
struct MaxFold {
  static constexpr Fold kind = Fold::max;
  template <class V>
  static V fold(const V& a, const V& b) {
    if constexpr (std::is_arithmetic_v<V>) {
      const V best = a > b ? a : b;  // an instruction; with the NaN in it, it would be a branch
      return a != a ? a : best;
    } else {
      return where(Lane<V>(a) > Lane<V>(b) || Lane<V>(a) != Lane<V>(a), Lane<V>(a), Lane<V>(b)).v;
    }
  }
};
struct MinFold {
  static constexpr Fold kind = Fold::min;
  template <class V>
  static V fold(const V& a, const V& b) {
    if constexpr (std::is_arithmetic_v<V>) {
      const V best = a < b ? a : b;  // an instruction; with the NaN in it, it would be a branch
      return a != a ? a : best;
    } else {
      return where(Lane<V>(a) < Lane<V>(b) || Lane<V>(a) != Lane<V>(a), Lane<V>(a), Lane<V>(b)).v;
    }
  }
};

/// Calls f with the one of these that `fold` names.
template <class F>
decltype(auto) with_fold(Fold fold, F f) {
  if (fold == Fold::sum) return f(SumFold());
  if (fold == Fold::product) return f(ProductFold());
  if (fold == Fold::max) return f(MaxFold());
  return f(MinFold());
}

/// What folds with anything to that.
template <class T>
T identity_of(Fold fold) {
  using Limits = std::numeric_limits<T>;
  if (fold == Fold::sum) return 0;
  if (fold == Fold::product) return 1;
  if constexpr (Limits::has_infinity)
    return fold == Fold::max ? -Limits::infinity() : Limits::infinity();
  else return fold == Fold::max ? Limits::lowest() : Limits::max();
}

/// Adds sums to others and starts them again.
template <class T>
void move_sums(T* from, T* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += std::exchange(from[i], T(0));
}

}  // namespace xtape::detail
