#include "../blames.hpp"

using namespace xtape;
using check::distance;
using check::numbers;
using check::slope_error;

TEST_CASE("embedding: rows, repeated rows, padding") {
  const Tensor table = randn({5, 3}, float64);
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{2, 3}, Shape{0}, Shape{2, 0}}) {
    const Tensor index = cast(5 * rand(shape, float64), int64);
    Shape wanted = shape;
    wanted.push_back(3);
    const Tensor rows = nn::embedding(index, table);
    CHECK(rows.shape() == wanted);
    for (std::int64_t i = 0; i < index.numel(); ++i)
      for (std::int64_t c = 0; c < 3; ++c)
        CHECK(numbers(rows)[3 * i + c] == numbers(table)[3 * index.data<std::int64_t>()[i] + c]);
  }
  const Tensor index({{1, 4, 1}, {0, 1, 4}}, int64);
  CHECK(slope_error([&](const auto& in) { return square(nn::embedding(index, in[0])); }, {table}) <
        1e-8);
  for (const std::int64_t padding : {4, -1}) {
    const Tensor leaf = table.copy().requires_grad(true);
    const Tensor rows = nn::embedding(index, leaf, {.padding_idx = padding});
    CHECK(distance(rows, nn::embedding(index, table)) == 0);
    sum(rows).backward();
    CHECK(numbers(leaf.grad()) == std::vector<double>{1, 1, 1, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  }
}

TEST_CASE("embedding bags") {
  const Tensor table = randn({6, 3}, float64);
  const Tensor index({{0, 5, 5}, {2, 1, 4}}, int64);
  const Tensor rows = nn::embedding(index, table);
  const auto bag = [&](const Tensor& weight, nn::BagMode mode) {
    return nn::embedding_bag(index, weight, {.mode = mode});
  };
  CHECK(distance(bag(table, nn::BagMode::sum), sum(rows, 1)) == 0);
  CHECK(distance(bag(table, nn::BagMode::mean), mean(rows, 1)) == 0);
  CHECK(distance(bag(table, nn::BagMode::max), amax(rows, 1)) == 0);
  for (const nn::BagMode mode : {nn::BagMode::sum, nn::BagMode::mean, nn::BagMode::max})
    CHECK(slope_error([&](const auto& in) { return bag(in[0], mode); }, {table}) < 1e-8);
  const Tensor none = nn::embedding_bag(Tensor::empty({2, 0}, int64), table);
  CHECK(numbers(none) == std::vector<double>(6));
}

TEST_CASE("embedding: errors") {
  const Tensor table = ones({3, 2});
  CHECK_BLAMES(IndexError, "embedding: index 3 at position 1, but there are 3 rows",
               nn::embedding(Tensor({0, 3}, int64), table));
  CHECK_BLAMES(IndexError, "embedding: index -1 at position 0",
               nn::embedding(Tensor({-1}, int64), table));
  CHECK_BLAMES(IndexError, "embedding: padding_idx 3, but there are 3 rows",
               nn::embedding(Tensor({0}, int64), table, {.padding_idx = 3}));
  CHECK_BLAMES(DTypeError, "embedding: the index is float32, int64 wanted",
               nn::embedding(ones({2}), table));
  CHECK_BLAMES(ShapeError, "embedding: a weight [V, D] wanted, its shape is [3]",
               nn::embedding(Tensor({0}, int64), ones({3})));
  CHECK_BLAMES(ShapeError, "embedding_bag: an index [B, n] wanted, its shape is [1]",
               nn::embedding_bag(Tensor({0}, int64), table));
}
