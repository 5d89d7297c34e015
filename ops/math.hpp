// Functions of tensors, element by element. Integers are taken as float32.
#pragma once

#include <xtape/ops/arithmetic.hpp>

namespace xtape {

namespace formulas {

inline const auto exp =
    detail::function({.name = "exp", .about = "the exponential", .formula = "exp(x)"},
                     [](auto x) { return xtape::exp(x); });
inline const auto expm1 =
    detail::function({.name = "expm1", .about = "e^x - 1, accurate near 0", .formula = "expm1(x)"},
                     [](auto x) { return xtape::expm1(x); });
inline const auto log = detail::function(
    {.name = "log", .about = "the natural logarithm", .formula = "log(x)", .low = 0.05},
    [](auto x) { return xtape::log(x); });
inline const auto log1p = detail::function(
    {.name = "log1p", .about = "log(1 + x), accurate near 0", .formula = "log1p(x)", .low = -0.9},
    [](auto x) { return xtape::log1p(x); });
inline const auto sqrt = detail::function(
    {.name = "sqrt", .about = "the square root", .formula = "sqrt(x)", .low = 0.05},
    [](auto x) { return xtape::sqrt(x); });
inline const auto square = detail::arithmetic(
    {.name = "square", .about = "the square", .formula = "x * x"}, [](auto x) { return x * x; });
inline const auto sin = detail::function({.name = "sin", .about = "the sine", .formula = "sin(x)"},
                                         [](auto x) { return xtape::sin(x); });
inline const auto cos =
    detail::function({.name = "cos", .about = "the cosine", .formula = "cos(x)"},
                     [](auto x) { return xtape::cos(x); });
inline const auto tanh = builtin<detail::OpsKernels, Entry::Kind::activation>(
    {.name = "tanh", .about = "the hyperbolic tangent", .formula = "tanh(x)"},
    [](auto x) { return xtape::tanh(x); });
inline const auto sigmoid = builtin<detail::OpsKernels, Entry::Kind::activation>(
    {.name = "sigmoid", .about = "the logistic function", .formula = "1 / (1 + exp(-x))"},
    [](auto x) { return xtape::sigmoid(x); });
inline const auto softplus = builtin<detail::OpsKernels, Entry::Kind::activation>(
    {.name = "softplus",
     .about = "a smooth relu",
     .formula = "x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))",
     .source = "Dugas et al. 2001"},
    [](auto x) { return xtape::softplus(x); });
inline const auto erf =
    detail::function({.name = "erf", .about = "the error function", .formula = "erf(x)"},
                     [](auto x) { return xtape::erf(x); });
inline const auto erfc = detail::function(
    {.name = "erfc", .about = "1 - erf(x), accurate in the tail", .formula = "erfc(x)"},
    [](auto x) { return xtape::erfc(x); });
inline const auto pow = detail::function(
    {.name = "pow", .about = "a to the power b", .formula = "pow(x, y)", .low = 0.1},
    [](auto a, auto b) { return xtape::pow(a, b); });

inline const auto exp_difference =
    detail::function({.name = "exp_difference",
                      .about = "exp(a - b), the term of a stable softmax",
                      .formula = "exp(x - y)"},
                     [](auto a, auto b) { return xtape::exp(a - b); });
inline const auto log_scaled = detail::function(
    {.name = "log_scaled",
     .about = "log(a e^b), the last step of logsumexp; slope 0 where a is 0",
     .formula = "x == 0 ? log(x) : log(x) + y",
     .low = 0.05},
    [](auto a, auto b) {
      return where(a == 0, -std::numeric_limits<double>::infinity(), xtape::log(a) + b);
    });

}  // namespace formulas

inline Tensor exp(const Arg& x) { return formulas::exp(x); }
/// e^x - 1, accurate near 0.
inline Tensor expm1(const Arg& x) { return formulas::expm1(x); }
/// The natural logarithm.
inline Tensor log(const Arg& x) { return formulas::log(x); }
/// log(1 + x), accurate near 0.
inline Tensor log1p(const Arg& x) { return formulas::log1p(x); }
inline Tensor sqrt(const Arg& x) { return formulas::sqrt(x); }
inline Tensor square(const Arg& x) { return formulas::square(x); }
inline Tensor sin(const Arg& x) { return formulas::sin(x); }
inline Tensor cos(const Arg& x) { return formulas::cos(x); }
inline Tensor tanh(const Arg& x) { return formulas::tanh(x); }
/// 1 / (1 + e^-x), without overflow.
inline Tensor sigmoid(const Arg& x) { return formulas::sigmoid(x); }
/// log(1 + e^x), without overflow.
inline Tensor softplus(const Arg& x) { return formulas::softplus(x); }
/// The error function.
inline Tensor erf(const Arg& x) { return formulas::erf(x); }
/// 1 - erf(x), accurate in the tail.
inline Tensor erfc(const Arg& x) { return formulas::erfc(x); }
/// a^b. d/da = b a^(b-1), 0 where b is 0; d/db = a^b log(a), 0 where a is 0 and b >= 0.
inline Tensor pow(const Arg& a, const Arg& b) { return formulas::pow(a, b); }

}  // namespace xtape
