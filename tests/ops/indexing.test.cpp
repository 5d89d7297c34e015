#include <xtape/ops/indexing.hpp>

#include "../blames.hpp"
#include "places.hpp"

using namespace check;

TEST_CASE("indexing: gather, scatter_add, index_select, take") {
  const Tensor x = counted({3, 4});
  const Tensor picks({{0, 3, 3, 0, 2}, {1, 1, 1, 1, 1}}, int64);
  CHECK(numbers(gather(x, 1, picks)) == Numbers{0, 3, 3, 0, 2, 5, 5, 5, 5, 5});
  CHECK(numbers(gather(x, 0, Tensor({{2, 0, 1}}, int64))) == Numbers{8, 1, 6});
  CHECK(gather(x, 1, zeros({0, 4}, int64)).shape() == Shape{0, 4});
  CHECK(gather(x, 1, zeros({3, 0}, int64)).shape() == Shape{3, 0});
  CHECK(numbers(scatter_add(zeros({2, 3}), 1, Tensor({{1, 1, 2, 1}}, int64),
                            Tensor({{1, 2, 4, 8}}))) == Numbers{0, 11, 4, 0, 0, 0});
  CHECK(numbers(index_select(x, 1, Tensor({3, 3, 0}, int64))) ==
        Numbers{3, 3, 0, 7, 7, 4, 11, 11, 8});
  CHECK(index_select(x, 0, zeros({0}, int64)).shape() == Shape{0, 4});
  CHECK(numbers(index_select(Tensor({1, 0}, boolean), 0, Tensor({1, 0, 0}, int64))) ==
        Numbers{0, 1, 1});
  CHECK(numbers(take(x, Tensor({{11, -12}, {5, 5}}, int64))) == Numbers{11, 0, 5, 5});
  CHECK(numbers(take(x, Tensor({-1, 0, -12}, int64))) == Numbers{11, 0, 0});
  CHECK(take(Tensor(7), Tensor({0}, int64)).item<int>() == 7);
  CHECK(take(zeros({0}), zeros({0, 2}, int64)).shape() == Shape{0, 2});
  const Tensor base = x.copy();
  scatter_add(base, 0, Tensor({{0}}, int64), Tensor({{5}}, float64));
  CHECK(equal(base, x));  // a copy is changed, not the tensor
}

