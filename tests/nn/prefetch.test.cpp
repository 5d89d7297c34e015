#include <atomic>
#include <thread>
#include <xtape/nn/augment.hpp>
#include <xtape/nn/prefetch.hpp>

#include "../check.hpp"
#include "refused.hpp"

using namespace xtape;
using check::refused;

namespace {

nn::Dataset numbered(std::int64_t n) {
  return {reshape(arange(static_cast<double>(n * 32)), {n, 2, 4, 4}),
          arange(static_cast<double>(n), int64)};
}

// All batches of some epochs, one after another; of the second epoch only the beginning.
std::vector<nn::Batch> all_batches(nn::PrefetchLoader& loader) {
  std::vector<nn::Batch> out;
  for (int epoch = 0; epoch < 3; ++epoch) {
    int count = 0;
    for (const nn::Batch& batch : loader) {
      out.push_back(batch);
      if (epoch == 1 && ++count == 3) break;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("prefetch: the same batches as the loader alone") {
  for (const bool shuffle : {false, true})
    for (const bool drop_last : {false, true}) {
      const nn::DataLoaderOptions options{
          .batch_size = 8, .shuffle = shuffle, .drop_last = drop_last, .seed = 5};
      nn::DataLoader plain(numbered(53), options);
      nn::PrefetchLoader ahead(nn::DataLoader(numbered(53), options), {.batches = 3});
      CHECK(ahead.size() == plain.size());
      for (int epoch = 0; epoch < 3; ++epoch) {
        auto other = ahead.begin();
        for (const nn::Batch& batch : plain) {
          REQUIRE(other != ahead.end());
          CHECK(check::equal(other->x, batch.x));
          CHECK(check::equal((*other).y, batch.y));
          ++other;
        }
        CHECK(other == ahead.end());
        ++other;  // stays at the end
        CHECK(other == ahead.end());
        CHECK(ahead.epoch() == plain.epoch());
      }
    }
}

TEST_CASE("prefetch: augmentation does not depend on how many batches are made ahead") {
  const auto batches = [](std::int64_t ahead) {
    nn::PrefetchLoader loader(
        nn::DataLoader(numbered(100), {.batch_size = 7, .shuffle = true, .seed = 2}),
        {.batches = ahead, .transform = [](nn::Batch batch, Generator& generator) {
           CHECK_FALSE(grad_enabled());
           batch.x =
               nn::elastic(nn::random_crop(batch.x, {.padding = 1}, generator), {}, generator);
           return batch;
         }});
    return all_batches(loader);
  };
  const std::vector<nn::Batch> now = batches(0);
  CHECK(now.size() == 15 + 3 + 15);
  for (const std::int64_t ahead : {1, 2, 50}) {
    const std::vector<nn::Batch> then = batches(ahead);
    REQUIRE(then.size() == now.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
      CHECK(check::equal(then[i].x, now[i].x));
      CHECK(check::equal(then[i].y, now[i].y));
    }
  }
  CHECK_FALSE(check::equal(now[0].x, now[18].x));  // epochs differ
}

TEST_CASE("prefetch: batches are made on another thread while others compute") {
  std::atomic<int> made = 0;
  const std::thread::id mine = std::this_thread::get_id();
  nn::PrefetchLoader loader(nn::DataLoader(numbered(200), {.batch_size = 10}),
                            {.batches = 4, .transform = [&](nn::Batch batch, Generator&) {
                               CHECK(std::this_thread::get_id() != mine);
                               batch.x = sin(batch.x) * 2;
                               ++made;
                               return batch;
                             }});
  Tensor w = check::leaf({1, 2});
  int used = 0;
  for (const nn::Batch& batch : loader) {
    const Tensor loss = sum(square(w)) * mean(cast(batch.x, float64));
    loss.backward();
    ++used;
    CHECK(made <= used + 5);  // four ready and one in the making
    if (used == 1) {
      while (made < 5) std::this_thread::yield();
    }
  }
  CHECK(used == 20);
  CHECK(made == 20);
  CHECK(w.grad().defined());
}

TEST_CASE("prefetch: errors of the thread arrive after the batches before") {
  for (const std::int64_t ahead : {0, 1, 4}) {
    nn::PrefetchLoader loader(nn::DataLoader(numbered(30), {.batch_size = 5}),
                              {.batches = ahead, .transform = [](nn::Batch batch, Generator&) {
                                 if (batch.y.data<std::int64_t>()[0] == 15)
                                   matmul(batch.x, ones({3, 3}));
                                 return batch;
                               }});
    int seen = 0;
    refused<ShapeError>(
        [&] {
          for (const nn::Batch& batch : loader) seen += batch.x.defined();
        },
        {"matmul"});
    CHECK(seen == 3);
    auto again = loader.begin();
    for (int i = 0; i < 2; ++i) ++again;
    CHECK_THROWS_AS(++again, ShapeError);
    CHECK(again == loader.end());
  }
}

TEST_CASE("prefetch: passes may end in the middle, overlap and be empty") {
  nn::PrefetchLoader loader(nn::DataLoader(numbered(64), {.batch_size = 4, .shuffle = true}),
                            {.batches = 3});
  for (int i = 0; i < 20; ++i) {
    int count = 0;
    for (const nn::Batch& batch : loader)
      if (batch.x.defined() && ++count > i % 5) break;
  }
  CHECK(loader.epoch() == 20);
  auto a = loader.begin(), b = loader.begin();
  CHECK_FALSE(check::equal(a->y, b->y));
  loader.set_epoch(20);
  const auto c = loader.begin();
  CHECK(check::equal(a->y, c->y));
  nn::PrefetchLoader none(nn::DataLoader(numbered(3), {.batch_size = 4, .drop_last = true}));
  CHECK(none.begin() == none.end());
  refused<ValueError>([] { nn::PrefetchLoader(nn::DataLoader(numbered(3)), {.batches = -1}); },
                      {"PrefetchLoader: -1 batches ahead"});
}
