// Functions of tensors, element by element. Integers are taken as float32.
#pragma once

#include <xtape/ops/arithmetic.hpp>

namespace xtape {

namespace formulas {

inline const auto exp = detail::function_keeping<Entry::Kind::function, Keeps::result>(
    {.name = "exp", .about = "the exponential", .formula = "exp(x)"},
    [](auto x) { return xtape::exp(x); });
inline const auto exp2 = detail::function_keeping<Entry::Kind::function, Keeps::result>(
    {.name = "exp2", .about = "two to the power x", .formula = "exp2(x)"},
    [](auto x) { return xtape::exp2(x); });
inline const auto expm1 =
    detail::function({.name = "expm1", .about = "e^x - 1, accurate near 0", .formula = "expm1(x)"},
                     [](auto x) { return xtape::expm1(x); });
inline const auto log = detail::function(
    {.name = "log", .about = "the natural logarithm", .formula = "log(x)", .low = 0.05},
    [](auto x) { return xtape::log(x); });
inline const auto log2 = detail::function(
    {.name = "log2", .about = "the logarithm to base 2", .formula = "log2(x)", .low = 0.05},
    [](auto x) { return xtape::log2(x); });
inline const auto log10 = detail::function(
    {.name = "log10", .about = "the logarithm to base 10", .formula = "log10(x)", .low = 0.05},
    [](auto x) { return xtape::log10(x); });
inline const auto log1p = detail::function(
    {.name = "log1p", .about = "log(1 + x), accurate near 0", .formula = "log1p(x)", .low = -0.9},
    [](auto x) { return xtape::log1p(x); });
inline const auto sqrt = detail::function_keeping<Entry::Kind::function, Keeps::result>(
    {.name = "sqrt", .about = "the square root", .formula = "sqrt(x)", .low = 0.05},
    [](auto x) { return xtape::sqrt(x); });
inline const auto rsqrt = detail::function(
    {.name = "rsqrt", .about = "one over the square root", .formula = "1 / sqrt(x)", .low = 0.05},
    [](auto x) { return 1 / xtape::sqrt(x); });
inline const auto reciprocal =
    detail::function({.name = "reciprocal", .about = "one over x", .formula = "1 / x", .low = 0.5},
                     [](auto x) { return 1 / x; });
inline const auto square = detail::arithmetic(
    {.name = "square", .about = "the square", .formula = "x * x"}, [](auto x) { return x * x; });
inline const auto tanh = detail::function_keeping<Entry::Kind::activation, Keeps::slope>(
    {.name = "tanh", .about = "the hyperbolic tangent", .formula = "tanh(x)"},
    [](auto x) { return xtape::tanh(x); });
inline const auto sigmoid = detail::function_keeping<Entry::Kind::activation, Keeps::result>(
    {.name = "sigmoid", .about = "the logistic function", .formula = "1 / (1 + exp(-x))"},
    [](auto x) { return xtape::sigmoid(x); });
inline const auto softplus = detail::function_keeping<Entry::Kind::activation, Keeps::slope>(
    {.name = "softplus",
     .about = "a smooth relu; exactly x where beta x exceeds a threshold",
     .formula = "beta * x > threshold ? x : x > 0 ? x + log1p(exp(-beta * x)) / beta : "
                "log1p(exp(beta * x)) / beta",
     .source = "Dugas et al. 2001"},
    [](auto x, auto beta, auto threshold) {
      return where(beta * x > threshold, x, xtape::softplus(beta * x) / beta);
    },
    Parameter{"beta", 1, 0.6}, Parameter{"threshold", 20, 4});
inline const auto erf =
    detail::function({.name = "erf", .about = "the error function", .formula = "erf(x)"},
                     [](auto x) { return xtape::erf(x); });
inline const auto erfc = detail::function(
    {.name = "erfc", .about = "1 - erf(x), accurate in the tail", .formula = "erfc(x)"},
    [](auto x) { return xtape::erfc(x); });
inline const auto pow = detail::function(
    {.name = "pow", .about = "a to the power b", .formula = "pow(x, y)", .low = 0.1},
    [](auto a, auto b) { return xtape::pow(a, b); });

inline const auto exp_difference = detail::function(
    {.name = "exp_difference",
     .about = "exp(a - b), the term of a stable softmax",
     .formula = "exp(x - y)"},
    detail::by_rows<0b10, Into::one, 0b01>([](auto a, auto b) { return xtape::exp(a - b); }));
inline const auto log_scaled = detail::function(
    {.name = "log_scaled",
     .about = "log(a e^b), the last step of logsumexp; slope 0 where a is 0",
     .formula = "x == 0 ? log(x) : log(x) + y",
     .low = 0.05},
    [](auto a, auto b) {
      return where(a == 0, -std::numeric_limits<double>::infinity(), xtape::log(a) + b);
    });

inline const auto finite_or_zero = detail::function({.name = "finite_or_zero",
                                                     .about = "x, or 0 if it is infinite or NaN",
                                                     .formula = "x - x < 1 ? x : 0"},
                                                    [](auto x) { return where(x - x == 0, x, 0); });

}  // namespace formulas

inline Tensor exp(const Arg& x) { return formulas::exp(x); }
/// 2^x
inline Tensor exp2(const Arg& x) { return formulas::exp2(x); }
/// e^x - 1, accurate near 0.
inline Tensor expm1(const Arg& x) { return formulas::expm1(x); }
/// The natural logarithm.
inline Tensor log(const Arg& x) { return formulas::log(x); }
/// The logarithm to base 2.
inline Tensor log2(const Arg& x) { return formulas::log2(x); }
/// The logarithm to base 10.
inline Tensor log10(const Arg& x) { return formulas::log10(x); }
/// log(1 + x), accurate near 0.
inline Tensor log1p(const Arg& x) { return formulas::log1p(x); }
inline Tensor sqrt(const Arg& x) { return formulas::sqrt(x); }
/// 1 / sqrt(x)
inline Tensor rsqrt(const Arg& x) { return formulas::rsqrt(x); }
/// 1 / x
inline Tensor reciprocal(const Arg& x) { return formulas::reciprocal(x); }
inline Tensor square(const Arg& x) { return formulas::square(x); }
inline Tensor tanh(const Arg& x) { return formulas::tanh(x); }
/// 1 / (1 + e^-x), without overflow.
inline Tensor sigmoid(const Arg& x) { return formulas::sigmoid(x); }
/// log(1 + e^(beta x)) / beta without overflow; exactly x, with slope 1, where beta x > threshold.
inline Tensor softplus(const Arg& x, const Arg& beta = 1, const Arg& threshold = 20) {
  return formulas::softplus(x, beta, threshold);
}
/// The error function.
inline Tensor erf(const Arg& x) { return formulas::erf(x); }
/// 1 - erf(x), accurate in the tail.
inline Tensor erfc(const Arg& x) { return formulas::erfc(x); }
/// a^b. d/da = b a^(b-1), 0 where b is 0; d/db = a^b log(a), 0 where a is 0 and b >= 0. Integers
/// give integers, where negative exponents round towards 0. Throws ValueError for a number as
/// negative exponent of integers.
Tensor pow(const Arg& a, const Arg& b);

}  // namespace xtape
