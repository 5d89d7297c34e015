// Trigonometric and hyperbolic functions and their inverses, with their derivatives. xsimd's are
// used where they were found to be good to 2 units in the last place everywhere.
#pragma once

#include <xtape/autograd/functions.hpp>

namespace xtape {

namespace detail {

/// The magnitude of a number with the sign of x, also of a zero.
template <class X>
X with_sign_of(const X& x, const X& size) {
  return where(signbit(x), -size, size);
}

/// The square of a number from which on 1 beside the square is lost.
template <class X>
constexpr double huge_square = std::is_same_v<typename X::Element, float> ? 1e8 : 1e18;

}  // namespace detail

template <Scalar X>
X cos(const X& x);

template <Scalar X>
X sin(const X& x) {
  if constexpr (is_lane<X>) {
    using std::sin;
    return X(sin(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return sin(a); }, [](const auto& a, const auto&) { return cos(a); });
  }
}

template <Scalar X>
X cos(const X& x) {
  if constexpr (is_lane<X>) {
    using std::cos;
    return X(cos(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return cos(a); },
        [](const auto& a, const auto&) { return -sin(a); });
  }
}

/// The tangent
template <Scalar X>
auto tan(const X& x) {
  if constexpr (is_lane<X>) {
    using std::tan;
    return X(tan(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return tan(a); },
        [](const auto&, const auto& y) { return 1.0 + y * y; });
  }
}

/// sqrt(x^2 + y^2) without overflow; the slopes at (0, 0) are 0.
template <class X, class Y>
requires(Scalar<X> || Scalar<Y>) auto hypot(const X& x, const Y& y) {
  if constexpr (!DualNumber<X> && !DualNumber<Y>) {
    using L = std::conditional_t<is_lane<X>, X, Y>;
    const L a = abs(L(x)), b = abs(L(y)), longer = where(a > b, a, b), shorter = where(a > b, b, a);
    const L ratio = shorter / longer, value = longer * sqrt(1 + ratio * ratio);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return where(longer == 0, shorter, where(a == infinity || b == infinity, infinity, value));
  } else {
    const auto& like = detail::value_of(detail::dual_of(x, y));
    const auto a = detail::lift(like, x), b = detail::lift(like, y);
    const auto value = hypot(a, b);
    return detail::chain2(
        value, x, y, [&] { return where(value == 0.0, 0.0, a / value); },
        [&] { return where(value == 0.0, 0.0, b / value); });
  }
}

/// The angle of the point (x, y), from -pi to pi; the slopes at (0, 0) are 0.
template <class Y, class X>
requires(Scalar<X> || Scalar<Y>) auto atan2(const Y& y, const X& x) {
  if constexpr (!DualNumber<X> && !DualNumber<Y>) {
    using L = std::conditional_t<is_lane<X>, X, Y>;
    return detail::by_elements([](auto a, auto b) { return std::atan2(a, b); }, L(y), L(x));
  } else {
    const auto& like = detail::value_of(detail::dual_of(y, x));
    const auto a = detail::lift(like, y), b = detail::lift(like, x);
    const auto radius = hypot(a, b);
    return detail::chain2(
        atan2(a, b), y, x, [&] { return where(radius == 0.0, 0.0, b / radius / radius); },
        [&] { return where(radius == 0.0, 0.0, -a / radius / radius); });
  }
}

/// The angle from -pi/2 to pi/2 that has this sine
template <Scalar X>
X asin(const X& x) {
  if constexpr (is_lane<X>) {
    using std::asin;
    return X(asin(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return asin(a); },
        [](const auto& a, const auto&) { return 1.0 / sqrt((1.0 - a) * (1.0 + a)); });
  }
}

/// The angle from 0 to pi that has this cosine
template <Scalar X>
X acos(const X& x) {
  if constexpr (is_lane<X>) {
    using std::acos;
    return X(acos(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return acos(a); },
        [](const auto& a, const auto&) { return -1.0 / sqrt((1.0 - a) * (1.0 + a)); });
  }
}

/// The angle from -pi/2 to pi/2 that has this tangent
template <Scalar X>
X atan(const X& x) {
  if constexpr (is_lane<X>) {
    using std::atan;
    return X(atan(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return atan(a); },
        [](const auto& a, const auto&) { return 1.0 / (1.0 + a * a); });
  }
}

template <Scalar X>
X cosh(const X& x);

/// (e^x - e^-x) / 2
template <Scalar X>
X sinh(const X& x) {
  if constexpr (is_lane<X>) {
    const X size = abs(x), h = exp(0.5 * size), m = expm1(size);
    const X value = where(size > 1, 0.5 * h * h - 0.5 / h / h, 0.5 * (m + m / (m + 1)));
    return detail::with_sign_of(x, value);
  } else {
    return detail::chain(
        x, [](const auto& a) { return sinh(a); },
        [](const auto& a, const auto&) { return cosh(a); });
  }
}

/// (e^x + e^-x) / 2
template <Scalar X>
X cosh(const X& x) {
  if constexpr (is_lane<X>) {
    const X h = exp(0.5 * abs(x));  // its square may be twice the largest number
    return 0.5 * h * h + 0.5 / h / h;
  } else {
    return detail::chain(
        x, [](const auto& a) { return cosh(a); },
        [](const auto& a, const auto&) { return sinh(a); });
  }
}

/// The inverse of sinh
template <Scalar X>
X asinh(const X& x) {
  if constexpr (is_lane<X>) {
    const X size = abs(x), s = size * size;
    const X near = log1p(size + s / (1 + sqrt(1 + s)));
    return detail::with_sign_of(
        x, where(s > detail::huge_square<X>, log(size) + std::numbers::ln2, near));
  } else {
    return detail::chain(
        x, [](const auto& a) { return asinh(a); },
        [](const auto& a, const auto&) { return 1.0 / hypot(1.0, a); });
  }
}

/// The inverse of cosh for x >= 0
template <Scalar X>
X acosh(const X& x) {
  if constexpr (is_lane<X>) {
    const X above = x - 1, s = x * x;
    const X near = log1p(above + sqrt(above * (x + 1)));
    const X value = where(s > detail::huge_square<X>, log(x) + std::numbers::ln2, near);
    return where(x < 1, std::numeric_limits<double>::quiet_NaN(), value);
  } else {
    return detail::chain(
        x, [](const auto& a) { return acosh(a); },
        [](const auto& a, const auto&) { return 1.0 / (sqrt(a - 1.0) * sqrt(a + 1.0)); });
  }
}

/// The inverse of tanh
template <Scalar X>
X atanh(const X& x) {
  if constexpr (is_lane<X>) {
    const X size = abs(x);
    return detail::with_sign_of(x, 0.5 * log1p(2 * size / (1 - size)));
  } else {
    return detail::chain(
        x, [](const auto& a) { return atanh(a); },
        [](const auto& a, const auto&) { return 1.0 / ((1.0 - a) * (1.0 + a)); });
  }
}

}  // namespace xtape
