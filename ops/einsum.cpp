#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/diagonals.hpp>
#include <xtape/ops/einsum.hpp>
#include <xtape/ops/products.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

namespace {

// Axes are named by characters: letters, and digits for the axes of "...", the last of them '9'.
using Names = std::string;

constexpr bool has(const std::string_view& names, char name) {
  return names.find(name) != std::string_view::npos;
}
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A tensor and the names of its axes.
struct Term {
  Tensor tensor;
  Names names;

  std::int64_t size(char name) const { return tensor.shape()[static_cast<int>(names.find(name))]; }
};

// What an equation says about operands of certain shapes.
class Equation {
 public:
  std::vector<Term> terms;
  Names output;

  Equation(std::string_view text, const std::vector<Tensor>& operands, const Location& at)
      : at_(at) {
    for (char c : text)
      if (c != ' ') text_ += c;
    const std::size_t arrow = text_.find("->");
    std::string_view left = std::string_view(text_).substr(0, arrow);
    split(left, operands);
    const Names named = arrow == std::string::npos ? implied() : text_.substr(arrow + 2);
    output = expand(named, ellipsis_axes_);
    check_output();
    check_sizes();
  }

  std::int64_t size(char name) const { return sizes_[static_cast<unsigned char>(name)]; }

 private:
  std::string text_;
  const Location& at_;
  int ellipsis_axes_ = 0;  // the most that "..." stands for in one operand
  std::int64_t sizes_[128] = {};

  template <class E>
  [[noreturn]] void complain(const std::string& what) const {
    raise<E>(at_, "einsum", fmt::format("{} in \"{}\"", what, text_));
  }

  // Letters with "..." replaced by the last `axes` digits.
  Names expand(std::string_view part, int axes) const {
    Names names;
    bool dots = false;
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (is_letter(part[i])) {
        names += part[i];
      } else if (part.substr(i, 3) == "..." && !std::exchange(dots, true)) {
        for (int k = 10 - axes; k < 10; ++k) names += static_cast<char>('0' + k);
        i += 2;
      } else {
        complain<ValueError>(
            fmt::format("'{}' where a letter or one \"...\" is wanted", part.substr(i, 3)));
      }
    }
    return names;
  }

  void split(std::string_view left, const std::vector<Tensor>& operands) {
    const std::size_t parts = 1 + static_cast<std::size_t>(std::ranges::count(left, ','));
    if (parts != operands.size())
      complain<ValueError>(fmt::format("{} operands for {} parts", operands.size(), parts));
    for (std::size_t i = 0; i < parts; ++i) {
      const std::string_view part = left.substr(0, left.find(','));
      left.remove_prefix(std::min(part.size() + 1, left.size()));
      const int rank = operands[i].rank(at_), letters = static_cast<int>(expand(part, 0).size());
      const int rest = rank - letters;
      if (rest < 0 || (rest > 0 && !has(part, '.')))
        complain<ShapeError>(fmt::format("operand {} of shape {} has {} axes, \"{}\" names {}", i,
                                         operands[i].shape().str(), rank, part, letters));
      if (operands[i].dtype() != operands[0].dtype())
        raise<DTypeError>(at_, "einsum",
                          fmt::format("{} beside {}", name_of(operands[0].dtype()),
                                      name_of(operands[i].dtype())));
      ellipsis_axes_ = std::max(ellipsis_axes_, rest);
      terms.push_back({operands[i], expand(part, rest)});
    }
  }

  // The names of an output that is not given.
  Names implied() const {
    Names all, once;
    for (const Term& term : terms) all += term.names;
    std::ranges::sort(all);
    for (char name : all)
      if (is_letter(name) && std::ranges::count(all, name) == 1) once += name;
    return ellipsis_axes_ > 0 ? "..." + once : once;
  }

  void check_output() const {
    for (char name : output) {
      if (std::ranges::count(output, name) > 1)
        complain<ValueError>(fmt::format("the output has '{}' twice", name));
      if (std::ranges::none_of(terms, [&](const Term& term) { return has(term.names, name); }))
        complain<ValueError>(fmt::format("the output has '{}', which no operand has", name));
    }
  }

