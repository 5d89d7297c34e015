#include <xtape/autograd/generator.hpp>

namespace xtape {

Generator& Generator::global() {
  static Generator instance;
  return instance;
}

void manual_seed(std::uint64_t seed) { Generator::global().manual_seed(seed); }

std::array<std::uint32_t, 4> random_words(std::uint64_t seed, std::uint64_t stream,
                                          std::uint64_t index) {
  std::uint32_t a = static_cast<std::uint32_t>(index), b = static_cast<std::uint32_t>(index >> 32);
  std::uint32_t c = static_cast<std::uint32_t>(stream),
                d = static_cast<std::uint32_t>(stream >> 32);
  std::uint32_t key0 = static_cast<std::uint32_t>(seed),
                key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p = std::uint64_t{0xD2511F53} * a, q = std::uint64_t{0xCD9E8D57} * c;
    a = static_cast<std::uint32_t>(q >> 32) ^ b ^ key0;
    c = static_cast<std::uint32_t>(p >> 32) ^ d ^ key1;
    b = static_cast<std::uint32_t>(q);
    d = static_cast<std::uint32_t>(p);
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return {a, b, c, d};
}

}  // namespace xtape
