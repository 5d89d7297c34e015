// Arithmetic, comparisons and choices on tensors and numbers, with NumPy's broadcasting. Integers
// stay integers, except that / divides as float32, like PyTorch's. Everything here throws
// ShapeError if the shapes do not broadcast.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape {

/// The records of the operations that are functions for the user.
namespace formulas {

inline const auto add = detail::arithmetic({.name = "add", .about = "the sum", .formula = "x + y"},
                                           [](auto a, auto b) { return a + b; });
inline const auto sub =
    detail::arithmetic({.name = "sub", .about = "the difference", .formula = "x - y"},
                       [](auto a, auto b) { return a - b; });
inline const auto mul =
    detail::arithmetic({.name = "mul", .about = "the product", .formula = "x * y"},
                       [](auto a, auto b) { return a * b; });
inline const auto div =
    detail::function({.name = "div", .about = "the quotient", .formula = "x / y", .low = 0.5},
                     [](auto a, auto b) { return a / b; });
inline const auto neg = detail::arithmetic(
    {.name = "neg", .about = "the number with the opposite sign", .formula = "-x"},
    [](auto a) { return -a; });

inline const auto lt = detail::arithmetic({.name = "lt", .about = "whether a < b"},
                                          [](auto a, auto b) { return a < b; });
inline const auto le = detail::arithmetic({.name = "le", .about = "whether a <= b"},
                                          [](auto a, auto b) { return a <= b; });
inline const auto gt = detail::arithmetic({.name = "gt", .about = "whether a > b"},
                                          [](auto a, auto b) { return a > b; });
inline const auto ge = detail::arithmetic({.name = "ge", .about = "whether a >= b"},
                                          [](auto a, auto b) { return a >= b; });
inline const auto eq = detail::arithmetic({.name = "eq", .about = "whether a = b"},
                                          [](auto a, auto b) { return a == b; });
inline const auto ne = detail::arithmetic({.name = "ne", .about = "whether a and b differ"},
                                          [](auto a, auto b) { return a != b; });
inline const auto logical_and =
    detail::arithmetic({.name = "logical_and", .about = "whether neither is 0"},
                       [](auto a, auto b) { return a != 0 && b != 0; });
inline const auto logical_or =
    detail::arithmetic({.name = "logical_or", .about = "whether one is not 0"},
                       [](auto a, auto b) { return a != 0 || b != 0; });
inline const auto logical_xor =
    detail::arithmetic({.name = "logical_xor", .about = "whether just one is not 0"},
                       [](auto a, auto b) { return (a != 0 && b == 0) || (a == 0 && b != 0); });
inline const auto logical_not = detail::arithmetic(
    {.name = "logical_not", .about = "whether it is 0"}, [](auto a) { return a == 0; });

inline const auto select =
    detail::arithmetic({.name = "where",
                        .about = "a where the condition is not 0, b elsewhere",
                        .formula = "x != 0 ? y : z",
                        .kinks = "0"},
                       [](auto condition, auto a, auto b) { return where(condition != 0, a, b); });
inline const auto maximum =
    detail::arithmetic({.name = "maximum",
                        .about = "the larger one; NaN wins, a tie shares its gradient",
                        .formula = "x > y ? x : x < y ? y : (x + y) / 2",
                        .kinks = "y"},
                       [](auto a, auto b) { return xtape::maximum(a, b); });
inline const auto minimum =
    detail::arithmetic({.name = "minimum",
                        .about = "the smaller one; NaN wins, a tie shares its gradient",
                        .formula = "x < y ? x : x > y ? y : (x + y) / 2",
                        .kinks = "y"},
                       [](auto a, auto b) { return xtape::minimum(a, b); });
inline const auto fmax =
    detail::arithmetic({.name = "fmax",
                        .about = "the larger one; NaN loses, a tie is the first",
                        .formula = "x != x ? y : x < y ? y : x",
                        .kinks = "y"},
                       [](auto a, auto b) { return where(a >= b || b != b, a, b); });
inline const auto fmin =
    detail::arithmetic({.name = "fmin",
                        .about = "the smaller one; NaN loses, a tie is the first",
                        .formula = "x != x ? y : x > y ? y : x",
                        .kinks = "y"},
                       [](auto a, auto b) { return where(a <= b || b != b, a, b); });
inline const auto abs = detail::arithmetic(
    {.name = "abs", .about = "the magnitude; slope 0 at 0", .formula = "abs(x)", .kinks = "0"},
    [](auto a) { return xtape::abs(a); });
inline const auto sign = detail::arithmetic({.name = "sign",
                                             .about = "-1, 0 or 1; NaN stays NaN",
                                             .formula = "x > 0 ? 1 : x < 0 ? -1 : 0 * x",
                                             .kinks = "0"},
                                            [](auto a) { return xtape::sign(a); });
inline const auto weigh = detail::function({.name = "weigh",
                                            .about = "a * b, but 0 where a is 0 whatever b is",
                                            .formula = "x == 0 ? 0 : x * y"},
                                           [](auto a, auto b) { return xtape::weigh(a, b); });

// Of these a textbook formula says too little to be tested by: steps between may overflow.
inline const auto lerp = detail::function(
    {.name = "lerp", .about = "the point between a and b, a at weight 0 and b at weight 1"},
    [](auto a, auto b, auto weight) {
      return where(weight < 0.5, a + weight * (b - a), b - (1 - weight) * (b - a));
    });
inline const auto addcmul = detail::arithmetic(
    {.name = "addcmul", .about = "x + value * a * b"},
    [](auto x, auto a, auto b, auto value) { return x + value * a * b; },
    Parameter{"value", 1, -0.3});
inline const auto addcdiv = detail::function(
    {.name = "addcdiv", .about = "x + value * a / b", .low = 0.5},
    [](auto x, auto a, auto b, auto value) { return x + value * a / b; },
    Parameter{"value", 1, -0.3});

}  // namespace formulas

