#include <limits>
#include <xtape/ops/slicing.hpp>

#include "../blames.hpp"
#include "places.hpp"

using namespace check;

namespace {

constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t tiny = std::numeric_limits<std::int64_t>::min();

}  // namespace

TEST_CASE("slicing: slices follow Python's rules") {
  const Tensor x = counted({5});
  const auto cut = [&](std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                       std::int64_t step) {
    const Tensor out = index(x, {range(start, stop, step)});
    CHECK(equal(slice(x, 0, {.start = start, .stop = stop, .step = step}), out));
    return numbers(out);
  };
  CHECK(cut(1, 4, 1) == Numbers{1, 2, 3});
  CHECK(cut(_, _, 2) == Numbers{0, 2, 4});
  CHECK(cut(_, _, -1) == Numbers{4, 3, 2, 1, 0});
  CHECK(cut(-2, _, 1) == Numbers{3, 4});
  CHECK(cut(_, -2, 1) == Numbers{0, 1, 2});
  CHECK(cut(3, 0, -2) == Numbers{3, 1});
  CHECK(cut(3, _, -2) == Numbers{3, 1});
  CHECK(cut(_, -6, -1) == Numbers{4, 3, 2, 1, 0});
  CHECK(cut(-100, 100, 1) == Numbers{0, 1, 2, 3, 4});
  CHECK(cut(100, -100, -1) == Numbers{4, 3, 2, 1, 0});
  CHECK(cut(4, 1, 1).empty());
  CHECK(cut(1, 4, -1).empty());
  CHECK(cut(5, _, 1).empty());
  CHECK(cut(1, _, huge) == Numbers{1});
  CHECK(cut(_, _, tiny) == Numbers{4});
  CHECK(cut(tiny, huge, 3) == Numbers{0, 3});
  CHECK(slice(zeros({0, 2}), 0, {.start = {}, .stop = {}, .step = -1}).numel() == 0);
  CHECK(numbers(slice(counted({2, 3}), -1, {.start = 2, .stop = {}, .step = -2})) ==
        Numbers{2, 0, 5, 3});
  CHECK(numbers(slice(Tensor({1, 0, 1}, boolean), 0, {.start = 1})) == Numbers{0, 1});
}

TEST_CASE("slicing: index takes integers, ranges, new axes and an ellipsis") {
  for (DType dtype : {float32, float64, int64}) {
    const Tensor x = counted({3, 4, 5}, dtype);
    const auto from = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
      return static_cast<double>((i * 4 + j) * 5 + k);
    };
    CHECK(equal(index(x, {}), x));
    CHECK(equal(index(x, {_, ellipsis, _}), x));
    CHECK(equal(index(x, {ellipsis}), x));
    CHECK(index(x, {1, -1, 2}).rank() == 0);
    CHECK(index(x, {1, -1, 2}).item<double>() == from(1, 3, 2));
    CHECK(matches(index(x, {-1}), {4, 5}, [&](auto& p) { return from(2, p[0], p[1]); }));
    CHECK(matches(index(x, {_, 2}), {3, 5}, [&](auto& p) { return from(p[0], 2, p[1]); }));
    CHECK(matches(index(x, {ellipsis, 2}), {3, 4}, [&](auto& p) { return from(p[0], p[1], 2); }));
    CHECK(matches(index(x, {0, ellipsis, newaxis, range(1, _, 2)}), {4, 1, 2},
                  [&](auto& p) { return from(0, p[0], 1 + 2 * p[2]); }));
    CHECK(matches(index(x, {range(_, _, -2), range(3, 0, -1), range(1, _, 2)}), {2, 3, 2},
                  [&](auto& p) { return from(2 - 2 * p[0], 3 - p[1], 1 + 2 * p[2]); }));
    CHECK(matches(index(x, {newaxis, range(1, 3), newaxis, _, 4}), {1, 2, 1, 4},
                  [&](auto& p) { return from(1 + p[1], p[3], 4); }));
    CHECK(index(x, {range(2, 2)}).shape() == Shape{0, 4, 5});
    CHECK(index(x, {0, 1, ellipsis, 2}).rank() == 0);
    CHECK(index(x, {0}).dtype() == dtype);
  }
  CHECK(index(Tensor(3), {newaxis, ellipsis}).shape() == Shape{1});
  const std::vector<Index> items{1, range(_, 2)};
  CHECK(numbers(index(counted({2, 3}), items)) == Numbers{3, 4});
}

