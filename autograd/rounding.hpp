// Scalar functions with steps: rounding, signs and remainders. What is constant between its steps
// has the slope zero, that is, none.
#pragma once

#include <xtape/autograd/dual.hpp>

namespace xtape {

/// -1, 0 or 1; NaN stays NaN.
template <Scalar X>
auto sign(const X& x) {
  if constexpr (is_lane<X>) return where(x > 0, X(1), where(x < 0, X(-1), where(x == 0, X(0), x)));
  else return sign(x.value);
}

/// Whether the sign is minus, also that of zero and NaN.
template <Scalar X>
auto signbit(const X& x) {
  if constexpr (!is_lane<X>) {
    return signbit(x.value);
  } else if constexpr (std::is_integral_v<typename X::Element>) {
    return x < 0;
  } else {
    using std::copysign;
    return X(copysign(X(1).v, x.v)) < 0;
  }
}

namespace detail {

/// x rounded. Where a processor cannot round (SSE before 4.1), xsimd's functions make 0 of -0.
template <class X>
X rounded(const X& x, const X& result) {
#if defined(__SSE2__) && !defined(__SSE4_1__)
  using std::copysign;
  return X(copysign(result.v, x.v));
#else
  static_cast<void>(x);
  return result;
#endif
}

}  // namespace detail

/// The largest whole number that is not larger
template <Scalar X>
auto floor(const X& x) {
  if constexpr (!is_lane<X>) {
    return floor(x.value);
  } else if constexpr (std::is_integral_v<typename X::Element>) {
    return x;
  } else {
    using std::floor;
    return detail::rounded(x, X(floor(x.v)));
  }
}

/// The smallest whole number that is not smaller
template <Scalar X>
auto ceil(const X& x) {
  if constexpr (!is_lane<X>) {
    return ceil(x.value);
  } else if constexpr (std::is_integral_v<typename X::Element>) {
    return x;
  } else {
    using std::ceil;
    return detail::rounded(x, X(ceil(x.v)));
  }
}

/// The nearest whole number, the even one of two
template <Scalar X>
auto round(const X& x) {
  if constexpr (!is_lane<X>) {
    return round(x.value);
  } else if constexpr (std::is_integral_v<typename X::Element>) {
    return x;
  } else {
    using std::nearbyint;
    return detail::rounded(x, X(nearbyint(x.v)));
  }
}

/// The whole part, with the sign of x
template <Scalar X>
auto trunc(const X& x) {
  if constexpr (!is_lane<X>) {
    return trunc(x.value);
  } else if constexpr (std::is_integral_v<typename X::Element>) {
    return x;
  } else {
    using std::trunc;
    return detail::rounded(x, X(trunc(x.v)));
  }
}

/// What remains of x after trunc(x / y) times y, exactly; it has the sign of x.
template <class X, class Y>
requires(Scalar<X> || Scalar<Y>) auto fmod(const X& x, const Y& y) {
  if constexpr (!DualNumber<X> && !DualNumber<Y>) {
    using L = std::conditional_t<is_lane<X>, X, Y>;
    return detail::by_elements([](auto a, auto b) { return std::fmod(a, b); }, L(x), L(y));
  } else {
    const auto& like = detail::value_of(detail::dual_of(x, y));
    const auto a = detail::lift(like, x), b = detail::lift(like, y);
    return detail::chain2(
        fmod(a, b), x, y, [&] { return detail::lift(like, 1); }, [&] { return -trunc(a / b); });
  }
}

}  // namespace xtape