namespace detail {
/// Whether both are boolean tensors.
inline bool both_boolean(const Arg& a, const Arg& b) {
  return a.is_tensor() && b.is_tensor() && a.tensor().dtype(a.where()) == boolean &&
         b.tensor().dtype(b.where()) == boolean;
}
}  // namespace detail

/// The sum; of two boolean tensors whether one is true.
inline Tensor operator+(const Arg& a, const Arg& b) {
  return detail::both_boolean(a, b) ? formulas::logical_or(a, b) : formulas::add(a, b);
}
inline Tensor operator-(const Arg& a, const Arg& b) { return formulas::sub(a, b); }
/// The product; of two boolean tensors whether both are true.
inline Tensor operator*(const Arg& a, const Arg& b) {
  return detail::both_boolean(a, b) ? formulas::logical_and(a, b) : formulas::mul(a, b);
}
inline Tensor operator/(const Arg& a, const Arg& b) { return formulas::div(a, b); }
inline Tensor operator-(const Arg& a) { return formulas::neg(a); }

// Comparisons give boolean tensors.
inline Tensor operator<(const Arg& a, const Arg& b) { return formulas::lt(a, b); }
inline Tensor operator<=(const Arg& a, const Arg& b) { return formulas::le(a, b); }
inline Tensor operator>(const Arg& a, const Arg& b) { return formulas::gt(a, b); }
inline Tensor operator>=(const Arg& a, const Arg& b) { return formulas::ge(a, b); }
inline Tensor operator==(const Arg& a, const Arg& b) { return formulas::eq(a, b); }
inline Tensor operator!=(const Arg& a, const Arg& b) { return formulas::ne(a, b); }
inline Tensor operator&&(const Arg& a, const Arg& b) { return formulas::logical_and(a, b); }
inline Tensor operator||(const Arg& a, const Arg& b) { return formulas::logical_or(a, b); }
inline Tensor operator!(const Arg& a) { return formulas::logical_not(a); }
inline Tensor logical_xor(const Arg& a, const Arg& b) { return formulas::logical_xor(a, b); }

/// a where the condition is true (not 0), b elsewhere, in the element type that a and b promote to.
/// A slope of the branch not taken never matters.
inline Tensor where(const Arg& condition, const Arg& a, const Arg& b) {
  if (condition.is_tensor() && condition.tensor().dtype(condition.where()) != boolean)
    return where(Arg(formulas::ne(condition, 0), condition.where()), a, b);
  if (!detail::both_boolean(a, b)) return formulas::select(condition, a, b);
  return cast(Arg(formulas::select(condition, a, b), condition.where()), boolean);
}
/// `value` where the mask is true, x elsewhere. Throws DTypeError unless the mask is boolean.
Tensor masked_fill(const Arg& x, const Tensor& mask, const Arg& value);
/// The larger one; NaN wins; a tie gives half of the gradient to each.
inline Tensor maximum(const Arg& a, const Arg& b) { return formulas::maximum(a, b); }
/// The smaller one; NaN wins; a tie gives half of the gradient to each.
inline Tensor minimum(const Arg& a, const Arg& b) { return formulas::minimum(a, b); }
/// The larger one; NaN loses; a tie gives all of the gradient to a.
inline Tensor fmax(const Arg& a, const Arg& b) { return formulas::fmax(a, b); }
/// The smaller one; NaN loses; a tie gives all of the gradient to a.
inline Tensor fmin(const Arg& a, const Arg& b) { return formulas::fmin(a, b); }
inline Tensor abs(const Arg& x) { return formulas::abs(x); }
inline Tensor sign(const Arg& x) { return formulas::sign(x); }
/// a * b, but 0 where a is 0 even if b is infinite or NaN.
inline Tensor weigh(const Arg& a, const Arg& b) { return formulas::weigh(a, b); }
/// a + weight (b - a); exactly b at weight 1.
inline Tensor lerp(const Arg& a, const Arg& b, const Arg& weight) {
  return formulas::lerp(a, b, weight);
}
/// x + value a b
inline Tensor addcmul(const Arg& x, const Arg& a, const Arg& b, const Arg& value = 1) {
  return formulas::addcmul(x, a, b, value);
}
/// x + value a / b
inline Tensor addcdiv(const Arg& x, const Arg& a, const Arg& b, const Arg& value = 1) {
  return formulas::addcdiv(x, a, b, value);
}

}  // namespace xtape
