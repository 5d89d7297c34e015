#include <xtape/nn/embedding_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::equal;
using check::listing;
using check::numbers;

TEST_CASE("embedding layers: a table of normal numbers, rows by number") {
  manual_seed(9);
  nn::Embedding table(500, 40, {.dtype = float64});
  CHECK(listing(table) == "weight [500, 40]");
  CHECK(std::abs(mean(table.weight.detach()).item<double>()) < 0.03);
  CHECK(mean(square(table.weight.detach())).item<double>() == doctest::Approx(1).epsilon(0.03));
  const Tensor index = Tensor({{3, 499}, {3, 0}}, int64);
  CHECK(equal(table(index), nn::embedding(index, table.weight)));
  CHECK(table(index).shape() == Shape{2, 2, 40});
  for (const std::int64_t row : {2, -3}) {
    nn::Embedding padded(5, 3, {.padding_idx = row});
    const std::int64_t at = row < 0 ? row + 5 : row;
    CHECK(equal(xtape::index(padded.weight.detach(), {at}), zeros({3})));
    sum(padded(Tensor({at, at, 1}, int64))).backward();
    const std::vector<double> slopes = numbers(padded.weight.grad());
    for (int i = 0; i < 15; ++i) CHECK(slopes[i] == (i / 3 == 1 ? 1 : 0));
  }
}

TEST_CASE("bags of rows, and errors") {
  nn::EmbeddingBag largest(6, 2, {.mode = nn::BagMode::max}), average(6, 2);
  CHECK(listing(largest) == "weight [6, 2]");
  const Tensor bags = Tensor({{3, 5, 5}, {0, 1, 2}}, int64);
  CHECK(equal(largest(bags), nn::embedding_bag(bags, largest.weight, {.mode = nn::BagMode::max})));
  CHECK(equal(average(bags), nn::embedding_bag(bags, average.weight)));
  CHECK_BLAMES(ValueError, "Embedding: sizes of at least 1 wanted: 0 rows of 3",
               nn::Embedding(0, 3));
  CHECK_BLAMES(ValueError, "EmbeddingBag: sizes of at least 1 wanted: 3 rows of 0",
               nn::EmbeddingBag(3, 0));
  CHECK_BLAMES(IndexError, "Embedding: padding_idx 5, but there are 5 rows",
               nn::Embedding(5, 3, {.padding_idx = 5}));
  nn::Embedding table(5, 3);
  CHECK_BLAMES(IndexError, "embedding: index 7 at position 0, but there are 5 rows",
               table(Tensor({7}, int64)));
  CHECK_BLAMES(DTypeError, "embedding: the index is float32", table(ones({2})));
  CHECK_BLAMES(ShapeError, "embedding_bag: an index [B, n] wanted", average(Tensor({1}, int64)));
}