TEST_CASE("indexing: gather and scatter_add against loops on three axes") {
  const Tensor x = counted({3, 4, 5});
  for (const int axis : {0, 1, 2}) {
    CAPTURE(axis);
    const Tensor at = randint(0, x.size(axis), {2, 3, 4});
    const auto there = [&](Place p) {
      p[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(element(at, p));
      return p;
    };
    CHECK(matches(gather(x, axis - 3, at), {2, 3, 4},
                  [&](const Place& p) { return element(x, there(p)); }));
    const Tensor source = counted({2, 3, 4}) + 1;
    const Tensor added = scatter_add(x, axis, at, source);
    Numbers expected = numbers(x);
    for (std::int64_t i = 0; i < 24; ++i) {
      const Place p = there({i / 12, i / 4 % 3, i % 4});
      expected[static_cast<std::size_t>((p[0] * 4 + p[1]) * 5 + p[2])] += 1.0 + i;
    }
    CHECK(numbers(added) == expected);
    // a larger source counts from its beginning
    const Tensor larger = pad(source, {{0, 1}, {0, 2}, {0, 0}}, {.value = 1e6});
    CHECK(equal(scatter_add(x, axis, at, larger), added));
  }
}

TEST_CASE("indexing: repeated indices add up, also into a gradient that is there") {
  const Tensor w = Tensor({1, 2, 3}, float64).requires_grad(true);
  for (int pass = 1; pass <= 2; ++pass) {
    take(w, Tensor({1, 1, 1, 0}, int64)).backward(Tensor({1, 10, 100, 5}, float64));
    CHECK(numbers(w.grad()) == Numbers{5.0 * pass, 111.0 * pass, 0});
  }
  const Tensor rows = ones({3, 2}, float64).requires_grad(true);
  for (int pass = 1; pass <= 2; ++pass) {
    index_select(rows, 0, Tensor({2, 0, 2}, int64))
        .backward(Tensor({{1, 2}, {10, 20}, {100, 200}}, float64));
    CHECK(numbers(rows.grad()) ==
          Numbers{10.0 * pass, 20.0 * pass, 0, 0, 101.0 * pass, 202.0 * pass});
  }
}

TEST_CASE("indexing: scatter and index_add") {
  const Tensor x = counted({2, 3});
  const Tensor at({{2, 0, 2}}, int64);
  CHECK(numbers(scatter(x, 1, at, Tensor({{7, 8, 9}}, float64))) == Numbers{8, 1, 9, 3, 4, 5});
  CHECK(numbers(scatter(x, 0, Tensor({{1, 0}}, int64), -1)) == Numbers{0, -1, 2, -1, 4, 5});
  CHECK(numbers(scatter(zeros({2}, int64), 0, Tensor({1}, int64), Tensor({5}, int64))) ==
        Numbers{0, 5});
  CHECK(equal(x, counted({2, 3})));
  // of two elements at one place the last one gets the gradient
  const Tensor source = Tensor({{7, 8, 9}}, float64).requires_grad(true);
  const Tensor base = x.copy().requires_grad(true);
  scatter(base, 1, at, source).backward(counted({2, 3}) + 1);
  CHECK(numbers(source.grad()) == Numbers{0, 1, 3});
  CHECK(numbers(base.grad()) == Numbers{0, 2, 0, 4, 5, 6});

  CHECK(numbers(index_add(x, 1, Tensor({2, 2}, int64), Tensor({{1, 2}, {3, 4}}, float64))) ==
        Numbers{0, 1, 5, 3, 4, 12});
  CHECK(numbers(index_add(x, 0, Tensor({1}, int64), ones({1, 3}, float64))) ==
        Numbers{0, 1, 2, 4, 5, 6});
  CHECK(equal(index_add(x, 0, zeros({0}, int64), zeros({0, 3}, float64)), x));
}

TEST_CASE("indexing: masked_select and nonzero") {
  const Tensor x = counted({2, 3});
  CHECK(numbers(masked_select(x, x > 2)) == Numbers{3, 4, 5});
  CHECK(numbers(masked_select(x, Tensor({1, 0, 1}, boolean))) == Numbers{0, 2, 3, 5});
  CHECK(numbers(masked_select(Tensor({5, 6}), Tensor({{1}, {0}, {1}}, boolean))) ==
        Numbers{5, 6, 5, 6});
  CHECK(masked_select(x, x > 9).shape() == Shape{0});
  CHECK(masked_select(Tensor(3), Tensor(1, boolean)).shape() == Shape{1});
  CHECK(masked_select(x > 2, x > 1).dtype() == boolean);
  const Tensor places = nonzero(Tensor({{0, 2, 0}, {-1, 0, std::nan("")}}));
  CHECK(places.dtype() == int64);
  CHECK(places.shape() == Shape{3, 2});
  CHECK(numbers(places) == Numbers{0, 1, 1, 0, 1, 2});
  CHECK(nonzero(Tensor(5)).shape() == Shape{1, 0});
  CHECK(nonzero(Tensor({0, 1, 1}, boolean)).shape() == Shape{2, 1});
  CHECK(nonzero(zeros({0, 4})).shape() == Shape{0, 2});
  CHECK_BLAMES(DTypeError, "masked_select: the mask is float64, boolean wanted",
               masked_select(x, x));
  CHECK_BLAMES(ShapeError, "masked_select: shapes do not broadcast: [2, 3] and [2]",
               masked_select(x, zeros({2}, boolean)));
}

TEST_CASE("indexing: one_hot") {
  const Tensor codes = one_hot(Tensor({{1, 0}, {2, 2}}, int64), 3);
  CHECK(codes.dtype() == int64);
  CHECK(codes.shape() == Shape{2, 2, 3});
  CHECK(numbers(codes) == Numbers{0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1});
  CHECK(one_hot(Tensor({1, 4}, int64)).shape() == Shape{2, 5});
  CHECK(numbers(one_hot(Tensor(1, int64), 2)) == Numbers{0, 1});
  CHECK(one_hot(zeros({0}, int64), 4).shape() == Shape{0, 4});
  CHECK_BLAMES(IndexError, "one_hot: class 3 at position 1, but there are 3 classes",
               one_hot(Tensor({0, 3}, int64), 3));
  CHECK_BLAMES(IndexError, "one_hot: class -1 at position 0, but there are 3 classes",
               one_hot(Tensor({-1}, int64), 3));
  CHECK_BLAMES(ValueError, "one_hot: -1 classes for 0 elements", one_hot(zeros({0}, int64)));
  CHECK_BLAMES(ValueError, "one_hot: 0 classes for 1 elements", one_hot(zeros({1}, int64), 0));
  CHECK_BLAMES(DTypeError, "one_hot: classes are float32, int64 wanted", one_hot(zeros({1}), 3));
}

TEST_CASE("indexing: what does not fit") {
  const Tensor x = zeros({2, 3}), at = zeros({1}, int64);
  CHECK_BLAMES(IndexError, "index_select: index -1 at position 0, but the axis has size 2",
               index_select(x, 0, Tensor({-1}, int64)));
  CHECK_BLAMES(IndexError, "take: index -7 at position 0, but the axis has size 6",
               take(x, Tensor({-7}, int64)));
  CHECK_BLAMES(ShapeError, "scatter_add: the source has shape [1], the index [2]",
               scatter_add(zeros({2}), 0, zeros({2}, int64), zeros({1})));
  CHECK_BLAMES(ShapeError, "scatter: the source has shape [1], the index [1, 1]",
               scatter(x, 0, zeros({1, 1}, int64), zeros({1})));
  CHECK_BLAMES(ShapeError, "scatter: an index of shape [1] does not fit x of shape [2, 3]",
               scatter(x, 0, at, 1));
  CHECK_BLAMES(DTypeError, "scatter: float64 written to float32",
               scatter(x, 0, zeros({1, 1}, int64), zeros({1, 1}, float64)));
  CHECK_BLAMES(IndexError, "scatter: index 2 at position 0, but the axis has size 2",
               scatter(x, 0, Tensor({{2}}, int64), 1));
  CHECK_BLAMES(IndexError, "scatter: axis 2 of a tensor with 2 axes", scatter(x, 2, at, 1));
  CHECK_BLAMES(IndexError, "index_add: axis 2 of a tensor with 2 axes", index_add(x, 2, at, x));
  CHECK_BLAMES(ShapeError, "index_add: a 1-d index wanted, its shape is []",
               index_add(x, 0, Tensor(0, int64), x));
  CHECK_BLAMES(IndexError, "index_add: index 2 at position 0", index_add(x, 0, at + 2, x));
  CHECK_BLAMES(ShapeError, "index_add: the source has shape [2, 3], [1, 3] wanted",
               index_add(x, 0, at, x));
  CHECK_BLAMES(DTypeError, "index_add: int64 added to float32",
               index_add(x, 0, at, zeros({1, 3}, int64)));
}

TEST_CASE("indexing: slopes of first and second order") {
  const Tensor at({{0, 3, 2}, {1, 1, 1}}, int64), rows({1, 0, 1}, int64);
  check_slopes({
                   [&](auto& x) { return gather(x[0], 1, at); },
                   [&](auto& x) { return scatter_add(x[0], 1, at, x[1]); },
                   [&](auto& x) { return scatter(x[0], 1, at, x[1]) * x[0]; },
                   [&](auto& x) { return scatter(x[0], 1, at, 3) * x[0]; },
                   [&](auto& x) { return index_select(x[0], 0, rows); },
                   [&](auto& x) { return index_select(x[0], 1, rows); },
                   [&](auto& x) { return index_add(x[0], 1, rows, x[1]); },
                   [&](auto& x) { return take(x[0], at); },
                   [&](auto& x) { return masked_select(x[0], x[0] > 0.3); },
                   [&](auto& x) {
                     return masked_select(x[1], Tensor({{{1, 0, 1}}, {{0, 0, 1}}}, boolean));
                   },
               },
               {sin(counted({2, 4}) + 0.4), cos(counted({2, 3}))});
}
