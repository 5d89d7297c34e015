#include <thread>

#include "../check.hpp"

using namespace check;

TEST_CASE("generator: the known answers of Philox 4x32-10") {
  // Random123's kat_vectors: counter, key, result
  CHECK(random_words(0, 0, 0) ==
        std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint64_t ones = ~std::uint64_t{0};
  CHECK(random_words(ones, ones, ones) ==
        std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(random_words(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("generator: seeds and streams") {
  Generator a(5), b(5), c(6);
  CHECK(equal(rand({1001}, float64, a), rand({1001}, float64, b)));
  CHECK_FALSE(equal(rand({1001}, float64, a), rand({1001}, float64, c)));
  const std::uint64_t stream = a.stream();
  const Tensor first = randn({77}, float32, a);
  CHECK(a.stream() == stream + 1);
  CHECK_FALSE(equal(first, randn({77}, float32, a)));
  a.set_stream(stream);
  CHECK(equal(first, randn({77}, float32, a)));
  manual_seed(3);
  const Tensor before = rand({10});
  manual_seed(3);
  CHECK(equal(before, rand({10})));
  CHECK(Generator::global().seed() == 3);
}

TEST_CASE("generator: several threads take different streams") {
  Generator generator(1);
  const auto take_streams = [&] {
    for (int i = 0; i < 10000; ++i) generator.next_stream();
  };
  std::thread other(take_streams);
  take_streams();
  other.join();
  CHECK(generator.stream() == 20000);
}

TEST_CASE("a row of words is made of blocks") {
  std::uint32_t row[random_row];
  for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1} << 31}) {
    random_words(5, 7, index, row);
    for (std::uint64_t block = 0; block < 32; ++block) {
      const auto words = random_words(5, 7, 32 * index + block);
      for (int w = 0; w < 4; ++w) CHECK_UNARY(row[32 * w + block] == words[w]);
    }
  }
}
