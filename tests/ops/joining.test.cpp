#include <xtape/ops/joining.hpp>

#include "../blames.hpp"
#include "places.hpp"

using namespace check;

TEST_CASE("joining: cat and stack") {
  const Tensor a = counted({2, 2}), b = counted({2, 1}) + 10, none = zeros({2, 0}, float64);
  CHECK(numbers(cat({a, b}, 1)) == Numbers{0, 1, 10, 2, 3, 11});
  CHECK(numbers(cat({a, none, b}, -1)) == Numbers{0, 1, 10, 2, 3, 11});
  CHECK(numbers(cat({a, a})) == Numbers{0, 1, 2, 3, 0, 1, 2, 3});
  CHECK(numbers(cat(std::vector<Tensor>{a, b}, 1)) == Numbers{0, 1, 10, 2, 3, 11});
  CHECK(cat({none}, 1).shape() == Shape{2, 0});
  CHECK(cat({Tensor({1, 0}, boolean), Tensor({1}, boolean)}).dtype() == boolean);
  const Tensor p({1, 2}, int64), q({3, 4}, int64);
  CHECK(numbers(stack({p, q})) == Numbers{1, 2, 3, 4});
  CHECK(numbers(stack({p, q}, 1)) == Numbers{1, 3, 2, 4});
  CHECK(numbers(stack({p, q}, -1)) == Numbers{1, 3, 2, 4});
  CHECK(stack({p, q}, -2).shape() == Shape{2, 2});
  CHECK(stack({Tensor(1), Tensor(2)}).shape() == Shape{2});
  CHECK(stack({none, none}, 2).shape() == Shape{2, 0, 2});
  CHECK(equal(stack({a, a + 4}, 1), cat({unsqueeze(a, 1), unsqueeze(a + 4, 1)}, 1)));
  // one tensor twice
  const Tensor x = Tensor({1, 2}, float64).requires_grad(true);
  (cat({x, x}) * Tensor({1, 10, 100, 1000}, float64)).backward(ones({4}, float64));
  CHECK(numbers(x.grad()) == Numbers{101, 1010});
}

TEST_CASE("joining: element types are promoted, empty 1-d tensors left out") {
  const Tensor single = Tensor({1.5, 2}).requires_grad(true), twice({3}, float64);
  const Tensor joined = cat({single, Tensor({7}, int64), twice});
  CHECK(joined.dtype() == float64);
  CHECK(numbers(joined) == Numbers{1.5, 2, 7, 3});
  sum(joined).backward();
  CHECK(single.grad().dtype() == float32);
  CHECK(numbers(single.grad()) == Numbers{1, 1});
  CHECK(cat({Tensor({1}, boolean), Tensor({2}, int64)}).dtype() == int64);
  CHECK(stack({Tensor({1}, int64), Tensor({0.5})}).dtype() == float32);
  const Tensor x = counted({2, 3});
  CHECK(equal(cat({zeros({0}, float64), x, zeros({0}, float64)}, 1), x));
  CHECK(cat({zeros({0}), zeros({0})}).shape() == Shape{0});
}

TEST_CASE("joining: roll against a loop") {
  const Tensor x = counted({3, 4, 2});
  const auto wrapped = [](std::int64_t i, std::int64_t n) { return ((i % n) + n) % n; };
  for (const std::int64_t shift : {0, 1, -1, 3, 5, -7}) {
    CAPTURE(shift);
    CHECK(matches(roll(x, shift, 1), {3, 4, 2}, [&](const Place& p) {
      return element(x, {p[0], wrapped(p[1] - shift, 4), p[2]});
    }));
    CHECK(matches(roll(x, {shift, 1}, {0, -1}), {3, 4, 2}, [&](const Place& p) {
      return element(x, {wrapped(p[0] - shift, 3), p[1], wrapped(p[2] - 1, 2)});
    }));
    CHECK(matches(reshape(roll(x, shift), {-1}), {24},
                  [&](const Place& p) { return static_cast<double>(wrapped(p[0] - shift, 24)); }));
  }
  CHECK(equal(roll(x, {1, 1}, {1, 1}), roll(x, 2, 1)));
  CHECK(roll(zeros({0, 2}), 1, 0).shape() == Shape{0, 2});
  CHECK(roll(zeros({0}), 5).shape() == Shape{0});
  CHECK(roll(Tensor(3), 5).item<int>() == 3);
  CHECK_BLAMES(ValueError, "roll: 2 shifts for 1 axes", roll(x, {1, 2}, 0));
  CHECK_BLAMES(ValueError, "roll: 2 shifts for 0 axes", roll(x, {1, 2}));
  CHECK_BLAMES(ValueError, "roll: 0 shifts for 0 axes", roll(x, {}));
  CHECK_BLAMES(IndexError, "roll: axis 3 of a tensor with 3 axes", roll(x, 1, 3));
}

