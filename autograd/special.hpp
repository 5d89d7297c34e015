// The logarithm of the gamma function and its derivatives of every order.
//
//   digamma = lgamma'     polygamma(1, x) = digamma'     polygamma(n + 1, x) = polygamma(n, x)'
#pragma once

#include <xtape/autograd/functions.hpp>

namespace xtape {

namespace detail {
/// log|Gamma(x)|
double log_gamma(double x);
/// The n-th derivative of digamma at x; NaN unless n is 0, 1, 2, ...
double polygamma(double n, double x);
}  // namespace detail

/// The n-th derivative of digamma, for n = 0, 1, 2, ...; the order has no slope.
template <class N, class X>
requires(Scalar<N> || Scalar<X>) auto polygamma(const N& n, const X& x) {
  if constexpr (DualNumber<N>) {
    return polygamma(n.value, x);
  } else if constexpr (DualNumber<X>) {
    return detail::chain(
        x, [&](const auto& a) { return polygamma(n, a); },
        [&](const auto& a, const auto&) { return polygamma(n + 1.0, a); });
  } else {
    using L = std::conditional_t<is_lane<X>, X, N>;
    return detail::by_elements(
        [](auto order, auto a) { return static_cast<decltype(a)>(detail::polygamma(order, a)); },
        L(n), L(x));
  }
}

/// The derivative of lgamma
template <Scalar X>
X digamma(const X& x) {
  if constexpr (is_lane<X>)
    return detail::by_elements(
        [](auto a) { return static_cast<decltype(a)>(detail::polygamma(0, a)); }, x);
  else
    return detail::chain(
        x, [](const auto& a) { return digamma(a); },
        [](const auto& a, const auto&) { return polygamma(1.0, a); });
}

/// log|Gamma(x)|
template <Scalar X>
X lgamma(const X& x) {
  if constexpr (is_lane<X>)
    return detail::by_elements(
        [](auto a) { return static_cast<decltype(a)>(detail::log_gamma(a)); }, x);
  else
    return detail::chain(
        x, [](const auto& a) { return lgamma(a); },
        [](const auto& a, const auto&) { return digamma(a); });
}

/// The share of the normal distribution below x, erfc(-x / sqrt(2)) / 2; PyTorch's special.ndtr
template <Scalar X>
X ndtr(const X& x) {
  if constexpr (detail::single_lane<X>) {
    return detail::single_ndtr(x);
  } else if constexpr (is_lane<X>) {
    return 0.5 * erfc(-std::numbers::sqrt2 / 2 * x);
  } else {
    return detail::chain(
        x, [](const auto& a) { return ndtr(a); },
        [](const auto& a, const auto&) {
          return std::numbers::inv_sqrtpi / std::numbers::sqrt2 * detail::bell<2>(a);
        });
  }
}

}  // namespace xtape
