#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <stdexcept>
#include <xtape/tests/oracle/formula.hpp>

namespace oracle {

namespace {

using Node = Formula::Node;
using Point = Formula::Point;

// How far a function moves if its argument is off by its error, and the rounding of its result.
template <class F>
Rounded through(F f, const Rounded& a, Real unit) {
  const Real value = f(a.value);
  Real error = unit * std::fabs(value);
  if (a.error > 0)
    error +=
        std::fmax(std::fabs(f(a.value + a.error) - value), std::fabs(f(a.value - a.error) - value));
  return {value, error};
}

Rounded add(const Rounded& a, const Rounded& b, Real unit) {
  const Real value = a.value + b.value;
  return {value, a.error + b.error + unit * std::fabs(value)};
}

Rounded multiply(const Rounded& a, const Rounded& b, Real unit) {
  const Real value = a.value * b.value;
  const Real moved = std::fabs(a.value) * b.error + std::fabs(b.value) * a.error;
  return {value, moved + a.error * b.error + unit * std::fabs(value)};
}

Rounded divide(const Rounded& a, const Rounded& b, Real unit) {
  const Real value = a.value / b.value;
  const Real nearest = std::fmax(std::fabs(b.value) - b.error, Real(0));
  const Real moved = a.error + std::fabs(value) * b.error;
  return {value, (moved > 0 ? moved / nearest : 0) + unit * std::fabs(value)};
}

// As exp(b log(a)), the usual way to compute it: the exponent is rounded, too.
Rounded power(const Rounded& a, const Rounded& b, Real unit) {
  Rounded out = through([&](Real x) { return std::pow(x, b.value); }, a, unit);
  if (b.error > 0) out.error += through([&](Real y) { return std::pow(a.value, y); }, b, 0).error;
  const Real exponent = std::fabs(b.value * std::log(std::fabs(a.value)));
  if (std::isfinite(exponent)) out.error += unit * exponent * std::fabs(out.value);
  return out;
}

using Function = Real (*)(Real);
using Table = std::map<std::string, Function, std::less<>>;

// By the recurrence to large numbers and the asymptotic series there; by reflection on the left.
Real digamma(Real x) {
  const Real pi = std::acos(Real(-1));
  if (x == 0) return std::copysign(std::numeric_limits<Real>::infinity(), -x);
  if (x < 0) return x == std::floor(x) ? std::nanl("") : digamma(1 - x) - pi / std::tan(pi * x);
  Real sum = 0;
  while (x < 40) sum -= 1 / x++;
  const Real z = 1 / (x * x);
  return sum + std::log(x) - 1 / (2 * x) -
         z * (1.0L / 12 - z * (1.0L / 120 - z * (1.0L / 252 - z * (1.0L / 240 - z / 132))));
}

const Table& functions() {
  static const Table table = {
      {"exp", std::exp},   {"exp2", std::exp2},   {"expm1", std::expm1},   {"log", std::log},
      {"log2", std::log2}, {"log10", std::log10}, {"log1p", std::log1p},   {"sqrt", std::sqrt},
      {"sin", std::sin},   {"cos", std::cos},     {"tan", std::tan},       {"asin", std::asin},
      {"acos", std::acos}, {"atan", std::atan},   {"sinh", std::sinh},     {"cosh", std::cosh},
      {"tanh", std::tanh}, {"asinh", std::asinh}, {"acosh", std::acosh},   {"atanh", std::atanh},
      {"erf", std::erf},   {"erfc", std::erfc},   {"lgamma", std::lgamma}, {"digamma", digamma},
      {"abs", std::fabs},
  };
  return table;
}

// What jumps and is constant between: taken, like a comparison, at the deciding numbers.
const Table& steps() {
  static const Table table = {
      {"floor", std::floor}, {"ceil", std::ceil}, {"round", std::nearbyint}, {"trunc", std::trunc}};
  return table;
}

Rounded angle(const Rounded& a, const Rounded& b, Real unit) {
  Rounded out = through([&](Real y) { return std::atan2(y, b.value); }, a, unit);
  if (b.error > 0) out.error += through([&](Real x) { return std::atan2(a.value, x); }, b, 0).error;
  return out;
}

class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& names)
      : text_(text), names_(names) {}

  Node all() {
    const Node node = choice();
    if (skip() < text_.size()) fail("an operator or the end");
    return node;
  }

 private:
  // condition ? a : b, the condition being a comparison
  Node choice() {
    const Node left = sum();
    const std::string_view relation = accept_relation();
    if (relation.empty()) {
      if (accept('?')) fail("a comparison before '?'");
      return left;
    }
    const Node right = sum();
    expect('?');
    const Node yes = choice();
    expect(':');
    const Node no = choice();
    return [=, holds = comparison(relation)](const Point& p) {
      const Point at{p.deciding, p.deciding, p.unit};
      return holds(left(at).value, right(at).value) ? yes(p) : no(p);
    };
  }