  void check_sizes() {
    std::size_t first[128] = {};  // the operand that gave a name its size
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const Term& term = terms[i];
      Names seen;
      for (int axis = 0; axis < term.tensor.rank(); ++axis) {
        const char name = term.names[axis];
        const std::string shown =
            is_letter(name) ? fmt::format("'{}'", name) : "an axis of \"...\"";
        const std::int64_t here = term.tensor.shape()[axis];
        if (has(seen, name) && here != term.size(name))
          complain<ShapeError>(
              fmt::format("{} has sizes {} and {} in operand {}", shown, term.size(name), here, i));
        std::int64_t& size = sizes_[static_cast<unsigned char>(name)];
        std::size_t& giver = first[static_cast<unsigned char>(name)];
        const bool fresh = !has(known_, name);
        if (!fresh && size != here && size != 1 && here != 1)
          complain<ShapeError>(fmt::format("{} has size {} in operand {} and {} in operand {}",
                                           shown, size, giver, here, i));
        if (fresh || size == 1) {
          size = here;
          giver = i;
        }
        seen += name;
        known_ += name;
      }
    }
  }
  Names known_;
};

// The axes of a term in the order `names`, which it has all.
Tensor ordered(const Term& term, const Names& names) {
  if (term.names == names) return term.tensor;
  std::vector<std::int64_t> dims;
  for (char name : names) dims.push_back(static_cast<std::int64_t>(term.names.find(name)));
  return permute(term.tensor, dims);
}

// The same with an axis of size 1 for every name that the term does not have.
Tensor spread(const Term& term, const Names& names) {
  Names own;
  Shape shape;
  for (char name : names) {
    if (has(term.names, name)) own += name;
    shape.push_back(has(term.names, name) ? term.size(name) : 1);
  }
  return reshape(ordered(term, own), shape);
}

// The diagonals of axes of one name.
Term without_repetitions(Term term) {
  for (std::size_t i = 0; i < term.names.size(); ++i) {
    const std::size_t j = term.names.find(term.names[i], i + 1);
    if (j == Names::npos) continue;
    Names names = term.names;
    names.erase(j, 1).erase(i, 1).push_back(term.names[i]);
    const auto first = static_cast<std::int64_t>(i), second = static_cast<std::int64_t>(j);
    return without_repetitions({diagonal(term.tensor, 0, first, second), names});
  }
  return term;
}

// Without axes of size 1 whose name is longer elsewhere: they broadcast.
Term without_stretched(const Term& term, const Equation& equation) {
  Names names;
  Shape shape;
  for (char name : term.names) {
    if (term.size(name) != equation.size(name)) continue;
    names += name;
    shape.push_back(term.size(name));
  }
  return {reshape(term.tensor, shape), names};
}

// Summed over the axes whose names are not in `wanted`.
Term summed(const Term& term, const Names& wanted) {
  std::vector<std::int64_t> dims;
  Names names;
  for (std::size_t i = 0; i < term.names.size(); ++i) {
    if (has(wanted, term.names[i])) names += term.names[i];
    else dims.push_back(static_cast<std::int64_t>(i));
  }
  return dims.empty() ? term : Term{sum(term.tensor, dims), names};
}

// The names of two terms by what a product does with them, each in the order of its term.
struct Roles {
  Names both, inner, left, right;  // both: kept side by side; inner: summed

  Roles(const Term& a, const Term& b, const Names& wanted) {
    for (char name : a.names)
      (!has(b.names, name) ? left : has(wanted, name) ? both : inner) += name;
    for (char name : b.names)
      if (!has(a.names, name)) right += name;
  }
};

std::int64_t count(const Equation& equation, const Names& names) {
  std::int64_t product = 1;
  for (char name : names) product *= equation.size(name);
  return product;
}

