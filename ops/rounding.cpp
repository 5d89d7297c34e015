#include <limits>
#include <xtape/ops/integers.hpp>
#include <xtape/ops/rounding.hpp>

namespace xtape {

namespace {

// Remainders of integers by divisors that are not 0; -1 divides everything, also the lowest number.
std::int64_t rest(std::int64_t a, std::int64_t b) { return b == -1 ? 0 : a % b; }
std::int64_t python_rest(std::int64_t a, std::int64_t b) {
  const std::int64_t r = rest(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
std::int64_t python_quotient(std::int64_t a, std::int64_t b) {
  if (b == -1) return static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(a));
  return (a - python_rest(a, b)) / b;
}

Tensor divided(const char* op, const Arg& a, const Arg& b, detail::IntegerFunction f) {
  return detail::on_integers(op, a, b, f, [&](std::int64_t divisor) {
    if (divisor == 0)
      raise<ValueError>(Caller::or_else(a.where()), op, "an integer is divided by 0");
  });
}

}  // namespace

Tensor fmod(const Arg& a, const Arg& b) {
  return detail::are_integers(a, b) ? divided("fmod", a, b, rest) : formulas::fmod(a, b);
}

Tensor remainder(const Arg& a, const Arg& b) {
  return detail::are_integers(a, b) ? divided("remainder", a, b, python_rest)
                                    : formulas::remainder(a, b);
}

Tensor floor_divide(const Arg& a, const Arg& b) {
  return detail::are_integers(a, b) ? divided("floor_divide", a, b, python_quotient)
                                    : formulas::floor_divide(a, b);
}

Tensor clamp(const Arg& x, const std::optional<Arg>& min, const std::optional<Arg>& max) {
  if (min && max) return formulas::clamp(x, *min, *max);
  if (min) return formulas::clamp_min(x, *min);
  if (max) return formulas::clamp_max(x, *max);
  raise<ValueError>(x.where(), "clamp", "a lower or an upper bound is wanted");
}

Tensor nan_to_num(const Arg& x, double nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  const DType dtype = x.is_tensor() ? x.tensor().dtype(x.where()) : float32;
  if (!is_floating(dtype)) return x.tensor();
  const double largest =
      dtype == float64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  return formulas::nan_to_num(x, nan, posinf.value_or(largest), neginf.value_or(-largest));
}

}  // namespace xtape