  Node sum() {
    Node left = product();
    while (true) {
      if (accept('+')) {
        left = binary(add, left, product());
      } else if (accept('-')) {
        left = [left, right = product()](const Point& p) {
          const Rounded b = right(p);
          return add(left(p), {-b.value, b.error}, p.unit);
        };
      } else {
        return left;
      }
    }
  }

  Node product() {
    Node left = factor();
    while (true) {
      if (accept('*')) left = binary(multiply, left, factor());
      else if (accept('/')) left = binary(divide, left, factor());
      else return left;
    }
  }

  Node factor() {
    if (accept('-'))
      return [operand = factor()](const Point& p) {
        const Rounded a = operand(p);
        return Rounded{-a.value, a.error};
      };
    if (accept('(')) {
      const Node inside = choice();
      expect(')');
      return inside;
    }
    const std::size_t begin = skip();
    if (begin < text_.size() && (std::isdigit(text_[begin]) || text_[begin] == '.'))
      return number();
    if (begin < text_.size() && std::isalpha(text_[begin])) return name();
    fail("a number, a name or '('");
  }

  Node number() {
    const std::string rest(text_.substr(at_));
    char* end = nullptr;
    const Real value = std::strtold(rest.c_str(), &end);
    at_ += static_cast<std::size_t>(end - rest.c_str());
    const bool exact = static_cast<Real>(static_cast<float>(value)) == value;
    return [=](const Point& p) { return Rounded{value, exact ? 0 : p.unit * std::fabs(value)}; };
  }

  Node name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(text_[at_]) || text_[at_] == '_')) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (word == names_[i]) return [i](const Point& p) { return Rounded{p.numbers[i], 0}; };
    const bool two = word == "pow" || word == "atan2", step = steps().contains(word);
    if (!two && !step && !functions().contains(word)) {
      at_ = begin;
      fail("a known name");
    }
    expect('(');
    const Node first = choice();
    if (two) {
      expect(',');
      const Node second = choice();
      expect(')');
      return binary(word == "pow" ? power : angle, first, second);
    }
    expect(')');
    if (step)
      return [first, f = steps().find(word)->second](const Point& p) {
        return through(f, first({p.deciding, p.deciding, p.unit}), p.unit);
      };
    return [first, f = functions().find(word)->second](const Point& p) {
      return through(f, first(p), p.unit);
    };
  }

  template <class F>
  static Node binary(F combine, const Node& left, const Node& right) {
    return [=](const Point& p) { return combine(left(p), right(p), p.unit); };
  }

  static bool (*comparison(std::string_view relation))(Real, Real) {
    if (relation == "<") return [](Real a, Real b) { return a < b; };
    if (relation == "<=") return [](Real a, Real b) { return a <= b; };
    if (relation == ">") return [](Real a, Real b) { return a > b; };
    if (relation == "==") return [](Real a, Real b) { return a == b; };
    if (relation == "!=") return [](Real a, Real b) { return a != b; };
    return [](Real a, Real b) { return a >= b; };
  }

  std::size_t skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_;
  }
  bool accept(char wanted) {
    if (skip() >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail({'\'', wanted, '\''});
  }
  std::string_view accept_relation() {
    skip();
    for (std::string_view relation : {"<=", ">=", "==", "!=", "<", ">"})
      if (text_.substr(at_).starts_with(relation)) {
        at_ += relation.size();
        return relation;
      }
    return {};
  }
  [[noreturn]] void fail(const std::string& wanted) const {
    const std::string rest(text_.substr(at_));
    throw std::invalid_argument("formula \"" + std::string(text_) + "\": " + wanted +
                                " wanted at column " + std::to_string(at_ + 1) + ", found " +
                                (rest.empty() ? "the end" : "\"" + rest + "\""));
  }

  std::string_view text_;
  const std::vector<std::string>& names_;
  std::size_t at_ = 0;
};

}  // namespace

Formula::Formula(std::string_view text, const std::vector<std::string>& names)
    : root_(Parser(text, names).all()) {}

Real Formula::branch_of(std::span<const Real> deciding, std::span<const Real> numbers) const {
  return root_({numbers, deciding, 0}).value;
}

Rounded Formula::rounded(std::span<const Real> numbers, Real unit) const {
  Rounded out = root_({numbers, numbers, unit});
  // an error that cannot be told, as at the end of a domain, is no excuse for a wrong value
  if (std::isnan(out.error)) out.error = 0;
  return out;
}

std::vector<Formula> list(std::string_view text, const std::vector<std::string>& names) {
  std::vector<Formula> out;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    out.emplace_back(text.substr(0, comma), names);
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

}  // namespace oracle