TEST_CASE("slicing: index says what does not fit") {
  const Tensor x = zeros({2, 3});
  CHECK_BLAMES(IndexError, "index: 3 is not an index of axis 1 of shape [2, 3], which has size 3",
               index(x, {0, 3}));
  CHECK_BLAMES(IndexError, "index: -3 is not an index of axis 0 of shape [2, 3], which has size 2",
               index(x, {-3, ellipsis}));
  CHECK_BLAMES(IndexError, "index: 3 indices for 2 axes of shape [2, 3]", index(x, {0, _, 1}));
  CHECK_BLAMES(IndexError, "index: 1 indices for 0 axes of shape []", index(Tensor(1), {0}));
  CHECK_BLAMES(IndexError, "index: 2 ellipses, one is allowed", index(x, {ellipsis, ellipsis}));
  CHECK_BLAMES(ValueError, "index: the step is 0", index(x, {range(_, _, 0)}));
  CHECK_BLAMES(ShapeError, "shape: more than 10 axes",
               index(ones({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), {newaxis}));
}

TEST_CASE("slicing: assign writes into a part") {
  const Tensor x = counted({3, 4});
  assign(x, {1}, -1);
  assign(x, {_, range(_, _, -3)}, Tensor({{10}, {20}, {30}}));
  CHECK(numbers(x) == Numbers{10, 1, 2, 10, 20, -1, -1, 20, 30, 9, 10, 30});
  assign(x, {ellipsis}, 0.5);
  CHECK(numbers(x) == Numbers(12, 0.5));
  const Tensor n = counted({4}, int64);
  assign(n, {range(1, 3)}, 7.9);
  assign(n, {range(3, 3)}, 5);
  CHECK(numbers(n) == Numbers{0, 7, 7, 3});
  const Tensor turned = counted({4});
  assign(turned, {range(_, _, -1)}, turned);  // its own elements
  assign(reshape(turned, {2, 2}), {0, 0}, 9);
  CHECK(numbers(turned) == Numbers{9, 2, 1, 0});
}

TEST_CASE("slicing: assign and gradients") {
  const Tensor w = Tensor({1, 2, 3}, float64).requires_grad(true);
  CHECK_BLAMES(GradError, "assign: the tensor requires gradients", assign(w, {0}, 5));
  CHECK_BLAMES(GradError, "assign: the value requires gradients", assign(zeros({3}), {}, w));
  const Tensor needed = sum(w * w), not_needed = sum(flip(w, 0));
  {
    const NoGrad off;
    assign(w, {0}, 5);
    const Tensor x = zeros({3}, float64);
    assign(x, {}, w);
    CHECK_FALSE(x.requires_grad());
  }
  CHECK(numbers(w) == Numbers{5, 2, 3});
  CHECK(w.requires_grad());
  CHECK_THROWS_AS(needed.backward(), StaleValueError);
  CHECK_NOTHROW(not_needed.backward());
  CHECK_BLAMES(ShapeError, "assign: a value of shape [2, 1] for a part of shape [1]",
               assign(zeros({1}), {}, zeros({2, 1})));
  CHECK_BLAMES(ShapeError, "assign: shapes do not broadcast: [2] and [3]",
               assign(zeros({4}), {range(1, _)}, zeros({2})));
  CHECK_BLAMES(IndexError, "assign: 4 is not an index of axis 0", assign(zeros({4}), {4}, 0));
}

TEST_CASE("slicing: split, chunk and unbind") {
  const Tensor x = counted({2, 5});
  const auto sizes = [](const std::vector<Tensor>& pieces) {
    Numbers out;
    for (const Tensor& piece : pieces) out.push_back(static_cast<double>(piece.size(-1)));
    return out;
  };
  CHECK(sizes(split(x, {2, 0, 3}, -1)) == Numbers{2, 0, 3});
  CHECK(numbers(split(x, {2, 0, 3}, -1)[2]) == Numbers{2, 3, 4, 7, 8, 9});
  CHECK(sizes(split(x, {5}, 1)) == Numbers{5});
  CHECK(split(zeros({0}), std::vector<std::int64_t>{}).empty());
  CHECK(sizes(split(x, 2, 1)) == Numbers{2, 2, 1});
  CHECK(sizes(split(x, 5, 1)) == Numbers{5});
  CHECK(sizes(split(x, 9, 1)) == Numbers{5});
  CHECK(sizes(split(zeros({0}), 2)) == Numbers{0});
  CHECK(sizes(chunk(x, 4, 1)) == Numbers{2, 2, 1});
  CHECK(sizes(chunk(x, 5, 1)) == Numbers{1, 1, 1, 1, 1});
  CHECK(sizes(chunk(x, 9, 1)) == Numbers{1, 1, 1, 1, 1});
  CHECK(sizes(chunk(x, 1, 1)) == Numbers{5});
  CHECK(sizes(chunk(zeros({2, 0}), 3, 1)) == Numbers{0, 0, 0});
  CHECK(numbers(unbind(x)[1]) == Numbers{5, 6, 7, 8, 9});
  CHECK(numbers(unbind(x, -1)[3]) == Numbers{3, 8});
  CHECK(unbind(x, 1).size() == 5);
  CHECK(unbind(zeros({0, 2})).empty());
  CHECK(unbind(Tensor({4}))[0].rank() == 0);
  CHECK_BLAMES(ShapeError, "split: pieces of sizes [2, 2] do not make up axis 1 of shape [2, 5]",
               split(x, {2, 2}, 1));
  CHECK_BLAMES(ShapeError, "split: pieces of sizes [6, -1] do not make up axis 1",
               split(x, {6, -1}, 1));
  CHECK_BLAMES(ValueError, "split: pieces of size 0", split(x, 0));
  CHECK_BLAMES(ValueError, "chunk: 0 chunks", chunk(x, 0));
  CHECK_BLAMES(IndexError, "split: axis 2 of a tensor with 2 axes", split(x, 1, 2));
  CHECK_BLAMES(IndexError, "split: axis 2 of a tensor with 2 axes", split(x, {1}, 2));
  CHECK_BLAMES(IndexError, "chunk: axis 0 of a tensor with 0 axes", chunk(Tensor(1), 1));
  CHECK_BLAMES(IndexError, "unbind: axis 0 of a tensor with 0 axes", unbind(Tensor(1)));
}

TEST_CASE("slicing: flip") {
  const Tensor x = counted({2, 3, 4});
  CHECK(matches(flip(x, {0, -1}), {2, 3, 4}, [&](const Place& p) {
    return element(x, {1 - p[0], p[1], 3 - p[2]});
  }));
  CHECK(equal(flip(x, {}), x));
  CHECK(flip(zeros({0, 2}), 0).shape() == Shape{0, 2});
  CHECK_BLAMES(IndexError, "flip: axis -1 is named twice in [2, -1]", flip(x, {2, -1}));
  CHECK_BLAMES(IndexError, "flip: axis 3 of a tensor with 3 axes", flip(x, 3));
}

TEST_CASE("slicing: slopes of first and second order, also of many pieces") {
  check_slopes({
                   [](auto& x) { return slice(x[0], 1, {.start = {}, .stop = {}, .step = -2}); },
                   [](auto& x) {
                     return slice(x[0], 0, {.start = 1}) * slice(x[0], 0, {.start = 0, .stop = 1});
                   },
                   [](auto& x) {
                     return index(x[0], {newaxis, 1, range(_, _, -3)});
                   },
                   [](auto& x) {
                     return index(x[0], {0, ellipsis, 2}) * index(x[0], {1, 2});
                   },
                   [](auto& x) {
                     const auto pieces = split(x[0], {1, 3}, 1);
                     return pieces[0] * pieces[1];
                   },
                   [](auto& x) {
                     const auto pieces = chunk(x[0], 2, 1);
                     return pieces[0] * pieces[1];
                   },
                   [](auto& x) {
                     const auto rows = unbind(x[0]), columns = unbind(x[0], 1);
                     return rows[0] * rows[1] * sum(columns[0] * columns[3]);
                   },
                   [](auto& x) {
                     return flip(x[0], {0, 1}) * x[0];
                   },
                   [](auto& x) { return index(x[0], {range(2, 2)}); },
               },
               {sin(counted({2, 4}) + 0.4)});
}
