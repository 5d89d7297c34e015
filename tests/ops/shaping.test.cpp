#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

using Numbers = std::vector<double>;
constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t tiny = std::numeric_limits<std::int64_t>::min();

Tensor counted(const Shape& shape, DType dtype = float64) {
  return reshape(arange(0, static_cast<double>(shape.numel()), 1, dtype), shape);
}

}  // namespace

TEST_CASE("shaping: reshape and its relatives share memory") {
  const Tensor x = counted({2, 3, 4});
  for (const Tensor& view :
       {reshape(x, {6, -1}), reshape(x, {-1}), reshape(x, Shape{24, 1}), flatten(x), flatten(x, 1),
        flatten(x, 0, -2), unsqueeze(x, 0), unsqueeze(x, -1), squeeze(reshape(x, {1, 24}), 0)}) {
    CHECK(view.data<double>() == x.data<double>());
    CHECK(numbers(view) == numbers(x));
  }
  CHECK(reshape(x, {6, -1}).shape() == Shape{6, 4});
  CHECK(flatten(x, 1).shape() == Shape{2, 12});
  CHECK(flatten(x, 0, -2).shape() == Shape{6, 4});
  CHECK(flatten(Tensor(3)).shape() == Shape{1});
  CHECK(unsqueeze(x, -1).shape() == Shape{2, 3, 4, 1});
  CHECK(unsqueeze(x, -4).shape() == Shape{1, 2, 3, 4});
  CHECK(unsqueeze(Tensor(3), 0).shape() == Shape{1});
  CHECK(squeeze(x, 1).shape() == Shape{2, 3, 4});
  CHECK(reshape(Tensor({3}), {}).rank() == 0);
  CHECK(reshape(zeros({0, 3}), {3, -1}).shape() == Shape{3, 0});
  CHECK(reshape(zeros({0, 3}), {0, 7}).shape() == Shape{0, 7});
  CHECK(reshape(Tensor(3), {-1, 1}).shape() == Shape{1, 1});
}

TEST_CASE("shaping: permute and transpose against loops, for every type") {
  const std::vector<std::pair<Shape, std::vector<std::int64_t>>> cases = {
      {{5}, {0}},
      {{3, 70}, {1, 0}},
      {{2, 3, 4}, {2, 0, 1}},
      {{2, 3, 4}, {0, 2, 1}},
      {{2, 3, 4}, {-1, 1, 0}},
      {{33, 2, 35}, {2, 1, 0}},
      {{2, 3, 4, 5}, {3, 1, 0, 2}},
      {{2, 17, 19, 3}, {0, 2, 1, 3}},
      {{1, 5, 1}, {2, 1, 0}},
      {{0, 3}, {1, 0}},
      {{}, {}}};
  for (const auto& [shape, dims] : cases)
    for (DType dtype : {float32, float64, int64, boolean}) {
      const Tensor x = dtype == boolean ? counted(shape) > 3 : counted(shape, dtype);
      const Tensor out = permute(x, dims);
      const int rank = shape.rank();
      const Numbers in = numbers(x), got = numbers(out);
      bool right = true;
      for (std::int64_t i = 0; i < out.numel(); ++i) {
        std::int64_t rest = i, index[4] = {}, at = 0;
        for (int j = rank - 1; j >= 0; rest /= out.shape()[j--])
          index[(dims[j] + rank) % rank] = rest % out.shape()[j];
        for (int j = 0; j < rank; ++j) at = at * shape[j] + index[j];
        right = right && got[static_cast<std::size_t>(i)] == in[static_cast<std::size_t>(at)];
      }
      CHECK(right);
      CHECK(out.dtype() == dtype);
    }
  CHECK(numbers(transpose(counted({2, 3}))) == Numbers{0, 3, 1, 4, 2, 5});
  CHECK(transpose(counted({2, 3, 4}), 0, 2).shape() == Shape{4, 3, 2});
  CHECK(transpose(counted({2, 3, 4}), 1, 1).shape() == Shape{2, 3, 4});
}

TEST_CASE("shaping: slices follow Python's rules") {
  const Tensor x = counted({5});
  const auto cut = [&](std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                       std::int64_t step) {
    return numbers(slice(x, 0, {.start = start, .stop = stop, .step = step}));
  };
  CHECK(cut(1, 4, 1) == Numbers{1, 2, 3});
  CHECK(cut({}, {}, 2) == Numbers{0, 2, 4});
  CHECK(cut({}, {}, -1) == Numbers{4, 3, 2, 1, 0});
  CHECK(cut(-2, {}, 1) == Numbers{3, 4});
  CHECK(cut({}, -2, 1) == Numbers{0, 1, 2});
  CHECK(cut(3, 0, -2) == Numbers{3, 1});
  CHECK(cut(3, {}, -2) == Numbers{3, 1});
  CHECK(cut(-100, 100, 1) == Numbers{0, 1, 2, 3, 4});
  CHECK(cut(100, -100, -1) == Numbers{4, 3, 2, 1, 0});
  CHECK(cut(4, 1, 1).empty());
  CHECK(cut(1, 4, -1).empty());
  CHECK(cut(5, {}, 1).empty());
  CHECK(cut(1, {}, huge) == Numbers{1});
  CHECK(cut({}, {}, tiny) == Numbers{4});
  CHECK(cut(tiny, huge, 3) == Numbers{0, 3});
  CHECK(slice(zeros({0, 2}), 0, {.start = {}, .stop = {}, .step = -1}).numel() == 0);
  CHECK(numbers(slice(counted({2, 3}), -1, {.start = 2, .stop = {}, .step = -2})) ==
        Numbers{2, 0, 5, 3});
  CHECK(numbers(slice(Tensor({1, 0, 1}, boolean), 0, {.start = 1})) == Numbers{0, 1});
}

