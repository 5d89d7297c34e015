#include <xtape/autograd/generator.hpp>

namespace xtape {

Generator& Generator::global() {
  static Generator instance;
  return instance;
}

void manual_seed(std::uint64_t seed) { Generator::global().manual_seed(seed); }

namespace {

// Blocks first, first + 1, ... of a stream: word w of block b at w n + b. Numbers of 32 bits in
// words of 64, so that the compiler keeps a product in one lane.
template <int n>
void philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::uint32_t* words) {
  constexpr std::uint64_t low = 0xFFFFFFFF;
  std::uint64_t a[n], b[n], c[n], d[n];
  for (int k = 0; k < n; ++k) {
    a[k] = (first + k) & low;
    b[k] = (first + k) >> 32;
    c[k] = stream & low;
    d[k] = stream >> 32;
  }
  std::uint64_t key0 = seed & low, key1 = seed >> 32;
  for (int round = 0; round < 10; ++round) {
    for (int k = 0; k < n; ++k) {
      const std::uint64_t p = 0xD2511F53 * (a[k] & low), q = 0xCD9E8D57 * (c[k] & low);
      a[k] = (q >> 32) ^ b[k] ^ key0;
      c[k] = (p >> 32) ^ d[k] ^ key1;
      b[k] = q & low;
      d[k] = p & low;
    }
    key0 = (key0 + 0x9E3779B9) & low;
    key1 = (key1 + 0xBB67AE85) & low;
  }
  for (int k = 0; k < n; ++k) {
    words[k] = static_cast<std::uint32_t>(a[k]);
    words[n + k] = static_cast<std::uint32_t>(b[k]);
    words[2 * n + k] = static_cast<std::uint32_t>(c[k]);
    words[3 * n + k] = static_cast<std::uint32_t>(d[k]);
  }
}

}  // namespace

std::array<std::uint32_t, 4> random_words(std::uint64_t seed, std::uint64_t stream,
                                          std::uint64_t index) {
  std::array<std::uint32_t, 4> words;
  philox<1>(seed, stream, index, words.data());
  return words;
}

void random_words(std::uint64_t seed, std::uint64_t stream, std::uint64_t index,
                  std::uint32_t (&words)[random_row]) {
  constexpr int blocks = random_row / 4;
  philox<blocks>(seed, stream, index * blocks, words);
}

}  // namespace xtape