// The product of two terms, summed over the names that are not wanted; both terms have only names
// that are wanted or common.
Term multiplied(const Term& a, const Term& b, const Names& wanted, const Equation& equation) {
  const Roles roles(a, b, wanted);
  const auto& [both, inner, left, right] = roles;
  const Names result = both + left + right;
  const std::int64_t m = count(equation, left), n = count(equation, right);
  if (inner.empty() || (m == 1 && n == 1)) {  // nothing for a matrix product
    Names kept;
    for (char name : wanted)
      if (has(result, name)) kept += name;
    const Tensor x = spread(a, kept + inner), y = spread(b, kept + inner);
    if (inner.empty()) return {x * y, kept};
    std::vector<std::int64_t> dims;
    for (std::size_t i = 0; i < inner.size(); ++i)
      dims.push_back(static_cast<std::int64_t>(kept.size() + i));
    return {formulas::mul.sum(dims, x, y), kept};
  }
  const Location at = Caller::or_else({});
  const std::int64_t k = count(equation, inner), stack = count(equation, both);
  // a transposed matrix is as good as another, so leave the order as it is if possible
  const bool ta = a.names == both + inner + left, tb = b.names == both + right + inner;
  const Tensor x = ordered(a, ta ? a.names : both + left + inner);
  const Tensor y = ordered(b, tb ? b.names : both + inner + right);
  Tensor out;
  if (both.empty())
    out = detail::product(reshape(x, ta ? Shape{k, m} : Shape{m, k}), ta,
                          reshape(y, tb ? Shape{n, k} : Shape{k, n}), tb, "einsum", at);
  else
    out = detail::stacked_product(reshape(x, ta ? Shape{stack, k, m} : Shape{stack, m, k}), ta,
                                  reshape(y, tb ? Shape{stack, n, k} : Shape{stack, k, n}), tb,
                                  "einsum", at);
  Shape shape;
  for (char name : result) shape.push_back(equation.size(name));
  return {reshape(out, shape), result};
}

// What the others and the output still need.
Names wanted_besides(const Equation& equation, std::size_t i, std::size_t j) {
  Names names = equation.output;
  for (std::size_t k = 0; k < equation.terms.size(); ++k)
    for (char name : equation.terms[k].names)
      if (k != i && k != j && !has(names, name)) names += name;
  return names;
}

// Replaces the pair that takes the fewest multiplications by its product; the smaller result
// decides between equals.
void multiply_cheapest(Equation& equation) {
  std::vector<Term>& terms = equation.terms;
  std::tuple<std::int64_t, std::int64_t> best;
  std::size_t first = 0, second = 0;
  for (std::size_t i = 0; i < terms.size(); ++i)
    for (std::size_t j = i + 1; j < terms.size(); ++j) {
      const auto [both, inner, left, right] =
          Roles(terms[i], terms[j], wanted_besides(equation, i, j));
      const std::int64_t result = count(equation, both + left + right);
      const std::tuple cost(result * count(equation, inner), result);
      if (second > 0 && cost >= best) continue;
      best = cost;
      first = i;
      second = j;
    }
  const Names wanted = wanted_besides(equation, first, second);
  // the operand whose names come first in the output goes first
  const auto place = [&](const Term& term, const Term& other) {
    std::size_t at = Names::npos;
    for (char name : term.names)
      if (!has(other.names, name)) at = std::min(at, wanted.find(name));
    return at;
  };
  if (place(terms[second], terms[first]) < place(terms[first], terms[second]))
    std::swap(terms[first], terms[second]);
  terms[first] = multiplied(terms[first], terms[second], wanted, equation);
  terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(second));
}

}  // namespace

Tensor einsum(std::string_view text, const std::vector<Tensor>& operands, Location where) {
  const Location at = Caller::or_else(where);
  const Caller caller(at);
  Equation equation(text, operands, at);
  for (Term& term : equation.terms) term = without_stretched(without_repetitions(term), equation);
  for (std::size_t i = 0; i < equation.terms.size(); ++i)
    equation.terms[i] = summed(equation.terms[i], wanted_besides(equation, i, i));
  while (equation.terms.size() > 1) multiply_cheapest(equation);
  return ordered(equation.terms[0], equation.output);
}

// What the catalogue says of them.
namespace {

const ArrayOperation einsum_record{
    {.name = "einsum", .about = "a sum of products with named axes"},
    {{"einsum(\"bij,bkj->bik\", {a, b})",
      {{2, 3, 4}, {2, 2, 4}},
      [](auto& in) { return xtape::einsum("bij,bkj->bik", in); }},
     {"einsum(\"ii...,...k,i->k\", {a, b, c})", {{3, 3, 2}, {2, 4}, {3}}, [](auto& in) {
        return xtape::einsum("ii...,...k,i->k", in);
      }}}};

}  // namespace
}  // namespace xtape
