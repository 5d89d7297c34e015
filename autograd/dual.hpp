// Dual numbers and the derivative rules of the scalar functions. A Dual carries a value and its
// slopes with respect to the active arguments of a formula:
//
//   (f, f') (g, g')     f + g -> f' + g'     f g -> f' g + f g'     h(f) -> h'(f) f'
//
// Which slopes exist is part of the type (one bit of `Mask` for each argument), so a constant costs
// nothing and no 0 * infinity can arise from a slope that is not there. `where` picks the slopes of
// the branch taken; the other branch cannot spoil them. V is a Lane for the fused kernels and a
// Tensor when the slopes themselves are to be recorded. This file is the only place in the library
// that knows the derivative of a scalar function.
#pragma once

#include <bit>
#include <numbers>
#include <utility>
#include <xtape/autograd/lane.hpp>

namespace xtape {

template <class V, unsigned Mask>
struct Dual {
  static_assert(Mask != 0);
  static constexpr unsigned mask = Mask;
  using Value = V;
  V value;
  V slopes[std::popcount(Mask)];

  /// The slope with respect to argument I, which must be in the mask.
  template <unsigned I>
  V& slope() {
    return slopes[std::popcount(Mask & ((1u << I) - 1))];
  }
  template <unsigned I>
  const V& slope() const {
    return slopes[std::popcount(Mask & ((1u << I) - 1))];
  }
};

/// The argument of a function of which only the result is known. exp of it has the slope y without
/// computing anything again, because that rule does not look at the argument.
template <class V>
struct Result {
  V value;
};
template <class X>
inline constexpr bool is_result = false;
template <class V>
inline constexpr bool is_result<Result<V>> = true;

namespace detail {

template <class X>
inline constexpr unsigned mask_of = 0;
template <class V, unsigned Mask>
inline constexpr unsigned mask_of<Dual<V, Mask>> = Mask;

/// Whether X has a slope with respect to argument i.
template <class X>
constexpr bool depends_on(unsigned i) {
  constexpr unsigned mask = mask_of<X>;
  return (mask >> i) & 1;
}

template <class X>
const X& value_of(const X& x) {
  return x;
}
template <class V, unsigned Mask>
const V& value_of(const Dual<V, Mask>& x) {
  return x.value;
}

/// A number in a formula as a value like `other`.
template <class V>
Lane<V> number_like(const Lane<V>&, double number) {
  return Lane<V>(number);
}
template <class V, class X>
auto lift(const V& like, const X& x) {
  if constexpr (std::is_arithmetic_v<X>) return number_like(like, x);
  else return value_of(x);
}

/// The one of two that is a dual.
template <class X, class Y>
const auto& dual_of(const X& x, const Y& y) {
  if constexpr (mask_of<X> != 0) return x;
  else return y;
}

template <unsigned I, class X>
auto& slope_of(X& x) {
  return x.template slope<I>();
}

/// Calls f(std::integral_constant<unsigned, I>) for every bit I of Mask.
template <unsigned Mask, class F>
void for_bits(const F& f) {
  if constexpr (Mask != 0) {
    constexpr unsigned others = Mask & (Mask - 1);
    f(std::integral_constant<unsigned, std::countr_zero(Mask)>());
    if constexpr (others != 0) for_bits<others>(f);
  }
}

/// What a slope that needs only the result gets as the argument: nothing that could be used.
struct Unknown {};

/// h(x) with slope(x, h(x)) = h'(x).
template <class X, class Value, class Slope>
auto chain(const X& x, Value value, Slope slope) {
  if constexpr (is_result<X>) {
    return Dual<decltype(x.value), 1>{x.value, {slope(Unknown(), x.value)}};
  } else {
    X out{value(x.value), {}};
    const auto factor = slope(x.value, out.value);
    for_bits<X::mask>([&](auto i) { slope_of<i>(out) = factor * slope_of<i>(x); });
    return out;
  }
}

/// h(x, y) whose slope is left(x') where only x has one, right(y') where only y has one, and
/// both(x', y') where both do.
template <class V, class X, class Y, class Left, class Right, class Both>
auto chain2(const V& value, const X& x, const Y& y, Left left, Right right, Both both) {
  constexpr unsigned mask = mask_of<X> | mask_of<Y>;
  Dual<V, mask> out{value, {}};
  for_bits<mask>([&](auto i) {
    constexpr bool in_x = depends_on<X>(i), in_y = depends_on<Y>(i);
    auto& slope = slope_of<i>(out);
    if constexpr (in_x && in_y) slope = both(slope_of<i>(x), slope_of<i>(y));
    else if constexpr (in_x) slope = left(slope_of<i>(x));
    else slope = right(slope_of<i>(y));
  });
  return out;
}

/// The same with the partial derivatives dx() and dy(), which are computed only if needed.
template <class V, class X, class Y, class Dx, class Dy>
auto chain2(const V& value, const X& x, const Y& y, Dx dx, Dy dy) {
  return chain2(
      value, x, y, [&](const V& a) -> V { return dx() * a; },
      [&](const V& b) -> V { return dy() * b; },
      [&](const V& a, const V& b) -> V { return dx() * a + dy() * b; });
}

}  // namespace detail

/// True for a value with slopes.
template <class X>
concept DualNumber = (detail::mask_of<X> != 0);
/// True for what a formula is read on besides tensors: lanes, duals and results.
template <class X>
concept Scalar = is_lane<X> || DualNumber<X> || is_result<X>;

// Arithmetic.

template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator+(const X& x, const Y& y) {
  const auto value = detail::value_of(x) + detail::value_of(y);
  using V = std::decay_t<decltype(value)>;
  return detail::chain2(
      value, x, y, [](const V& a) { return a; }, [](const V& b) { return b; },
      [](const V& a, const V& b) -> V { return a + b; });
}

template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator-(const X& x, const Y& y) {
  const auto value = detail::value_of(x) - detail::value_of(y);
  using V = std::decay_t<decltype(value)>;
  return detail::chain2(
      value, x, y, [](const V& a) { return a; }, [](const V& b) -> V { return -b; },
      [](const V& a, const V& b) -> V { return a - b; });
}

template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator*(const X& x, const Y& y) {
  const auto& a = detail::value_of(x);
  const auto& b = detail::value_of(y);
  return detail::chain2(
      a * b, x, y, [&] { return b; }, [&] { return a; });
}

template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator/(const X& x, const Y& y) {
  const auto& b = detail::value_of(y);
  const auto value = detail::value_of(x) / b;
  return detail::chain2(
      value, x, y, [&] { return 1.0 / b; }, [&] { return -(value / b); });
}

template <DualNumber X>
X operator-(const X& x) {
  X out{-x.value, {}};
  for (std::size_t i = 0; i < std::size(x.slopes); ++i) out.slopes[i] = -x.slopes[i];
  return out;
}

// Comparisons look at values only.

template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator<(const X& x, const Y& y) {
  return detail::value_of(x) < detail::value_of(y);
}
template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator<=(const X& x, const Y& y) {
  return detail::value_of(x) <= detail::value_of(y);
}
template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator>(const X& x, const Y& y) {
  return detail::value_of(x) > detail::value_of(y);
}
template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator>=(const X& x, const Y& y) {
  return detail::value_of(x) >= detail::value_of(y);
}
template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator==(const X& x, const Y& y) {
  return detail::value_of(x) == detail::value_of(y);
}
template <class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto operator!=(const X& x, const Y& y) {
  return detail::value_of(x) != detail::value_of(y);
}

/// x where the condition holds, y elsewhere, with the slopes of the branch taken.
template <class C, class X, class Y>
requires(DualNumber<X> || DualNumber<Y>) auto where(const C& condition, const X& x, const Y& y) {
  const auto value = where(condition, detail::value_of(x), detail::value_of(y));
  using V = std::decay_t<decltype(value)>;
  return detail::chain2(
      value, x, y, [&](const V& a) -> V { return where(condition, a, 0.0); },
      [&](const V& b) -> V { return where(condition, 0.0, b); },
      [&](const V& a, const V& b) -> V { return where(condition, a, b); });
}

}  // namespace xtape
