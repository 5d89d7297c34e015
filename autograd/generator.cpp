#include <xtape/autograd/generator.hpp>

namespace xtape {

Generator& Generator::global() {
  static Generator instance;
  return instance;
}

void manual_seed(std::uint64_t seed) { Generator::global().manual_seed(seed); }

namespace {

// Blocks first, first + 1, ... of a stream: word w of block b at w n + b.
template <int n>
void philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::uint32_t* words) {
  std::uint32_t *a = words, *b = a + n, *c = b + n, *d = c + n;
  for (int k = 0; k < n; ++k) {
    a[k] = static_cast<std::uint32_t>(first + k);
    b[k] = static_cast<std::uint32_t>((first + k) >> 32);
    c[k] = static_cast<std::uint32_t>(stream);
    d[k] = static_cast<std::uint32_t>(stream >> 32);
  }
  std::uint32_t key0 = static_cast<std::uint32_t>(seed),
                key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int k = 0; k < n; ++k) {
      const std::uint64_t p = std::uint64_t{0xD2511F53} * a[k],
                          q = std::uint64_t{0xCD9E8D57} * c[k];
      a[k] = static_cast<std::uint32_t>(q >> 32) ^ b[k] ^ key0;
      c[k] = static_cast<std::uint32_t>(p >> 32) ^ d[k] ^ key1;
      b[k] = static_cast<std::uint32_t>(q);
      d[k] = static_cast<std::uint32_t>(p);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
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
