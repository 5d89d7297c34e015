// The oracle: reads the textbook formula of a record, as text, and evaluates it in long double. It
// shares no code with the library, so that a mistake there cannot hide here. Beside each value it
// carries what rounding every step of the text once in a given precision may do to it:
//
//   value(f(a)) = f(value(a))     error(f(a)) = |f(a +- error(a)) - f(a)| + unit |f(a)|
//
// so a test knows how far off an honest evaluation may be, also where terms cancel.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace oracle {

using Real = long double;

/// A value and a bound on what rounding did to it.
struct Rounded {
  Real value = 0;
  Real error = 0;
};

/// A scalar expression in some names: numbers, names, + - * /, unary minus, comparisons, c ? a : b,
/// parentheses, pow(x, y), atan2(y, x), the functions of one argument that the standard library
/// has, digamma, and the steps floor, ceil, round (half to even) and trunc, which decide like
/// comparisons.
class Formula {
 public:
  /// Throws std::invalid_argument that shows the text and the place where it is not understood.
  Formula(std::string_view text, const std::vector<std::string>& names);

  /// The value with one number for each name.
  Real operator()(std::span<const Real> numbers) const { return rounded(numbers, 0).value; }
  /// The value with the branches that are taken at other numbers: smooth across a kink.
  Real branch_of(std::span<const Real> deciding, std::span<const Real> numbers) const;
  /// The value and its error if each step is rounded with relative error `unit`.
  Rounded rounded(std::span<const Real> numbers, Real unit) const;

  struct Point {
    std::span<const Real> numbers;
    std::span<const Real> deciding;  // what conditions look at
    Real unit;
  };
  using Node = std::function<Rounded(const Point&)>;

 private:
  Node root_;
};

/// The formulas in a text that lists them with commas.
std::vector<Formula> list(std::string_view text, const std::vector<std::string>& names);

}  // namespace oracle
