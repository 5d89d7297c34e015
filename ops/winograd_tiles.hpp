// The sums and differences at the edges of Winograd's filtering: of points, results and taps; see
// winograd.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <xtape/autograd/lane.hpp>

namespace xtape::detail::winograd {

constexpr std::int64_t side = 4, places = side * side, taps = 9;  // of a tile, of a kernel

// Calls f(i, numbers) for each of `count` elements: numbers in registers, in those of 16 bytes, or
// single ones, as many as there are left.
using Four = xsimd::make_sized_batch_t<float, 4>;
template <class F>
[[gnu::always_inline]] inline void along(std::int64_t count, F f) {
  constexpr int width = LaneTraits<Register<float>>::width;
  std::int64_t i = 0;
  for (; i + width <= count; i += width) f(i, Register<float>());
  for (; i + 4 <= count; i += 4) f(i, Four());
  for (; i < count; ++i) f(i, 0.0f);
}
template <class V>
V load(const float* from) {
  return LaneTraits<V>::load(from);
}
template <class V>
void store(float* to, const V& v) {
  LaneTraits<V>::store(to, v);
}

// The elements of a line from `first` on, in turn to both; outside of the line there are zeros.
inline void part(const float* line, std::int64_t width, std::int64_t first, std::int64_t count,
                 float* even, float* odd) {
  const std::int64_t begin = std::clamp<std::int64_t>((1 - first) / 2, 0, count);
  const std::int64_t end = std::clamp<std::int64_t>((width - first) / 2, begin, count);
  const auto edge = [&](std::int64_t i) {
    const auto at = [&](std::int64_t x) { return x >= 0 && x < width ? line[x] : 0.0f; };
    even[i] = at(first + 2 * i);
    odd[i] = at(first + 2 * i + 1);
  };
  for (std::int64_t i = 0; i < begin; ++i) edge(i);
  const std::int64_t fours = end - begin >= 4 ? (end - begin + 3) / 4 : 0;
  for (std::int64_t n = 0; n < fours; ++n) {
    const std::int64_t i = std::min(begin + 4 * n, end - 4);
    const Four a = load<Four>(line + first + 2 * i), b = load<Four>(line + first + 2 * i + 4);
    const Four low = xsimd::zip_lo(a, b), high = xsimd::zip_hi(a, b);
    store<Four>(even + i, xsimd::zip_lo(low, high));
    store<Four>(odd + i, xsimd::zip_hi(low, high));
  }
  for (std::int64_t i = fours ? end : begin; i < count; ++i) edge(i);
}

// B' x of four neighbours, which are even[i], odd[i], even[i + next] and odd[i + next], for each i.
inline void combine_points(const float* even, const float* odd, std::int64_t next,
                           std::int64_t count, float* to, std::int64_t pitch) {
  along(count, [=]<class V>(std::int64_t i, V) {
    const V a = load<V>(even + i), b = load<V>(odd + i);
    const V c = load<V>(even + i + next), d = load<V>(odd + i + next);
    store<V>(to + i, a - c);
    store<V>(to + i + pitch, b + c);
    store<V>(to + i + 2 * pitch, c - b);
    store<V>(to + i + 3 * pitch, b - d);
  });
}

// A' m A at each of `count` tiles: four results of 16 products, which lie `pitch` apart.
inline void combine_products(const float* m, std::int64_t pitch, std::int64_t count, float* y) {
  along(count, [=]<class V>(std::int64_t i, V) {
    V above[side], below[side];
    for (std::int64_t j = 0; j < side; ++j) {
      const auto at = [&](std::int64_t row) { return load<V>(m + i + (side * row + j) * pitch); };
      const V b = at(1), c = at(2);
      above[j] = at(0) + b + c;
      below[j] = b - c - at(3);
    }
    store<V>(y + i, above[0] + above[1] + above[2]);
    store<V>(y + i + count, above[1] - above[2] - above[3]);
    store<V>(y + i + 2 * count, below[0] + below[1] + below[2]);
    store<V>(y + i + 3 * count, below[1] - below[2] - below[3]);
  });
}

// The transpose of that: A y A' at each of `count` tiles.
inline void spread_results(const float* y, std::int64_t count, float* m, std::int64_t pitch) {
  along(count, [=]<class V>(std::int64_t i, V) {
    const V above[] = {load<V>(y + i), load<V>(y + i + count)};
    const V below[] = {load<V>(y + i + 2 * count), load<V>(y + i + 3 * count)};
    const auto across = [&](std::int64_t row, const V& a, const V& b) {
      float* const to = m + i + row * side * pitch;
      store<V>(to, a);
      store<V>(to + pitch, a + b);
      store<V>(to + 2 * pitch, a - b);
      store<V>(to + 3 * pitch, LaneTraits<V>::negative(b));
    };
    across(0, above[0], above[1]);
    across(1, above[0] + below[0], above[1] + below[1]);
    across(2, above[0] - below[0], above[1] - below[1]);
    across(3, LaneTraits<V>::negative(below[0]), LaneTraits<V>::negative(below[1]));
  });
}

// The elements of both, in turn, and `more` added to each.
inline void interleave(const float* even, const float* odd, std::int64_t count, float more,
                       float* to) {
  std::int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const Four a = load<Four>(even + i) + more, b = load<Four>(odd + i) + more;
    store<Four>(to + 2 * i, xsimd::zip_lo(a, b));
    store<Four>(to + 2 * i + 4, xsimd::zip_hi(a, b));
  }
  for (; i < count; ++i) {
    to[2 * i] = even[i] + more;
    to[2 * i + 1] = odd[i] + more;
  }
}

