#include <fmt/format.h>

#include <xtape/ops/integers.hpp>
#include <xtape/ops/math.hpp>

namespace xtape {

namespace {

// By squaring; what overflows wraps.
std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    return base == 1;
  }
  std::uint64_t square = static_cast<std::uint64_t>(base), power = 1;
  for (; exponent > 0; exponent /= 2, square *= square)
    if (exponent % 2 == 1) power *= square;
  return static_cast<std::int64_t>(power);
}

}  // namespace

Tensor pow(const Arg& a, const Arg& b) {
  if (!b.is_tensor() && b.number() == 2) return formulas::square(a);
  if (!detail::are_integers(a, b)) return formulas::pow(a, b);
  return detail::on_integers("pow", a, b, integer_power, [&](std::int64_t exponent) {
    if (exponent < 0 && !b.is_tensor())
      raise<ValueError>(a.where(), "pow",
                        fmt::format("integers to the power {}; cast() them first", exponent));
  });
}

}  // namespace xtape
