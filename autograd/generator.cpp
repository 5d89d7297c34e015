#include <cstring>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/lane.hpp>

namespace xtape {

Generator& Generator::global() {
  static Generator instance;
  return instance;
}

void manual_seed(std::uint64_t seed) { Generator::global().manual_seed(seed); }

namespace {

// Numbers of 32 bits in words of 64, of which the upper halves do not matter: one, or as many as a
// register holds. Their products have all 64 bits.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t low = 0xFFFFFFFF;
  return (a & low) * (b & low);
}
#if XSIMD_WITH_AVX512F || XSIMD_WITH_AVX2
using Wide = xsimd::batch<std::uint64_t, Architecture>;
#else
using Wide = xsimd::batch<std::uint64_t, xsimd::sse2>;
#endif
Wide product(const Wide& a, const Wide& b) {
#if XSIMD_WITH_AVX512F
  return Wide(_mm512_mul_epu32(a, b));
#elif XSIMD_WITH_AVX2
  return Wide(_mm256_mul_epu32(a, b));
#else
  return Wide(_mm_mul_epu32(a, b));
#endif
}

// The words of n blocks in each of V; x has their numbers, all 64 bits of them.
template <class V, int n>
void philox(std::uint64_t seed, std::uint64_t stream, const V (&x)[n], V (&words)[4][n]) {
  auto& [a, b, c, d] = words;
  for (int k = 0; k < n; ++k) {
    a[k] = x[k];
    b[k] = x[k] >> 32;
    c[k] = V(stream);
    d[k] = V(stream >> 32);
  }
  const V first(std::uint64_t{0xD2511F53}), second(std::uint64_t{0xCD9E8D57});
  std::uint32_t key0 = static_cast<std::uint32_t>(seed), key1 = seed >> 32;
  for (int round = 0; round < 10; ++round) {
    for (int k = 0; k < n; ++k) {
      const V p = product(a[k], first), q = product(c[k], second);
      a[k] = (q >> 32) ^ b[k] ^ V(std::uint64_t{key0});
      c[k] = (p >> 32) ^ d[k] ^ V(std::uint64_t{key1});
      b[k] = q;
      d[k] = p;
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
}

}  // namespace

std::array<std::uint32_t, 4> random_words(std::uint64_t seed, std::uint64_t stream,
                                          std::uint64_t index) {
  std::uint64_t words[4][1];
  philox(seed, stream, {index}, words);
  std::array<std::uint32_t, 4> out;
  for (int w = 0; w < 4; ++w) out[w] = static_cast<std::uint32_t>(words[w][0]);
  return out;
}

// Word w of block b is at w blocks + b. One register has the even blocks and another the odd ones,
// so that the lower halves of both are words in their order.
void random_words(std::uint64_t seed, std::uint64_t stream, std::uint64_t index,
                  std::uint32_t (&words)[random_row]) {
  constexpr int blocks = random_row / 4, lanes = Wide::size;
  std::uint64_t even[lanes];
  for (int i = 0; i < lanes; ++i) even[i] = index * blocks + 2 * static_cast<std::uint64_t>(i);
  Wide block = Wide::load_unaligned(even);
  for (std::uint32_t* to = words; to < words + blocks; to += 2 * lanes) {
    Wide drawn[4][2];
    philox(seed, stream, {block, block + Wide(std::uint64_t{1})}, drawn);
    for (int w = 0; w < 4; ++w) {
      const Wide both = (drawn[w][0] & Wide(std::uint64_t{0xFFFFFFFF})) | (drawn[w][1] << 32);
      std::memcpy(to + w * blocks, &both.data, sizeof both.data);
    }
    block = block + Wide(std::uint64_t{2 * lanes});
  }
}

}  // namespace xtape
