// Arithmetic, functions and comparisons, element by element.
#include <optional>
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

static std::optional<double> optional(const Call& c, const char* key) {
  if (!c.has(key)) return std::nullopt;
  return c.number(key);
}

static std::optional<Arg> bound(const Call& c, const char* key) {
  if (!c.has(key)) return std::nullopt;
  return Arg(c.number(key));
}

static const Bindings table{
    {"neg", [](const Call& c) { return -c.in(0); }},
    {"abs", [](const Call& c) { return abs(c.in(0)); }},
    {"sign", [](const Call& c) { return sign(c.in(0)); }},
    {"sqrt", [](const Call& c) { return sqrt(c.in(0)); }},
    {"rsqrt", [](const Call& c) { return rsqrt(c.in(0)); }},
    {"square", [](const Call& c) { return square(c.in(0)); }},
    {"reciprocal", [](const Call& c) { return reciprocal(c.in(0)); }},
    {"exp", [](const Call& c) { return exp(c.in(0)); }},
    {"exp2", [](const Call& c) { return exp2(c.in(0)); }},
    {"expm1", [](const Call& c) { return expm1(c.in(0)); }},
    {"log", [](const Call& c) { return log(c.in(0)); }},
    {"log2", [](const Call& c) { return log2(c.in(0)); }},
    {"log10", [](const Call& c) { return log10(c.in(0)); }},
    {"log1p", [](const Call& c) { return log1p(c.in(0)); }},
    {"sin", [](const Call& c) { return sin(c.in(0)); }},
    {"cos", [](const Call& c) { return cos(c.in(0)); }},
    {"tan", [](const Call& c) { return tan(c.in(0)); }},
    {"asin", [](const Call& c) { return asin(c.in(0)); }},
    {"acos", [](const Call& c) { return acos(c.in(0)); }},
    {"atan", [](const Call& c) { return atan(c.in(0)); }},
    {"sinh", [](const Call& c) { return sinh(c.in(0)); }},
    {"cosh", [](const Call& c) { return cosh(c.in(0)); }},
    {"tanh", [](const Call& c) { return tanh(c.in(0)); }},
    {"asinh", [](const Call& c) { return asinh(c.in(0)); }},
    {"acosh", [](const Call& c) { return acosh(c.in(0)); }},
    {"atanh", [](const Call& c) { return atanh(c.in(0)); }},
    {"erf", [](const Call& c) { return erf(c.in(0)); }},
    {"erfc", [](const Call& c) { return erfc(c.in(0)); }},
    {"sigmoid", [](const Call& c) { return sigmoid(c.in(0)); }},
    {"logit", [](const Call& c) { return logit(c.in(0)); }},
    {"floor", [](const Call& c) { return floor(c.in(0)); }},
    {"ceil", [](const Call& c) { return ceil(c.in(0)); }},
    {"round", [](const Call& c) { return round(c.in(0)); }},
    {"trunc", [](const Call& c) { return trunc(c.in(0)); }},
    {"frac", [](const Call& c) { return frac(c.in(0)); }},
    {"lgamma", [](const Call& c) { return lgamma(c.in(0)); }},
    {"sinc", [](const Call& c) { return sinc(c.in(0)); }},
    {"isnan", [](const Call& c) { return isnan(c.in(0)); }},
    {"isinf", [](const Call& c) { return isinf(c.in(0)); }},
    {"isfinite", [](const Call& c) { return isfinite(c.in(0)); }},
    {"logical_not", [](const Call& c) { return !c.in(0); }},
    {"detach", [](const Call& c) { return c.in(0).detach(); }},
    {"clamp", [](const Call& c) { return clamp(c.in(0), bound(c, "min"), bound(c, "max")); }},
    {"nan_to_num",
     [](const Call& c) {
       return nan_to_num(c.in(0), c.number("nan", 0), optional(c, "posinf"), optional(c, "neginf"));
     }},
    {"add_scalar", [](const Call& c) { return c.in(0) + c.number("value"); }},
    {"mul_scalar", [](const Call& c) { return c.in(0) * c.number("value"); }},
    {"div_scalar", [](const Call& c) { return c.in(0) / c.number("value"); }},
    {"rsub_scalar", [](const Call& c) { return c.number("value") - c.in(0); }},
    {"rdiv_scalar", [](const Call& c) { return c.number("value") / c.in(0); }},
    {"pow_scalar", [](const Call& c) { return pow(c.in(0), c.number("exponent")); }},
    {"scalar_pow", [](const Call& c) { return pow(c.number("base"), c.in(0)); }},
    {"add", [](const Call& c) { return c.in(0) + c.in(1); }},
    {"sub", [](const Call& c) { return c.in(0) - c.in(1); }},
    {"mul", [](const Call& c) { return c.in(0) * c.in(1); }},
    {"div", [](const Call& c) { return c.in(0) / c.in(1); }},
    {"eq", [](const Call& c) { return c.in(0) == c.in(1); }},
    {"ne", [](const Call& c) { return c.in(0) != c.in(1); }},
    {"lt", [](const Call& c) { return c.in(0) < c.in(1); }},
    {"le", [](const Call& c) { return c.in(0) <= c.in(1); }},
    {"gt", [](const Call& c) { return c.in(0) > c.in(1); }},
    {"ge", [](const Call& c) { return c.in(0) >= c.in(1); }},
    {"logical_and", [](const Call& c) { return c.in(0) && c.in(1); }},
    {"logical_or", [](const Call& c) { return c.in(0) || c.in(1); }},
    {"pow", [](const Call& c) { return pow(c.in(0), c.in(1)); }},
    {"maximum", [](const Call& c) { return maximum(c.in(0), c.in(1)); }},
    {"minimum", [](const Call& c) { return minimum(c.in(0), c.in(1)); }},
    {"fmax", [](const Call& c) { return fmax(c.in(0), c.in(1)); }},
    {"fmin", [](const Call& c) { return fmin(c.in(0), c.in(1)); }},
    {"atan2", [](const Call& c) { return atan2(c.in(0), c.in(1)); }},
    {"hypot", [](const Call& c) { return hypot(c.in(0), c.in(1)); }},
    {"fmod", [](const Call& c) { return fmod(c.in(0), c.in(1)); }},
    {"remainder", [](const Call& c) { return remainder(c.in(0), c.in(1)); }},
    {"floor_divide", [](const Call& c) { return floor_divide(c.in(0), c.in(1)); }},
    {"logaddexp", [](const Call& c) { return logaddexp(c.in(0), c.in(1)); }},
    {"xlogy", [](const Call& c) { return xlogy(c.in(0), c.in(1)); }},
    {"copysign", [](const Call& c) { return copysign(c.in(0), c.in(1)); }},
    {"logical_xor", [](const Call& c) { return logical_xor(c.in(0), c.in(1)); }},
    {"where", [](const Call& c) { return where(c.in(0), c.in(1), c.in(2)); }},
    {"lerp", [](const Call& c) { return lerp(c.in(0), c.in(1), c.in(2)); }},
    {"addcmul",
     [](const Call& c) { return addcmul(c.in(0), c.in(1), c.in(2), c.number("value", 1)); }},
    {"addcdiv",
     [](const Call& c) { return addcdiv(c.in(0), c.in(1), c.in(2), c.number("value", 1)); }},
    {"masked_fill", [](const Call& c) { return masked_fill(c.in(0), c.in(1), c.number("value")); }},
};

}  // namespace conformance
