#include <algorithm>
#include <limits>
#include <ranges>

#include "../check.hpp"

using namespace check;

namespace {

using Rows = std::vector<std::int64_t>;

// Row i is (i, -i), its target 10 i.
nn::Dataset counted(std::int64_t n) {
  const nn::Dataset set{Tensor::empty({n, 2}, float32), Tensor::empty({n}, int64)};
  for (std::int64_t i = 0; i < n; ++i) {
    set.x.mutable_data<float>()[2 * i] = static_cast<float>(i);
    set.x.mutable_data<float>()[2 * i + 1] = static_cast<float>(-i);
    set.y.mutable_data<std::int64_t>()[i] = 10 * i;
  }
  return set;
}

// The rows of one pass in their order; checks that x and y stay together.
Rows pass(nn::DataLoader& loader) {
  Rows rows;
  for (auto [x, y] : loader) {
    REQUIRE(x.size(0) == y.size(0));
    for (std::int64_t i = 0; i < y.numel(); ++i) {
      const std::int64_t row = y.data<std::int64_t>()[i] / 10;
      CHECK(x.data<float>()[2 * i] == static_cast<float>(row));
      CHECK(x.data<float>()[2 * i + 1] == static_cast<float>(-row));
      rows.push_back(row);
    }
  }
  return rows;
}

Rows ascending(std::int64_t n) {
  Rows rows;
  for (std::int64_t i = 0; i < n; ++i) rows.push_back(i);
  return rows;
}

}  // namespace

TEST_CASE("loader: unshuffled batches follow the data set") {
  nn::DataLoader loader(counted(10), {.batch_size = 4, .shuffle = false});
  CHECK(loader.size() == 3);
  Rows sizes;
  for (auto [x, y] : loader) {
    CHECK(x.shape() == Shape{y.numel(), 2});
    sizes.push_back(y.numel());
  }
  CHECK(sizes == Rows{4, 4, 2});
  CHECK(pass(loader) == ascending(10));
}

TEST_CASE("loader: a shuffled epoch holds every row once, another order each time") {
  nn::DataLoader loader(counted(1000), {.batch_size = 64, .shuffle = true, .seed = 5});
  CHECK(loader.size() == 16);
  Rows first = pass(loader), second = pass(loader);
  CHECK(first != second);
  CHECK(first != ascending(1000));
  std::ranges::sort(first);
  std::ranges::sort(second);
  CHECK(first == ascending(1000));
  CHECK(second == ascending(1000));
}

TEST_CASE("loader: the order depends on the seed and the epoch alone") {
  const auto make = [](std::int64_t batch, std::uint64_t seed) {
    return nn::DataLoader(counted(100), {.batch_size = batch, .shuffle = true, .seed = seed});
  };
  nn::DataLoader a = make(7, 1), b = make(32, 1), c = make(7, 2);
  const Rows epoch0 = pass(a), epoch1 = pass(a);
  CHECK(a.epoch() == 2);
  manual_seed(99);  // the global generator has no say
  CHECK(pass(b) == epoch0);
  CHECK(pass(c) != epoch0);
  b.set_epoch(1);
  CHECK(pass(b) == epoch1);
  b.set_epoch(0);
  CHECK(pass(b) == epoch0);
  b.set_epoch(std::numeric_limits<std::uint64_t>::max());
  CHECK(pass(b).size() == 100);
}

TEST_CASE("loader: every row is as likely in every place") {
  nn::DataLoader loader(counted(4), {.batch_size = 4, .shuffle = true});
  int at[4][4] = {};
  for (int epoch = 0; epoch < 4000; ++epoch) {
    const Rows rows = pass(loader);
    for (int place = 0; place < 4; ++place) ++at[place][rows[place]];
  }
  for (const auto& place : at)
    for (const int count : place) CHECK(std::abs(count - 1000) < 120);  // 4.4 deviations
}