// G of three numbers, and its transpose of four.
template <class V>
void spread_taps(const V& a, const V& b, const V& c, V* to) {
  to[0] = a;
  to[1] = (a + c + b) * V(0.5f);
  to[2] = (a + c - b) * V(0.5f);
  to[3] = c;
}
template <class V>
void gather_taps(const V& a, const V& b, const V& c, const V& d, V* to) {
  to[0] = a + (b + c) * V(0.5f);
  to[1] = (b - c) * V(0.5f);
  to[2] = (b + c) * V(0.5f) + d;
}

// G w G' of `count` kernels, of which each tap lies `count` after the one before.
inline void transform_kernels(const float* w, std::int64_t count, float* to, std::int64_t pitch) {
  along(count, [=]<class V>(std::int64_t i, V) {
    const auto tap = [&](std::int64_t t) { return load<V>(w + i + t * count); };
    V half[3][side], row[side];
    for (std::int64_t j = 0; j < 3; ++j) spread_taps(tap(j), tap(3 + j), tap(6 + j), half[j]);
    for (std::int64_t r = 0; r < side; ++r) {
      spread_taps(half[0][r], half[1][r], half[2][r], row);
      for (std::int64_t q = 0; q < side; ++q) store<V>(to + i + (side * r + q) * pitch, row[q]);
    }
  });
}

// The transpose of that: G' u G.
inline void gather_kernels(const float* u, std::int64_t pitch, std::int64_t count, float* w) {
  along(count, [=]<class V>(std::int64_t i, V) {
    const auto at = [&](std::int64_t place) { return load<V>(u + i + place * pitch); };
    V half[side][3], row[3];
    for (std::int64_t j = 0; j < side; ++j)
      gather_taps(at(j), at(4 + j), at(8 + j), at(12 + j), half[j]);
    for (std::int64_t r = 0; r < 3; ++r) {
      gather_taps(half[0][r], half[1][r], half[2][r], half[3][r], row);
      for (std::int64_t q = 0; q < 3; ++q) store<V>(w + i + (3 * r + q) * count, row[q]);
    }
  });
}

}  // namespace xtape::detail::winograd
