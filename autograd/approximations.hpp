// Values of elementary functions on registers of float32. They do the least that a whole register
// needs, without branches and nearly without selections, so they are faster than xsimd's, and they
// hold everywhere, also where numbers are subnormal; NaN stays NaN. Measured against double
// precision they are off by at most so many units in the last place, whatever the instruction set:
//
//   exp 1.2   expm1 1.7   log 1.2   logit 1.5   log1p 1.7   softplus 2.4   sigmoid 3.0   tanh 2.0
//   tanhshrink 3.5   sech^2 5.4   erf 1.4   erfc 7.6   e^(-x^2) 1.3
//
// The polynomials are minimax fits of the relative error, made by Remez's exchange in 40 digits;
// the comment beside each says how far it is off.
#pragma once

#include <numbers>
#include <xtape/autograd/lane.hpp>

namespace xtape::detail {

template <class X>
inline constexpr bool single_lane = false;
template <class A>
inline constexpr bool single_lane<Lane<xsimd::batch<float, A>>> = true;
/// Lanes of a register of float32.
template <class X>
concept SingleLane = single_lane<X>;

/// Whether fused() rounds once.
#if defined(__FMA__) || XSIMD_WITH_AVX512F
inline constexpr bool rounds_once = true;
#else
inline constexpr bool rounds_once = false;
#endif

/// a b + c, in one instruction where there is one; that of AVX-512 is not in xsimd 8.1.
template <SingleLane X>
X fused(const X& a, const X& b, const X& c) {
#if XSIMD_WITH_AVX512F
  if constexpr (X::Traits::width == 16) return X(_mm512_fmadd_ps(a.v, b.v, c.v));
#endif
  return X(xsimd::fma(a.v, b.v, c.v));
}
/// c - a b
template <SingleLane X>
X fused_less(const X& a, const X& b, const X& c) {
#if XSIMD_WITH_AVX512F
  if constexpr (X::Traits::width == 16) return X(_mm512_fnmadd_ps(a.v, b.v, c.v));
#endif
  return X(xsimd::fnma(a.v, b.v, c.v));
}

/// first + x (second + x (third + ...))
template <SingleLane X, class... C>
X polynomial(const X& x, double first, C... rest) {
  if constexpr (sizeof...(C) == 0) return X(first);
  else return fused(polynomial(x, rest...), x, X(first));
}

/// The smaller and the larger of a bound and x; NaN if x is, because it comes second.
template <SingleLane X>
X at_most(double bound, const X& x) {
  return X(xsimd::min(X(bound).v, x.v));
}
template <SingleLane X>
X at_least(double bound, const X& x) {
  return X(xsimd::max(X(bound).v, x.v));
}

template <SingleLane X>
X magnitude(const X& x) {
  return X(xsimd::abs(x.v));
}
template <SingleLane X>
X minus_magnitude(const X& x) {
  return X(x.v | X(-0.0).v);
}
/// A size that is not negative with the sign of x.
template <SingleLane X>
X signed_as(const X& x, const X& size) {
  return X(size.v | (x.v & X(-0.0).v));
}

template <SingleLane X>
using Bits = xsimd::batch<std::int32_t, typename decltype(X::v)::arch_type>;
template <SingleLane X>
Bits<X> bits_of(const X& x) {
  return xsimd::bitwise_cast<Bits<X>>(x.v);
}
/// The power of two whose exponent, plus 127, is in the lowest bits.
template <SingleLane X>
X power_of_two(const Bits<X>& exponent) {
  return X(xsimd::bitwise_cast<decltype(X::v)>(exponent << 23));
}

// ln(2) in two parts, the first so short that its product with an exponent is exact.
inline constexpr double ln2_first = 0x1.62ep-1, ln2_rest = std::numbers::ln2 - ln2_first;
// A number that has, beside 2^23, no room for fractions. The lowest bits of its sum with an
// exponent are that exponent plus 127.
inline constexpr double halving_shift = 0x1.8p23 + 127;

#if XSIMD_WITH_AVX512F
// 2^(i / 16)
alignas(64) inline constexpr float sixteenths[16] = {
    1,           1.04427373f, 1.09050775f, 1.13878858f, 1.18920708f, 1.24185777f,
    1.29683959f, 1.35425556f, 1.41421354f, 1.47682619f, 1.54221082f, 1.61049032f,
    1.68179286f, 1.75625217f, 1.8340081f,  1.91520655f};
#endif

/// p 2^k, where `shifted` is k + halving_shift; in two steps, as neither 2^128 nor 2^-150 is a
/// number.
template <SingleLane X>
X times_power(const X& p, const X& shifted) {
  const Bits<X> exponent = bits_of(shifted) - bits_of(X(0x1.8p23)), half = exponent >> 1;
  return p * power_of_two<X>(half + Bits<X>(64)) * power_of_two<X>(exponent - half + Bits<X>(63));
}

/// e^x, which is 2^whole e^rest, where rest(whole) gives the rest, for x from -105, where it is 0,
/// to 89, where it is infinite.
template <SingleLane X, class Rest>
X exp_of_parts(const X& x, Rest rest) {
#if XSIMD_WITH_AVX512F
  if constexpr (X::Traits::width == 16) {
    const X shift = 0x1.8p19;  // for sixteenths; the lowest four bits say which
    const X shifted = fused(x, X(std::numbers::log2e), shift), whole = shifted - shift;
    const X r = rest(whole), q = fused(r, X(0.166667119), X(0.500016093));  // 1.7e-9
    const X power(
        _mm512_permutexvar_ps(_mm512_castps_si512(shifted.v), _mm512_load_ps(sixteenths)));
    const X p = fused(power, fused(r * r, q, r), power);
    return X(_mm512_scalef_ps(p.v, whole.v));  // by the integer below
  }
#endif
  const X shifted = fused(x, X(std::numbers::log2e), X(halving_shift));
  const X p = polynomial(rest(shifted - halving_shift), 1, 1, 0.49999994, 0.166665211, 0.0416683853,
                         0.00836871006, 0.00138147245);  // 3.1e-9
  return times_power(p, shifted);
}
template <SingleLane X>
X bounded_exp(const X& x) {
  return exp_of_parts(x, [&](const X& whole) {
    return fused_less(whole, X(ln2_rest), fused_less(whole, X(ln2_first), x));
  });
}
template <SingleLane X>
X single_exp(const X& x) {
  return bounded_exp(at_most(89, at_least(-105, x)));
}
/// e^x for x <= 0. Shorter registers have the power of two in one step: 2^25 of it, which is always
/// a number, and the polynomial the other 2^-25.
template <SingleLane X>
X decay(const X& x) {
  const X bounded = at_least(-105, x);
  if constexpr (X::Traits::width == 16) {
    return bounded_exp(bounded);
  } else {
    constexpr double shift = halving_shift + 25, c = 0x1p-25;
    const X shifted = fused(bounded, X(std::numbers::log2e), X(shift)), whole = shifted - shift;
    const X r = fused_less(whole, X(ln2_rest), fused_less(whole, X(ln2_first), bounded));
    const X p = polynomial(r, c, c, 0.49999994 * c, 0.166665211 * c, 0.0416683853 * c,
                           0.00836871006 * c, 0.00138147245 * c);  // 3.1e-9
    return p * power_of_two<X>(bits_of(shifted));
  }
}

/// e^(-x^2 / divisor) for 0 <= x <= 14.5 and a divisor of 1 or 2. The square is not rounded: in the
/// tail that would be seen.
template <int divisor, SingleLane X>
X single_bell(const X& x) {
  const X share = divisor == 1 ? x : 0.5 * x;
  return exp_of_parts(-(share * x), [&](const X& whole) {
    const X first = whole * -ln2_first;
    X rest;
    if constexpr (rounds_once) {
      rest = fused_less(share, x, first);
    } else {  // with a part of so few bits that its square is exact
      const X part(xsimd::bitwise_cast<decltype(X::v)>(bits_of(x) & Bits<X>(-4096)));
      const X half = 1.0 / divisor;
      rest = fused_less(half * part, part, first) - half * (x - part) * (x + part);
    }
    return fused_less(whole, X(ln2_rest), rest);
  });
}
/// |x|, or a number of which e^(-x^2 / divisor) is 0, too.
template <int divisor, SingleLane X>
X bell_size(const X& x) {
  return at_most(divisor == 1 ? 10.2 : 14.45, magnitude(x));
}

/// e^r - 1 for |r| <= ln(2) / 2.
template <SingleLane X>
X short_expm1(const X& r) {
  const X q = polynomial(r, 0.5, 0.166665435, 0.0416662842, 0.00836654846, 0.00139463786);
  return fused(r * r, q, r);  // 1.4e-8
}
/// x as k ln(2) + r: k + halving_shift, and e^r - 1.
template <SingleLane X>
struct Expm1Parts {
  X shifted, p;
  explicit Expm1Parts(const X& x) {
    const X bounded = at_most(89, at_least(-105, x));
    shifted = fused(bounded, X(std::numbers::log2e), X(halving_shift));
    const X whole = shifted - halving_shift;
    p = short_expm1(fused_less(whole, X(ln2_rest), fused_less(whole, X(ln2_first), bounded)));
  }
};
template <SingleLane X>
X single_expm1(const X& x) {
  const Expm1Parts<X> of(x);
  // 2^k e^r - 1 = 2^k (e^r - 1) + (2^k - 1), of which half is computed, as 2^128 is not a number;
  // -1 + 2^-30 is -1
  const X s = power_of_two<X>(bits_of(at_least(halving_shift - 30, of.shifted)) - Bits<X>(1));
  const X half = fused(s, of.p, s - 0.5);
  return signed_as(x, where(of.shifted == halving_shift, of.p, half + half));
}
/// e^x beside e^x - 1, with which it shares nearly all; registers of 64 bytes have it sooner alone.
template <SingleLane X>
X exp_beside_expm1(const X& x) {
  if constexpr (X::Traits::width == 16) {
    return single_exp(x);
  } else {
    const Expm1Parts<X> of(x);
    return times_power(1 + of.p, of.shifted);
  }
}

/// log(1 + x) for x from 0 to 1.
template <SingleLane X>
X short_log1p(const X& x) {
  const X q = polynomial(x, -0.499999344, 0.33330512, -0.249585852, 0.196953893, -0.153553709,
                         0.106805213, -0.0576641671, 0.0202044621, -0.00331844972);
  return fused(x * x, q, x);  // 2.2e-8
}

#if XSIMD_WITH_AVX512F
/// The logarithm, which is k ln(2) + log(m), with m from 0.75 to 1.5.
template <SingleLane X>
X single_log(const X& x) {
  const X m(_mm512_getmant_ps(x.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan)), f = m - 1;
  const X k = X(_mm512_getexp_ps(x.v)) - X(_mm512_getexp_ps(m.v));  // of 0 it is -infinity
  const X q = polynomial(f, -0.500000596, 0.333335459, -0.249935314, 0.199771971, -0.168216988,
                         0.149818495, -0.120700225, 0.0541872196);  // 3.6e-8
  return fused(k, X(ln2_first), fused(k, X(ln2_rest), fused(f * f, q, f)));
}
#endif

/// log((1 + x) / (1 - x)) for |x| <= 1/2.
template <SingleLane X>
X short_logit(const X& x) {
  const X q = polynomial(X(x * x), -3.63729953e-08, 0.666678071, 0.399484098, 0.294126868,
                         0.16187191, 0.367872536);
  return fused(x, q, x + x);  // 2.2e-8
}

/// log(1 + e^x)
template <SingleLane X>
X single_softplus(const X& x) {
  return at_least(0, x) + short_log1p(decay(minus_magnitude(x)));
}

/// 1 / (1 + e^-x)
template <SingleLane X>
X single_sigmoid(const X& x) {
  const X e = decay(minus_magnitude(x));
  return where(x < 0, e, 1) / (1 + e);
}

/// (1 - e) / (1 + e) with e = e^(-2 |x|) = 2^k + 2^k (e^r - 1).
template <SingleLane X>
X single_tanh(const X& x) {
  const X half = minus_magnitude(x), a = at_least(-20, half + half);
  const X shifted = fused(a, X(std::numbers::log2e), X(halving_shift));
  const X p = short_expm1(fused_less(shifted - halving_shift, X(std::numbers::ln2), a));
  const X s = power_of_two<X>(bits_of(shifted));
  return signed_as(x, fused_less(s, p, 1 - s) / fused(s, p, 1 + s));
}

/// (2 / (e^x + e^-x))^2
template <SingleLane X>
X single_sech_squared(const X& x) {
  const X half = minus_magnitude(x), e = decay(half + half), r = 2 / (1 + e);
  return e * r * r;
}

/// x - tanh(x), far out |x| - 1 + 2 e / (1 + e) with e = e^(-2 |x|).
template <SingleLane X>
X single_tanhshrink(const X& x) {
  const X square = x * x, half = minus_magnitude(x), e = decay(half + half);
  const X near = polynomial(square, 0.333333343, -0.133333102, 0.0539634228, -0.0218295846,
                            0.00869795121, -0.00320695364, 0.000923609186, -0.000142823934);
  const X far = (e + e) / (1 + e) - (half + 1);
  return where(square < 1, x * square * near, signed_as(x, far));  // 5.3e-9
}

/// The error function: x + x p(x^2), and from 0.9 on 1 - e^(-x q(x)).
template <SingleLane X>
X single_erf(const X& x) {
  const X size = at_most(4, magnitude(x));
  const X near = polynomial(X(x * x), 0.128379166, -0.376125246, 0.112821408, -0.0267789103,
                            0.00501196412, -0.000609036826);  // 2.2e-8
  const X far = polynomial(size, -1.12851989, -0.635699391, -0.105286837, 0.0229060184,
                           -0.0032199705, 0.000214594285);  // 3.1e-9
  return where(size < 0.9, fused(x, near, x), signed_as(x, 1 - bounded_exp(size * far)));
}

/// 1 / (k + x) for x >= 0, although the sum is rounded.
template <SingleLane X>
X reciprocal_of_sum(double k, const X& x) {
  const X d = k + x;
#if XSIMD_WITH_AVX512F
  if constexpr (X::Traits::width == 16) {  // an estimate and one step of Newton's method
    const X r(_mm512_rcp14_ps(d.v));
    return fused(r, fused_less(r, x, fused_less(r, X(k), X(1))), r);
  }
#endif
  const X r = 1 / d, lost = x - (d - k);
  return fused_less(r * r, lost, r);
}

/// 1 - erf(x), for x >= 0 as e^(-x^2) p(1 / (k + x)).
template <SingleLane X>
X single_erfc(const X& x) {
  const X size = bell_size<1>(x), t = reciprocal_of_sum(2.71875, size);
  const X p = polynomial(t, -1.40512075e-05, 0.565160275, 1.50461507, 4.39508533, 3.46814632,
                         59.1216125, -161.003433, 636.256348, -1015.5097, 549.945435);  // 1.4e-8
  const X tail = single_bell<1>(size) * p;
  return where(x < 0, 2 - tail, tail);
}

/// The share of the normal distribution below x, for x <= 0 as e^(-x^2 / 2) p(1 / (k - x)).
template <SingleLane X>
X single_ndtr(const X& x) {
  const X size = bell_size<2>(x), t = reciprocal_of_sum(3.75, size);
  const X p = polynomial(t, 1.06336017e-06, 0.398923218, 1.49344695, 5.35225105, 13.2358208,
                         91.1019745, -263.184906, 2060.49756, -5347.92627, 4392.45801);  // 1.4e-8
  const X tail = single_bell<2>(size) * p;
  return where(x > 0, 1 - tail, tail);
}

}  // namespace xtape::detail
