#include <atomic>
#include <thread>

#include "../check.hpp"

using namespace check;

namespace {
struct Threads {
  int before = num_threads();
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
};
}  // namespace

TEST_CASE("parallel: every piece once, for every number of threads") {
  for (int threads : {1, 2, 3, 8})
    for (int pieces : {0, 1, 2, 7, 1000}) {
      const Threads use(threads);
      CHECK(num_threads() == threads);
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(pieces));
      parallel_for(pieces, [&](std::int64_t piece) { ++visits[static_cast<std::size_t>(piece)]; });
      bool once = true;
      for (const auto& count : visits) once = once && count == 1;
      CHECK(once);
    }
}

TEST_CASE("parallel: exceptions reach the caller and leave the team usable") {
  for (int threads : {1, 2, 4}) {
    const Threads use(threads);
    for (int round = 0; round < 50; ++round) {
      CHECK_THROWS_WITH(parallel_for(20,
                                     [&](std::int64_t piece) {
                                       if (piece == 13) throw std::runtime_error("thirteen");
                                     }),
                        "thirteen");
      CHECK_THROWS_AS(parallel_for(20, [&](std::int64_t) { throw 1; }), int);
      std::atomic<int> sum = 0;
      parallel_for(100, [&](std::int64_t piece) { sum += static_cast<int>(piece); });
      CHECK(sum == 4950);
    }
  }
}

TEST_CASE("parallel: nested and concurrent use") {
  const Threads use(3);
  std::atomic<int> count = 0;
  parallel_for(8, [&](std::int64_t) {
    parallel_for(8, [&](std::int64_t) { parallel_for(4, [&](std::int64_t) { ++count; }); });
  });
  CHECK(count == 256);
  count = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) parallel_for(5, [&](std::int64_t) { ++count; });
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(count == 4 * 500 * 5);
}

TEST_CASE("parallel: at least one thread") {
  for (int count : {0, -3})
    CHECK(message<ValueError>([&] { set_num_threads(count); }) ==
          "set_num_threads: at least 1 wanted, got " + std::to_string(count) + " (" + here() + ")");
}