TEST_CASE("loader: drop_last leaves out the short batch") {
  nn::DataLoader dropping(counted(10), {.batch_size = 4, .shuffle = false, .drop_last = true});
  CHECK(dropping.size() == 2);
  CHECK(pass(dropping) == ascending(8));
  nn::DataLoader fitting(counted(8), {.batch_size = 4, .shuffle = false, .drop_last = true});
  CHECK(fitting.size() == 2);
  CHECK(pass(fitting) == ascending(8));
  nn::DataLoader none(counted(3), {.batch_size = 4, .drop_last = true});
  CHECK(none.size() == 0);
  CHECK(pass(none).empty());
}

TEST_CASE("loader: awkward sizes") {
  nn::DataLoader empty(counted(0), {.batch_size = 4});
  CHECK(empty.size() == 0);
  CHECK(pass(empty).empty());
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  nn::DataLoader whole(counted(5), {.batch_size = huge, .shuffle = false});
  CHECK(whole.size() == 1);
  CHECK(pass(whole) == ascending(5));
  nn::DataLoader single(counted(5));
  CHECK(single.size() == 5);
  CHECK(pass(single).size() == 5);
}

TEST_CASE("loader: passes may overlap, and any number of axes will do") {
  const nn::Dataset images{reshape(arange(0, 48, 1), {4, 3, 2, 2}), eye(4, float64)};
  nn::DataLoader loader(images, {.batch_size = 2, .seed = 3});
  std::int64_t inner = 0;
  for (auto [x, y] : loader) {
    CHECK(x.shape() == Shape{2, 3, 2, 2});
    CHECK(y.shape() == Shape{2, 4});
    for (auto batch : loader) inner += batch.y.size(0);
  }
  CHECK(inner == 8);
  CHECK(loader.epoch() == 3);
}

TEST_CASE("loader: batches are copies, and gradients flow through them if the data wants them") {
  const nn::Dataset set = counted(4);
  nn::DataLoader loader(set, {.batch_size = 4, .shuffle = false});
  for (auto [x, y] : loader) x.mutable_data<float>()[0] = 77;
  CHECK(set.x.data<float>()[0] == 0);

  nn::Dataset learnt{full({6, 2}, 1), zeros({6}, int64)};
  learnt.x.requires_grad(true);
  for (const bool shuffle : {false, true})
    for (auto [x, y] : nn::DataLoader(learnt, {.batch_size = 4, .shuffle = shuffle}))
      x.backward(full_like(x, 2));
  for (std::int64_t i = 0; i < 12; ++i) CHECK(learnt.x.grad().data<float>()[i] == 4);
}

TEST_CASE("loader: works with ranges") {
  static_assert(std::input_iterator<nn::DataLoader::Iterator>);
  static_assert(std::ranges::input_range<nn::DataLoader>);
  nn::DataLoader loader(counted(10), {.batch_size = 3});
  std::int64_t seen = 0;
  std::ranges::for_each(loader, [&](const nn::Batch& batch) { seen += batch.y.numel(); });
  CHECK(seen == 10);
}

TEST_CASE("loader: what is refused") {
  const auto differ = message<ShapeError>([] {
    nn::DataLoader(nn::Dataset{zeros({5, 2}), zeros({4}, int64)});
  });
  CHECK(differ.find("x has 5 rows, y has 4: shapes [5, 2] and [4]") != std::string::npos);
  CHECK(differ.find("loader.test.cpp:") != std::string::npos);
  const auto scalar = message<ShapeError>([] {
    nn::DataLoader(nn::Dataset{zeros({5, 2}), Tensor(1.0)}, {.batch_size = 2});
  });
  CHECK(scalar.find("rows along axis 0 wanted: x has shape [5, 2], y []") != std::string::npos);
  const auto batch = message<ValueError>([] { nn::DataLoader(counted(5), {.batch_size = 0}); });
  CHECK(batch.find("batch_size is 0, at least 1 wanted") != std::string::npos);
  CHECK(batch.find("loader.test.cpp:") != std::string::npos);
  CHECK_THROWS_AS(nn::DataLoader(nn::Dataset{}), Error);
}