TEST_CASE("joining: tile, repeat_interleave and meshgrid") {
  const Tensor x = counted({2, 3});
  CHECK(matches(tile(x, {2, 2}), {4, 6}, [&](const Place& p) {
    return element(x, {p[0] % 2, p[1] % 3});
  }));
  CHECK(matches(tile(x, 2), {2, 6}, [&](const Place& p) { return element(x, {p[0], p[1] % 3}); }));
  CHECK(matches(tile(x, {3, 1, 2}), {3, 2, 6}, [&](const Place& p) {
    return element(x, {p[1], p[2] % 3});
  }));
  CHECK(equal(tile(x, {}), x));
  CHECK(tile(Tensor(2), {2, 2}).shape() == Shape{2, 2});
  CHECK(tile(x, {0, 2}).shape() == Shape{0, 6});
  CHECK(tile(zeros({0, 2}), {3, 2}).shape() == Shape{0, 4});
  CHECK_BLAMES(ValueError, "tile: -1 repeats", tile(x, {2, -1}));
  CHECK_BLAMES(ShapeError, "shape: more than 10 axes", tile(x, std::vector<std::int64_t>(11, 1)));

  CHECK(numbers(repeat_interleave(x, 2)) == Numbers{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
  CHECK(matches(repeat_interleave(x, 3, 1), {2, 9}, [&](const Place& p) {
    return element(x, {p[0], p[1] / 3});
  }));
  CHECK(matches(repeat_interleave(x, 2, -2), {4, 3}, [&](const Place& p) {
    return element(x, {p[0] / 2, p[1]});
  }));
  CHECK(numbers(repeat_interleave(x, Tensor({2, 0, 1}, int64), 1)) == Numbers{0, 0, 2, 3, 3, 5});
  CHECK(repeat_interleave(x, 0, 0).shape() == Shape{0, 3});
  CHECK(numbers(repeat_interleave(Tensor(3), 2)) == Numbers{3, 3});
  CHECK_BLAMES(ValueError, "repeat_interleave: -1 repeats", repeat_interleave(x, -1, 0));
  CHECK_BLAMES(ValueError, "repeat_interleave: -2 repeats at position 1",
               repeat_interleave(x, Tensor({1, -2}, int64), 0));
  CHECK_BLAMES(ShapeError, "repeat_interleave: repeats have shape [3], [2] wanted",
               repeat_interleave(x, Tensor({1, 2, 3}, int64), 0));
  CHECK_BLAMES(DTypeError, "repeat_interleave: repeats are float32, int64 wanted",
               repeat_interleave(x, Tensor({1, 2}), 0));
  CHECK_BLAMES(IndexError, "repeat_interleave: axis 2 of a tensor with 2 axes",
               repeat_interleave(x, 2, 2));

  const std::vector<Tensor> grids = meshgrid({Tensor({1, 2}), Tensor({3, 4, 5}), Tensor({6})});
  CHECK(matches(grids[0], {2, 3, 1}, [](const Place& p) { return 1.0 + p[0]; }));
  CHECK(matches(grids[1], {2, 3, 1}, [](const Place& p) { return 3.0 + p[1]; }));
  CHECK(matches(grids[2], {2, 3, 1}, [](const Place&) { return 6.0; }));
  CHECK_BLAMES(ShapeError, "meshgrid: 1-d tensors wanted, got shape [2, 3]", meshgrid({x}));
}

TEST_CASE("joining: slopes of first and second order") {
  check_slopes({
                   [](auto& x) {
                     return cat({x[0], x[1], x[0]}, 1);
                   },
                   [](auto& x) {
                     return cat({zeros({2, 0}, float64), x[1]}, 1);
                   },
                   [](auto& x) {
                     return stack({x[1], x[1] * x[1]}, 1);
                   },
                   [](auto& x) {
                     return stack({x[1], x[1] * x[1]}, 2);
                   },
                   [](auto& x) {
                     return roll(x[0], {1, -3}, {0, 1}) * x[0];
                   },
                   [](auto& x) { return roll(x[0], 3) * x[0]; },
                   [](auto& x) {
                     return tile(x[1], {2, 1, 3});
                   },
                   [](auto& x) {
                     return tile(x[1], {0, 1});
                   },
                   [](auto& x) { return repeat_interleave(x[0], 2, 0); },
                   [](auto& x) {
                     return repeat_interleave(x[0], Tensor({2, 3}, int64), 0);
                   },
                   [](auto& x) {
                     const auto grids = meshgrid({flatten(x[1]), flatten(x[0])});
                     return grids[0] * grids[1];
                   },
               },
               {sin(counted({2, 4}) + 0.4), cos(counted({2, 3}))});
}
