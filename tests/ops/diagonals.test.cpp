#include <xtape/ops/diagonals.hpp>

#include "../blames.hpp"
#include "places.hpp"

using namespace check;

TEST_CASE("diagonals: diagonal against a loop") {
  const Tensor x = counted({3, 4});
  CHECK(numbers(diagonal(x)) == Numbers{0, 5, 10});
  CHECK(numbers(diagonal(x, 1)) == Numbers{1, 6, 11});
  CHECK(numbers(diagonal(x, 3)) == Numbers{3});
  CHECK(numbers(diagonal(x, -1)) == Numbers{4, 9});
  CHECK(numbers(diagonal(x, 1, 1, 0)) == Numbers{4, 9});
  for (const std::int64_t outside : {4, -3, 100, -100})
    CHECK(diagonal(x, outside).shape() == Shape{0});
  const Tensor y = counted({2, 3, 4});
  CHECK(matches(diagonal(y, 1, -2, -1), {2, 3}, [&](const Place& p) {
    return element(y, {p[0], p[1], p[1] + 1});
  }));
  CHECK(matches(diagonal(y, -1, 2, 0), {3, 2}, [&](const Place& p) {
    return element(y, {p[1], p[0], p[1] + 1});
  }));
  CHECK(diagonal(zeros({0, 3})).shape() == Shape{0});
  CHECK_BLAMES(IndexError, "diagonal: two axes wanted, both are axis 1", diagonal(y, 0, 1, -2));
  CHECK_BLAMES(IndexError, "diagonal: axis 1 of a tensor with 1 axes", diagonal(zeros({2})));
  CHECK_BLAMES(IndexError, "diagonal: axis 0 of a tensor with 0 axes", diagonal(Tensor(1)));
}

TEST_CASE("diagonals: diag_embed and diag") {
  CHECK(numbers(diag_embed(Tensor({1, 2}))) == Numbers{1, 0, 0, 2});
  CHECK(numbers(diag_embed(Tensor({1, 2}), 1)) == Numbers{0, 1, 0, 0, 0, 2, 0, 0, 0});
  const Tensor x = counted({2, 3}) + 1;
  CHECK(matches(diag_embed(x, -1, 0, 2), {4, 2, 4}, [&](const Place& p) {
    return p[0] == p[2] + 1 ? element(x, {p[1], p[2]}) : 0.0;
  }));
  for (const std::int64_t offset : {0, 1, -2}) {
    CHECK(equal(diagonal(diag_embed(x, offset), offset, -2, -1), x));
    CHECK(equal(diagonal(diag_embed(x, offset, 2, 0), offset, 2, 0), x));
  }
  CHECK(diag_embed(zeros({0})).shape() == Shape{0, 0});
  CHECK(numbers(diag(Tensor({1, 2}), -1)) == Numbers{0, 0, 0, 1, 0, 0, 0, 2, 0});
  CHECK(numbers(diag(counted({2, 3}), 1)) == Numbers{1, 5});
  CHECK_BLAMES(ShapeError, "diag: a vector or a matrix wanted, the shape is []", diag(Tensor(1)));
  CHECK_BLAMES(IndexError, "diag_embed: two axes wanted, both are axis 0", diag_embed(x, 0, 0, -3));
  CHECK_BLAMES(IndexError, "diag_embed: axis 3 of a tensor with 3 axes", diag_embed(x, 0, 0, 3));
  CHECK_BLAMES(IndexError, "diag_embed: axis -1 of a tensor with 0 axes", diag_embed(Tensor(1)));
}

TEST_CASE("diagonals: triangles against a loop") {
  for (const Shape& shape : {Shape{3, 4}, Shape{4, 3}, Shape{2, 3, 3}, Shape{1, 1}})
    for (std::int64_t diagonal = -5; diagonal <= 5; ++diagonal) {
      CAPTURE(shape.str());
      CAPTURE(diagonal);
      const Tensor x = counted(shape) + 1;
      const auto size = static_cast<std::size_t>(shape.rank());
      const auto above = [&](const Place& p) { return p[size - 1] - p[size - 2]; };
      CHECK(matches(tril(x, diagonal), shape,
                    [&](const Place& p) { return above(p) <= diagonal ? element(x, p) : 0.0; }));
      CHECK(matches(triu(x, diagonal), shape,
                    [&](const Place& p) { return above(p) >= diagonal ? element(x, p) : 0.0; }));
    }
  CHECK(numbers(tril(full({2, 2}, std::nan("")), -2)) == Numbers{0, 0, 0, 0});
  CHECK(numbers(triu(ones({2, 2}, boolean), 1)) == Numbers{0, 1, 0, 0});
  CHECK(tril(zeros({0, 3})).shape() == Shape{0, 3});
  CHECK(triu(zeros({2, 3, 0})).shape() == Shape{2, 3, 0});
  CHECK_BLAMES(ShapeError, "tril: at least two axes wanted, the shape is [3]", tril(zeros({3})));
  CHECK_BLAMES(ShapeError, "triu: at least two axes wanted, the shape is []", triu(Tensor(1)));
}

TEST_CASE("diagonals: trace") {
  CHECK(trace(counted({2, 4})).item<double>() == 5);
  CHECK(trace(counted({4, 2})).rank() == 0);
  CHECK(trace(zeros({0, 3})).item<double>() == 0);
  CHECK(trace(counted({2, 2}, int64)).dtype() == int64);
  CHECK_BLAMES(ShapeError, "trace: a matrix wanted, the shape is [2]", trace(zeros({2})));
}

TEST_CASE("diagonals: slopes of first and second order") {
  check_slopes({
                   [](auto& x) { return diagonal(x[0], 1) * diagonal(x[0]); },
                   [](auto& x) { return diag_embed(x[0], -1, 0, 2); },
                   [](auto& x) { return matmul(x[0], diag(flatten(x[0]))); },
                   [](auto& x) { return tril(x[0]) * triu(x[0], -1); },
                   [](auto& x) { return trace(matmul(x[0], x[0])); },
                   [](auto& x) { return diagonal(x[0], 7); },
               },
               {sin(counted({1, 1}) + 0.4)});
  check_slopes({
                   [](auto& x) { return diagonal(x[0], 1); },
                   [](auto& x) { return diagonal(matmul(transpose(x[0]), x[0])); },
                   [](auto& x) { return tril(x[0]) * triu(x[0], -1); },
                   [](auto& x) { return trace(matmul(x[0], transpose(x[0]))); },
               },
               {sin(counted({3, 4}) + 0.4)});
}
