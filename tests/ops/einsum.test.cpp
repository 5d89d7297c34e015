#include "../blames.hpp"

using namespace check;

namespace {

using Names = std::vector<std::string>;

Tensor wavy(const Shape& shape, double phase) {
  const Tensor count = arange(0, static_cast<double>(shape.numel()), 1, float64);
  return reshape(sin(count * 1.3 + phase), shape);
}

// The sum over all values of all letters, one after the other; sizes of 1 broadcast.
Tensor naive(const Names& parts, const std::string& output, const std::vector<Tensor>& operands) {
  std::string letters = output;
  std::vector<std::int64_t> size(128, 1), at(128, 0);
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (std::size_t axis = 0; axis < parts[i].size(); ++axis) {
      const char letter = parts[i][axis];
      if (letters.find(letter) == std::string::npos) letters += letter;
      const std::int64_t here = operands[i].shape()[static_cast<int>(axis)];
      if (here != 1) size[static_cast<std::size_t>(letter)] = here;
    }
  Shape shape;
  std::int64_t total = 1;
  for (char letter : output) shape.push_back(size[static_cast<std::size_t>(letter)]);
  for (char letter : letters) total *= size[static_cast<std::size_t>(letter)];
  std::vector<double> out(static_cast<std::size_t>(shape.numel()), 0.0);
  for (std::int64_t flat = 0; flat < total; ++flat) {
    std::int64_t rest = flat, place = 0;
    for (std::size_t i = letters.size(); i-- > 0;) {
      const auto letter = static_cast<std::size_t>(letters[i]);
      at[letter] = rest % size[letter];
      rest /= size[letter];
    }
    double product = 1;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      std::int64_t offset = 0;
      for (std::size_t axis = 0; axis < parts[i].size(); ++axis) {
        const std::int64_t n = operands[i].shape()[static_cast<int>(axis)];
        offset = offset * n + (n == 1 ? 0 : at[static_cast<std::size_t>(parts[i][axis])]);
      }
      product *= operands[i].data<double>()[offset];
    }
    for (char letter : output)
      place = place * size[static_cast<std::size_t>(letter)] + at[static_cast<std::size_t>(letter)];
    out[static_cast<std::size_t>(place)] += product;
  }
  return Tensor::from(out.data(), shape);
}

struct Case {
  const char* equation;
  Names parts;  // the same with a letter for every axis of "..."
  std::string output;
  std::vector<Shape> shapes;
};

const std::vector<Case> cases = {
    {"ij->ji", {"ij"}, "ji", {{2, 3}}},
    {"ij->ij", {"ij"}, "ij", {{2, 3}}},
    {"ij->", {"ij"}, "", {{2, 3}}},
    {"ba", {"ba"}, "ab", {{2, 3}}},
    {"bA", {"bA"}, "Ab", {{2, 3}}},
    {"ii", {"ii"}, "", {{3, 3}}},
    {"ii->i", {"ii"}, "i", {{3, 3}}},
    {"iji->j", {"iji"}, "j", {{3, 2, 3}}},
    {"iii->i", {"iii"}, "i", {{2, 2, 2}}},
    {"ijij->ji", {"ijij"}, "ji", {{2, 3, 2, 3}}},
    {"ii->i", {"ii"}, "i", {{0, 0}}},
    {"i,i", {"i", "i"}, "", {{4}, {4}}},
    {"i,j", {"i", "j"}, "ij", {{4}, {2}}},
    {"i,->i", {"i", ""}, "i", {{3}, {}}},
    {",", {"", ""}, "", {{}, {}}},
    {"ij,jk", {"ij", "jk"}, "ik", {{2, 3}, {3, 4}}},
    {" ij , kj -> k i ", {"ij", "kj"}, "ki", {{2, 3}, {4, 3}}},
    {"ji,jk->ik", {"ji", "jk"}, "ik", {{3, 2}, {3, 4}}},
    {"ji,kj->ki", {"ji", "kj"}, "ki", {{3, 2}, {4, 3}}},
    {"bij,bkj->bik", {"bij", "bkj"}, "bik", {{2, 3, 2}, {2, 4, 2}}},
    {"bij,bjk->kib", {"bij", "bjk"}, "kib", {{2, 3, 2}, {2, 2, 4}}},
    {"ijb,jkb->bik", {"ijb", "jkb"}, "bik", {{3, 2, 2}, {2, 4, 2}}},
    {"bi,bi->b", {"bi", "bi"}, "b", {{2, 3}, {2, 3}}},
    {"ij,ij->ij", {"ij", "ij"}, "ij", {{2, 3}, {2, 3}}},
    {"ij,ji->ij", {"ij", "ji"}, "ij", {{2, 3}, {3, 2}}},
    {"ij,k->", {"ij", "k"}, "", {{2, 3}, {4}}},
    {"nchw,kc->nkhw", {"nchw", "kc"}, "nkhw", {{2, 3, 2, 2}, {4, 3}}},
    {"i,ij,j->", {"i", "ij", "j"}, "", {{2}, {2, 3}, {3}}},
    {"ij,jk,kl->il", {"ij", "jk", "kl"}, "il", {{2, 3}, {3, 2}, {2, 4}}},
    {"ab,bc,cd,de->ae", {"ab", "bc", "cd", "de"}, "ae", {{2, 3}, {3, 4}, {4, 2}, {2, 3}}},
    {"ni,oij,nj->no", {"ni", "oij", "nj"}, "no", {{2, 3}, {4, 3, 2}, {2, 2}}},
    {"ii,ij,jj->j", {"ii", "ij", "jj"}, "j", {{2, 2}, {2, 3}, {3, 3}}},
    {"a,a,a,b->b", {"a", "a", "a", "b"}, "b", {{3}, {3}, {3}, {2}}},
    {"ij,jk->ik", {"ij", "jk"}, "ik", {{2, 0}, {0, 3}}},
    {"ij,jk->ik", {"ij", "jk"}, "ik", {{0, 2}, {2, 3}}},
    {"bij,bjk->bik", {"bij", "bjk"}, "bik", {{0, 2, 2}, {0, 2, 3}}},
    {"ij,jk->ik", {"ij", "jk"}, "ik", {{2, 1}, {3, 4}}},
    {"ij,jk->ik", {"ij", "jk"}, "ik", {{2, 3}, {1, 4}}},
    {"ij,ij->ij", {"ij", "ij"}, "ij", {{2, 1}, {1, 3}}},
    {"i,i->i", {"i", "i"}, "i", {{1}, {0}}},
    {"...ij,...jk->...ik", {"aij", "ajk"}, "aik", {{2, 2, 3}, {2, 3, 2}}},
    {"...ij,...jk->...ik", {"abij", "bjk"}, "abik", {{2, 3, 2, 3}, {3, 3, 2}}},
    {"...ij,...jk", {"aij", "jk"}, "aik", {{2, 2, 3}, {3, 2}}},
    {"i...,...i->...", {"iab", "bi"}, "ab", {{3, 2, 2}, {2, 3}}},
    {"...,...", {"ab", "b"}, "ab", {{2, 1}, {3}}},
    {"...i->...", {"abi"}, "ab", {{2, 3, 2}}},
    {"...i->i...", {"abi"}, "iab", {{2, 3, 2}}},
    {"...i->i", {"abi"}, "i", {{2, 3, 2}}},
    {"...ii->...i", {"aii"}, "ai", {{2, 3, 3}}},
    {"...", {"ab"}, "ab", {{2, 3}}},
    {"...i", {"i"}, "i", {{3}}},
};