TEST_CASE("shaping: cat and stack") {
  const Tensor a = counted({2, 2}), b = counted({2, 1}) + 10, none = zeros({2, 0}, float64);
  CHECK(numbers(cat({a, b}, 1)) == Numbers{0, 1, 10, 2, 3, 11});
  CHECK(numbers(cat({a, none, b}, -1)) == Numbers{0, 1, 10, 2, 3, 11});
  CHECK(numbers(cat({a, a})) == Numbers{0, 1, 2, 3, 0, 1, 2, 3});
  CHECK(cat({none}, 1).shape() == Shape{2, 0});
  CHECK(cat({Tensor({1, 0}, boolean), Tensor({1}, boolean)}).dtype() == boolean);
  const Tensor p({1, 2}, int64), q({3, 4}, int64);
  CHECK(numbers(stack({p, q})) == Numbers{1, 2, 3, 4});
  CHECK(numbers(stack({p, q}, 1)) == Numbers{1, 3, 2, 4});
  CHECK(numbers(stack({p, q}, -1)) == Numbers{1, 3, 2, 4});
  CHECK(stack({p, q}, -2).shape() == Shape{2, 2});
  CHECK(stack({Tensor(1), Tensor(2)}).shape() == Shape{2});
  // one tensor twice
  const Tensor x = Tensor({1, 2}, float64).requires_grad(true);
  (cat({x, x}) * Tensor({1, 10, 100, 1000}, float64)).backward(ones({4}, float64));
  CHECK(numbers(x.grad()) == Numbers{101, 1010});
}

TEST_CASE("shaping: gather, scatter_add, index_select, take") {
  const Tensor x = counted({3, 4});
  const Tensor index({{0, 3, -1, 0, 2}, {1, 1, 1, 1, 1}}, int64);
  CHECK(numbers(gather(x, 1, index)) == Numbers{0, 3, 3, 0, 2, 5, 5, 5, 5, 5});
  CHECK(numbers(gather(x, 0, Tensor({{2, 0, 1}}, int64))) == Numbers{8, 1, 6});
  CHECK(gather(x, 1, zeros({0, 4}, int64)).shape() == Shape{0, 4});
  CHECK(numbers(scatter_add(zeros({2, 3}), 1, Tensor({{1, 1, -1, 1}}, int64),
                            Tensor({{1, 2, 4, 8}}))) == Numbers{0, 11, 4, 0, 0, 0});
  CHECK(numbers(index_select(x, 1, Tensor({3, 3, -4}, int64))) ==
        Numbers{3, 3, 0, 7, 7, 4, 11, 11, 8});
  CHECK(index_select(x, 0, zeros({0}, int64)).shape() == Shape{0, 4});
  CHECK(numbers(index_select(Tensor({1, 0}, boolean), 0, Tensor({1, 0, 0}, int64))) ==
        Numbers{0, 1, 1});
  CHECK(numbers(take(x, Tensor({{11, -12}, {5, 5}}, int64))) == Numbers{11, 0, 5, 5});
  CHECK(take(Tensor(7), Tensor({0}, int64)).item<int>() == 7);
  const Tensor base = x.copy();
  scatter_add(base, 0, Tensor({{0}}, int64), Tensor({{5}}, float64));
  CHECK(equal(base, x));  // a copy is changed, not the tensor
  // repeated indices add up, also into a gradient that is there
  const Tensor w = Tensor({1, 2, 3}, float64).requires_grad(true);
  for (int pass = 1; pass <= 2; ++pass) {
    take(w, Tensor({1, 1, 1, 0}, int64)).backward(Tensor({1, 10, 100, 5}, float64));
    CHECK(numbers(w.grad()) == Numbers{5.0 * pass, 111.0 * pass, 0});
  }
}

TEST_CASE("shaping: slopes of first and second order") {
  const Tensor index({{0, 3, -1}, {1, 1, 1}}, int64), rows({1, 0, 1}, int64);
  const std::vector<Tensor> points{sin(counted({2, 4}) + 0.4), cos(counted({2, 3}))};
  const std::vector<Function> functions = {
      [](auto& x) {
        return reshape(x[0], {4, 2});
      },
      [](auto& x) { return flatten(x[0]); },
      [](auto& x) { return unsqueeze(x[0], 1); },
      [](auto& x) {
        return permute(x[0], {1, 0});
      },
      [](auto& x) {
        return transpose(reshape(x[0], {2, 2, 2}), 0, 2);
      },
      [](auto& x) { return slice(x[0], 1, {.start = {}, .stop = {}, .step = -2}); },
      [](auto& x) {
        return slice(x[0], 0, {.start = 1}) * slice(x[0], 0, {.start = 0, .stop = 1});
      },
      [](auto& x) {
        return cat({x[0], x[1], x[0]}, 1);
      },
      [](auto& x) {
        return stack({x[1], x[1] * x[1]}, 1);
      },
      [&](auto& x) { return gather(x[0], 1, index); },
      [&](auto& x) { return scatter_add(x[0], 1, index, x[1]); },
      [&](auto& x) { return index_select(x[0], 0, rows); },
      [&](auto& x) { return take(x[0], index); },
  };
  for (std::size_t i = 0; i < functions.size(); ++i) {
    CAPTURE(i);
    CHECK(slope_error(functions[i], points) < 1e-7);
    CHECK(slope_error(functions[i], points, true) < 1e-7);
    CHECK(curvature_error(functions[i], points) < 1e-6);
  }
}
