#include <cstring>
#include <new>
#include <random>
#include <set>
#include <thread>
#include <xtape/autograd/pool.hpp>

#include "../check.hpp"

namespace pool = xtape::pool;

namespace {

// Sizes around every border between classes.
std::vector<std::size_t> sizes() {
  std::vector<std::size_t> all{0, 1, 63, 64, 65};
  for (std::size_t power = 128; power <= (std::size_t{4} << 20); power *= 2)
    for (std::size_t quarter = 4; quarter < 8; ++quarter)
      for (std::size_t off : {-1, 0, 1}) all.push_back(power / 4 * quarter + off);
  return all;
}

}  // namespace

TEST_CASE("pool: blocks are aligned, large enough and apart") {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  unsigned char mark = 0;
  for (std::size_t bytes : sizes()) {
    unsigned char* const block = static_cast<unsigned char*>(pool::allocate(bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    std::memset(block, ++mark, bytes);
    blocks.push_back({block, bytes});
  }
  mark = 0;
  bool whole = true;
  for (auto [block, bytes] : blocks) {
    ++mark;
    for (std::size_t i = 0; i < bytes; ++i) whole = whole && block[i] == mark;
    pool::release(block, bytes);
  }
  CHECK(whole);
}

TEST_CASE("pool: what is too large throws") {
  CHECK_THROWS_AS(pool::allocate(std::size_t{1} << 47), std::bad_alloc);
  CHECK_THROWS_AS(pool::allocate(~std::size_t{0}), std::bad_alloc);
  CHECK_THROWS_AS(xtape::Tensor::empty({std::int64_t{1} << 60}, xtape::float64), std::bad_alloc);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if !defined(__SANITIZE_ADDRESS__)  // there, blocks are the system's
TEST_CASE("pool: a freed block is the next one of its class") {
  for (std::size_t bytes : {100, 5000, 100'000, 10'000'000}) {
    void* const first = pool::allocate(bytes);
    pool::release(first, bytes);
    CHECK(pool::allocate(bytes - 5) == first);
    pool::release(first, bytes - 5);
  }
}

TEST_CASE("pool: blocks of threads that have ended come back") {
  // small blocks are freed on short-lived threads which never allocate
  std::set<void*> seen;
  std::size_t total = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) {
      blocks.push_back(pool::allocate(3000));
      seen.insert(blocks.back());
      ++total;
    }
    std::thread([&] {
      for (void* block : blocks) pool::release(block, 3000);
    }).join();
  }
  CHECK(seen.size() < total / 20);
}
#endif

TEST_CASE("pool: blocks wander between threads") {
  std::vector<std::pair<void*, std::size_t>> handed[2];
  const auto fill = [&](int which) {
    std::mt19937 chance(which);
    for (int i = 0; i < 20000; ++i) {
      const std::size_t bytes = chance() % (i % 50 == 0 ? 200'000 : 2000) + 1;
      void* const block = pool::allocate(bytes);
      std::memset(block, which, std::min<std::size_t>(bytes, 100));
      if (chance() % 2) handed[which].push_back({block, bytes});
      else pool::release(block, bytes);
    }
  };
  const auto drain = [&](int which) {
    for (auto [block, bytes] : handed[1 - which]) pool::release(block, bytes);
  };
  for (auto phase : {+[](decltype(fill)&f, decltype(drain)&, int which) { f(which); },
                     +[](decltype(fill)&, decltype(drain)&d, int which) { d(which); }}) {
    std::thread other([&] { phase(fill, drain, 1); });
    phase(fill, drain, 0);
    other.join();
  }
  pool::trim();
  CHECK(handed[0].size() > 5000);
}

TEST_CASE("pool: blocks go into jobs and out of them") {
  for (const std::size_t bytes : {100, 5000, 500'000, 300'000'000}) {
    CAPTURE(bytes);
    void* const before = pool::allocate(bytes);
    void *within, *left;
    {
      const pool::Job job(3);
      within = pool::allocate(bytes);
      left = pool::allocate(bytes);
      CHECK(std::set{before, within, left}.size() == 3);
      pool::release(before, bytes);
      pool::release(within, bytes);
      within = pool::allocate(bytes);
      CHECK(within != left);
      pool::release(within, bytes);
    }
    pool::release(left, bytes);
    pool::trim();
    const pool::Job job(2);
    within = pool::allocate(bytes);
    std::memset(within, 1, bytes);
    pool::release(within, bytes);
    CHECK_THROWS_AS(pool::allocate(std::size_t{1} << 47), std::bad_alloc);
  }
}

TEST_CASE("pool: tensors of one thread die on another") {
  xtape::Tensor made;
  std::thread([&] { made = xtape::exp(xtape::zeros({1000}).requires_grad(true)) * 2; }).join();
  CHECK(made.values<float>()(999) == 2);
  std::thread([own = std::move(made)]() mutable { own = xtape::Tensor(); }).join();
}