std::vector<Tensor> points(const Case& each) {
  std::vector<Tensor> out;
  for (const Shape& shape : each.shapes)
    out.push_back(wavy(shape, 0.4 + static_cast<double>(out.size())));
  return out;
}

}  // namespace

TEST_CASE("einsum: equations of all kinds against loops over every index") {
  for (const Case& each : cases) {
    CAPTURE(each.equation);
    const std::vector<Tensor> in = points(each);
    CHECK(distance(einsum(each.equation, in), naive(each.parts, each.output, in)) < 1e-14);
  }
}

TEST_CASE("einsum: slopes of first and second order") {
  for (const Case& each : cases) {
    CAPTURE(each.equation);
    const Function f = [&](const std::vector<Tensor>& in) { return einsum(each.equation, in); };
    CHECK(slope_error(f, points(each)) < 1e-7);
    CHECK(curvature_error(f, points(each)) < 1e-6);
  }
}

TEST_CASE("einsum: the cheap pair of a chain is multiplied first") {
  // from the left the first product alone would have 10^10 elements
  const Tensor x = full({100'000}, 1e-5, float64);
  CHECK(einsum("i,j,j,i->", {x, x, x, x}).item<double>() == doctest::Approx(1e-10));
}

TEST_CASE("einsum: element types") {
  const Tensor a = cast(wavy({2, 3}, 0), float32), b = cast(wavy({3, 2}, 1), float32);
  CHECK(equal(einsum("ij,jk->ik", {a, b}), matmul(a, b)));
  CHECK(
      equal(einsum("ij->ji", {Tensor({{1, 2}, {3, 4}}, int64)}), Tensor({{1, 3}, {2, 4}}, int64)));
}

TEST_CASE("einsum: what makes no sense is said") {
  const Tensor a = zeros({2, 3}), b = zeros({4, 2});
  CHECK_BLAMES(ShapeError,
               "einsum: 'j' has size 3 in operand 0 and 4 in operand 1 in \"ij,jk->ik\"",
               einsum("ij,jk->ik", {a, b}));
  CHECK_BLAMES(ShapeError, "einsum: 'i' has sizes 2 and 3 in operand 0 in \"ii\"",
               einsum("ii", {a}));
  CHECK_BLAMES(ShapeError, "einsum: an axis of \"...\" has size 2 in operand 0 and 4 in operand 1",
               einsum("...,...", {a, b}));
  CHECK_BLAMES(ValueError, "einsum: 1 operands for 2 parts in \"ij,jk->ik\"",
               einsum("ij,jk->ik", {a}));
  CHECK_BLAMES(ValueError, "einsum: 0 operands for 1 parts", einsum("", {}));
  CHECK_BLAMES(ShapeError, "einsum: operand 0 of shape [2, 3] has 2 axes, \"i\" names 1",
               einsum("i", {a}));
  CHECK_BLAMES(ShapeError, "einsum: operand 0 of shape [2, 3] has 2 axes, \"ijk...\" names 3",
               einsum("ijk...", {a}));
  CHECK_BLAMES(ValueError, "einsum: '1' where a letter or one \"...\" is wanted in \"i1\"",
               einsum("i1", {a}));
  CHECK_BLAMES(ValueError, "einsum: '..j' where", einsum("..j", {a}));
  CHECK_BLAMES(ValueError, "einsum: '...' where", einsum("......", {a}));
  CHECK_BLAMES(ValueError, "einsum: '->i' where", einsum("ij->j->i", {a}));
  CHECK_BLAMES(ValueError, "einsum: the output has 'i' twice", einsum("ij->ii", {a}));
  CHECK_BLAMES(ValueError, "einsum: the output has 'k', which no operand has",
               einsum("ij->ik", {a}));
  CHECK_BLAMES(DTypeError, "einsum: float32 beside float64",
               einsum("ij,jk", {a, zeros({3, 2}, float64)}));
}
