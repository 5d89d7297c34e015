// The scalar functions that formulas are made of, each with its value on lanes and, where it is not
// a formula itself, its derivative: the one place where derivatives of functions are written down.
// A function whose derivative follows from a formula (min, cosine of something, ...) is a formula.
// Further ones are beside it: rounding.hpp, trigonometry.hpp, special.hpp.
#pragma once

#include <limits>
#include <xtape/autograd/approximations.hpp>
#include <xtape/autograd/rounding.hpp>

namespace xtape {

/// x as a given number, without its slopes.
template <Scalar X>
auto detach(const X& x) {
  if constexpr (is_lane<X>) return x;
  else if constexpr (is_lane<decltype(x.value)>) return x.value;
  else return x.value.detach();
}

// Functions with a derivative. In the second argument of chain, a is the argument and y = f(a).

/// |x|, slope 0 at 0.
template <Scalar X>
X abs(const X& x) {
  if constexpr (is_lane<X>) {
    using std::abs;
    return X(abs(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return abs(a); },
        [](const auto& a, const auto&) { return sign(a); });
  }
}

/// e^x
template <Scalar X>
auto exp(const X& x) {
  if constexpr (detail::single_lane<X>) {
    return detail::single_exp(x);
  } else if constexpr (is_lane<X>) {
    using std::exp;
    return X(exp(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return exp(a); }, [](const auto&, const auto& y) { return y; });
  }
}

/// 2^x
template <Scalar X>
auto exp2(const X& x) {
  if constexpr (is_lane<X>) {
    using std::exp2;
    return X(exp2(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return exp2(a); },
        [](const auto&, const auto& y) { return std::numbers::ln2 * y; });
  }
}

/// e^x - 1, accurate near 0
template <Scalar X>
X expm1(const X& x) {
  if constexpr (detail::single_lane<X>) {
    return detail::single_expm1(x);
  } else if constexpr (is_lane<X>) {
    using std::expm1;
    return where(x == 0, x, X(expm1(x.v)));  // xsimd's makes 0 of -0
  } else {
    return detail::chain(
        x, [](const auto& a) { return expm1(a); },
        [](const auto& a, const auto&) {
          if constexpr (detail::single_lane<std::decay_t<decltype(a)>>)
            return detail::exp_beside_expm1(a);
          else return exp(a);
        });
  }
}

/// The natural logarithm
template <Scalar X>
X log(const X& x) {
  if constexpr (is_lane<X>) {
#if XSIMD_WITH_AVX512F
    if constexpr (detail::single_lane<X>) return detail::single_log(x);
#endif
    using std::log;
    // xsimd's is wrong for subnormal numbers: take the logarithm of x 2^64 there
    const auto tiny = x < std::numeric_limits<typename X::Element>::min();
    const X normal = where(tiny, x * 0x1p64, x);
    return X(log(normal.v)) - where(tiny, X(64 * std::numbers::ln2), X(0));
  } else {
    return detail::chain(
        x, [](const auto& a) { return log(a); },
        [](const auto& a, const auto&) { return 1.0 / a; });
  }
}

/// The logarithm to base 2
template <Scalar X>
X log2(const X& x) {
  if constexpr (is_lane<X>) {
    using std::log2;
    const auto tiny = x < std::numeric_limits<typename X::Element>::min();  // as in log
    const X normal = where(tiny, x * 0x1p64, x);
    return X(log2(normal.v)) - where(tiny, X(64), X(0));
  } else {
    return detail::chain(
        x, [](const auto& a) { return log2(a); },
        [](const auto& a, const auto&) { return std::numbers::log2e / a; });
  }
}

/// The logarithm to base 10
template <Scalar X>
X log10(const X& x) {
  if constexpr (is_lane<X>) {
    using std::log10;
    const auto tiny = x < std::numeric_limits<typename X::Element>::min();  // as in log
    const X normal = where(tiny, x * 0x1p64, x);
    return X(log10(normal.v)) - where(tiny, X(64 * std::numbers::ln2 / std::numbers::ln10), X(0));
  } else {
    return detail::chain(
        x, [](const auto& a) { return log10(a); },
        [](const auto& a, const auto&) { return std::numbers::log10e / a; });
  }
}

/// log(1 + x), accurate near 0
template <Scalar X>
X log1p(const X& x) {
  if constexpr (is_lane<X>) {
    using std::log1p;
    return where(x == 0, x, X(log1p(x.v)));  // xsimd's makes 0 of -0
  } else {
    return detail::chain(
        x, [](const auto& a) { return log1p(a); },
        [](const auto& a, const auto&) { return 1.0 / (1.0 + a); });
  }
}

/// The square root
template <Scalar X>
auto sqrt(const X& x) {
  if constexpr (is_lane<X>) {
    using std::sqrt;
    return X(sqrt(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return sqrt(a); },
        [](const auto&, const auto& y) { return 0.5 / y; });
  }
}

namespace detail {

/// The square of 2 / (e^x + e^-x), the slope of the hyperbolic tangent: 1 - tanh(x)^2 has no digits
/// left far out
template <class X>
X sech_squared(const X& x) {
  if constexpr (single_lane<X>) {
    return single_sech_squared(x);
  } else {
    const auto e = exp(x);
    const auto r = 2.0 / (e + 1.0 / e);
    return r * r;
  }
}

/// e^(-x^2 / divisor)
template <int divisor, class X>
X bell(const X& x) {
  if constexpr (single_lane<X>) return single_bell<divisor>(bell_size<divisor>(x));
  else return exp(-(x * x) * (1.0 / divisor));
}

}  // namespace detail

/// The hyperbolic tangent
template <Scalar X>
auto tanh(const X& x) {
  if constexpr (detail::single_lane<X>) {
    return detail::single_tanh(x);
  } else if constexpr (is_lane<X>) {
    using std::tanh;
    return X(tanh(x.v));
  } else {
    return detail::chain(
        x, [](const auto& a) { return tanh(a); },
        [](const auto& a, const auto&) { return detail::sech_squared(a); });
  }
}

namespace detail {

/// x - tanh(x), near 0 as (x cosh(x) - sinh(x)) / cosh(x) with the series of the difference.
template <class X>
X less_tanh(const X& x) {
  if constexpr (single_lane<X>) {
    return single_tanhshrink(x);
  } else {
    const X s = x * x, e = exp(x);
    X series = 1.0 + s * (10.0 / (9 * 20 * 21));
    series = 1.0 + s * (9.0 / (8 * 18 * 19)) * series;
    series = 1.0 + s * (8.0 / (7 * 16 * 17)) * series;
    series = 1.0 + s * (7.0 / (6 * 14 * 15)) * series;
    series = 1.0 + s * (6.0 / (5 * 12 * 13)) * series;
    series = 1.0 + s * (5.0 / (4 * 10 * 11)) * series;
    series = 1.0 + s * (4.0 / (3 * 8 * 9)) * series;
    series = 1.0 + s * (3.0 / (2 * 6 * 7)) * series;
    series = 1.0 + s * (2.0 / (4 * 5)) * series;
    return where(s < 1.0, x * s * series * (2.0 / 3) / (e + 1.0 / e), x - tanh(x));
  }
}

}  // namespace detail

/// x - tanh(x), accurate near 0
template <Scalar X>
X less_tanh(const X& x) {
  if constexpr (is_lane<X>) {
    return detail::less_tanh(x);
  } else {
    return detail::chain(
        x, [](const auto& a) { return detail::less_tanh(a); },
        [](const auto& a, const auto&) {
          const auto t = tanh(a);
          return t * t;
        });
  }
}

/// 1 / (1 + e^-x), computed from e^-|x| so that nothing overflows
template <Scalar X>
auto sigmoid(const X& x) {
  if constexpr (detail::single_lane<X>) {
    return detail::single_sigmoid(x);
  } else if constexpr (is_lane<X>) {
    const X e = exp(-abs(x)), r = 1 / (1 + e);
    return where(x < 0, e * r, r);
  } else {
    return detail::chain(
        x, [](const auto& a) { return sigmoid(a); },
        [](const auto&, const auto& y) { return y * (1.0 - y); });
  }
}

/// log(x / (1 - x)), the inverse of the sigmoid, near 1/2 computed as log(1 + (2x - 1) / (1 - x))
template <Scalar X>
X logit(const X& x) {
  if constexpr (is_lane<X>) {
    const X twice = 2 * x - 1, rest = 1 - x;
    X near;
    if constexpr (detail::single_lane<X>) near = detail::short_logit(twice);
    else near = log1p(twice / rest);
    return where(abs(twice) < 0.5, near, log(x / rest));
  } else {
    return detail::chain(
        x, [](const auto& a) { return logit(a); },
        [](const auto& a, const auto&) { return 1.0 / (a * (1.0 - a)); });
  }
}

/// log(1 + e^x), computed from e^-|x| so that nothing overflows
template <Scalar X>
X softplus(const X& x) {
  if constexpr (detail::single_lane<X>) return detail::single_softplus(x);
  else if constexpr (is_lane<X>) return where(x > 0, x, 0) + log1p(exp(-abs(x)));
  else
    return detail::chain(
        x, [](const auto& a) { return softplus(a); },
        [](const auto& a, const auto&) { return sigmoid(a); });
}

/// The error function, 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x
template <Scalar X>
X erf(const X& x) {
  if constexpr (detail::single_lane<X>) {
    return detail::single_erf(x);
  } else if constexpr (is_lane<X>) {
    // in double precision xsimd's is off by 30 units in the last place, and NaN for huge numbers
    return detail::by_elements([](auto a) { return std::erf(a); }, x);
  } else {
    return detail::chain(
        x, [](const auto& a) { return erf(a); },
        [](const auto& a, const auto&) {
          return 2.0 * std::numbers::inv_sqrtpi * detail::bell<1>(a);
        });
  }
}

/// 1 - erf(x), accurate in the tail
template <Scalar X>
X erfc(const X& x) {
  if constexpr (detail::single_lane<X>) {
    return detail::single_erfc(x);
  } else if constexpr (is_lane<X>) {
    // in double precision xsimd's has a relative error of 4e-12
    return detail::by_elements([](auto a) { return std::erfc(a); }, x);
  } else {
    return detail::chain(
        x, [](const auto& a) { return erfc(a); },
        [](const auto& a, const auto&) {
          return -2.0 * std::numbers::inv_sqrtpi * detail::bell<1>(a);
        });
  }
}

// Functions of two arguments.

/// x^y; 1 where y is 0, as in C. d/dx = y x^(y-1), 0 where y is 0; d/dy = x^y log(x), 0 where x is
/// 0 and y >= 0.
template <class X, class Y>
requires(Scalar<X> || Scalar<Y>) auto pow(const X& x, const Y& y) {
  if constexpr (!DualNumber<X> && !DualNumber<Y>) {
    using L = std::conditional_t<is_lane<X>, X, Y>;
    using std::pow;
    const L a(x), b(y);
    const auto power = [](auto p, auto q) { return std::pow(p, q); };
    // in double precision xsimd's is off by 58 units in the last place
    if constexpr (std::is_same_v<typename L::Element, double>) {
      return detail::by_elements(power, a, b);
    } else {
      // xsimd's is for usual numbers: not 0, negative or subnormal, nor the power of a huge one,
      // and the further the result is from 1, the more it is off
      using Limits = std::numeric_limits<typename L::Element>;
      const L fast(pow(a.v, b.v));
      const auto usual = a >= Limits::min() && a <= Limits::max() && abs(b) < 1e4 &&
                         fast >= 0x1p-8 && fast <= 0x1p8;
      if (all(usual)) return fast;
      return where(usual, fast, detail::by_elements(power, a, b));
    }
  } else {
    const auto& like = detail::value_of(detail::dual_of(x, y));
    const auto a = detail::lift(like, x), b = detail::lift(like, y);
    const auto value = pow(a, b);
    return detail::chain2(
        value, x, y, [&] { return where(b == 0.0, 0.0, b * pow(a, b - 1.0)); },
        [&] { return where(a == 0.0, where(b >= 0.0, 0.0, value * log(a)), value * log(a)); });
  }
}

/// g * s, but 0 where g is 0 even if s is infinite or NaN: how the gradient g of a result meets the
/// slope s. An element that is masked out later thus cannot turn a gradient into NaN.
template <class G, class S>
requires(Scalar<G> || Scalar<S>) auto weigh(const G& g, const S& s) {
  if constexpr (!DualNumber<G> && !DualNumber<S>) {
    return where(g == 0, G(0), g * s);
  } else {
    const auto& like = detail::value_of(detail::dual_of(g, s));
    const auto a = detail::lift(like, g), b = detail::lift(like, s);
    return detail::chain2(
        weigh(a, b), g, s, [&] { return where(b - b == 0.0, b, where(a == 0.0, 0.0, b)); },
        [&] { return a; });
  }
}

/// The larger one; a tie shares the slope half and half; NaN wins.
template <class X, class Y>
requires(Scalar<X> || Scalar<Y>) auto maximum(const X& x, const Y& y) {
  if constexpr (!DualNumber<X> && !DualNumber<Y>) {
    using L = std::conditional_t<is_lane<X>, X, Y>;
    const L a(x), b(y);
    return where(a > b || a != a, a, b);
  } else {
    const auto& like = detail::value_of(detail::dual_of(x, y));
    const auto a = detail::lift(like, x), b = detail::lift(like, y);
    return detail::chain2(
        maximum(a, b), x, y, [&] { return where(a > b, 1.0, where(a < b, 0.0, 0.5)); },
        [&] { return where(a > b, 0.0, where(a < b, 1.0, 0.5)); });
  }
}

/// The smaller one; a tie shares the slope half and half; NaN wins.
template <class X, class Y>
requires(Scalar<X> || Scalar<Y>) auto minimum(const X& x, const Y& y) {
  if constexpr (!DualNumber<X> && !DualNumber<Y>) {
    using L = std::conditional_t<is_lane<X>, X, Y>;
    const L a(x), b(y);
    return where(a < b || a != a, a, b);
  } else {
    const auto& like = detail::value_of(detail::dual_of(x, y));
    const auto a = detail::lift(like, x), b = detail::lift(like, y);
    return detail::chain2(
        minimum(a, b), x, y, [&] { return where(a < b, 1.0, where(a > b, 0.0, 0.5)); },
        [&] { return where(a < b, 0.0, where(a > b, 1.0, 0.5)); });
  }
}

}  // namespace xtape
