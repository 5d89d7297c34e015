#include <xtape/autograd/lane.hpp>
#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/gemm.hpp>
#include <xtape/ops/patches.hpp>
#include <xtape/ops/winograd.hpp>

namespace xtape::detail {

namespace {

constexpr std::int64_t side = 4, places = side * side, taps = 9;  // of a tile, of a kernel

// The planes on one side of a convolution.
struct Planes {
  std::int64_t channels, height, width;
  std::int64_t points() const { return height * width; }
};

// A convolution with stride 1: results and the points they are computed from.
struct Filtering {
  std::int64_t batch, groups;
  Planes from, to;
  std::int64_t above, left;    // zeros before the first points
  std::int64_t rows, columns;  // of tiles
  std::int64_t images, parts;  // of a block: several images, or one of the parts of one

  Filtering(const Convolution& sizes, bool transposed)
      : batch(sizes.batch),
        groups(sizes.groups),
        from{sizes.channels, sizes.windows.axis[1].in, sizes.windows.axis[2].in},
        to{sizes.filters, sizes.windows.axis[1].out, sizes.windows.axis[2].out},
        above(sizes.windows.axis[1].before),
        left(sizes.windows.axis[2].before) {
    if (transposed) {
      std::swap(from, to);
      above = 2 - above;
      left = 2 - left;
    }
    rows = (to.height + 1) / 2;
    columns = (to.width + 1) / 2;
    const std::int64_t place = places * (from.channels + to.channels) * sizeof(float);
    const std::int64_t most = std::clamp<std::int64_t>(budget / place, 48, 192);  // tiles
    images = std::clamp<std::int64_t>(most / (rows * columns), 1, batch);
    const std::int64_t together = std::max<std::int64_t>(1, most / columns);
    parts = (rows + together - 1) / together;
  }

  // Few enough that what is computed for them stays in the second cache.
  static constexpr std::int64_t budget = 1024 * 1024;

  std::int64_t blocks() const { return (batch + images - 1) / images * parts; }
  Block block(std::int64_t i) const {
    const std::int64_t first = i / parts * images, part = i % parts, row = rows * part / parts;
    return {first, std::min(images, batch - first), row, rows * (part + 1) / parts - row};
  }
  std::int64_t tiles(const Block& b) const { return b.images * b.rows * columns; }
  std::int64_t most_rows() const { return (rows + parts - 1) / parts; }
  std::int64_t tiles() const { return images * most_rows() * columns; }

  // Pieces of at least 4 Mflop.
  std::int64_t pieces(std::int64_t most) const {
    const double flops = 2.0 * static_cast<double>(groups * from.channels * to.channels * places) *
                         static_cast<double>(batch * rows * columns);
    return static_cast<std::int64_t>(std::clamp(flops / 4e6, 1.0, static_cast<double>(most)));
  }
};

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
void part(const float* line, std::int64_t width, std::int64_t first, std::int64_t count,
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
void combine_points(const float* even, const float* odd, std::int64_t next, std::int64_t count,
                    float* to, std::int64_t pitch) {
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
void combine_products(const float* m, std::int64_t pitch, std::int64_t count, float* y) {
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
void spread_results(const float* y, std::int64_t count, float* m, std::int64_t pitch) {
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
void interleave(const float* even, const float* odd, std::int64_t count, float more, float* to) {
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

// G w of three numbers that lie `next` apart, and its transpose, of four.
void spread_taps(const float* w, std::int64_t next, float* to, std::int64_t pitch) {
  const float a = w[0], b = w[next], c = w[2 * next];
  to[0] = a;
  to[pitch] = (a + c + b) / 2;
  to[2 * pitch] = (a + c - b) / 2;
  to[3 * pitch] = c;
}
void gather_taps(const float* u, std::int64_t next, float* to, std::int64_t pitch) {
  const float a = u[0], b = u[next], c = u[2 * next], d = u[3 * next];
  to[0] = a + (b + c) / 2;
  to[pitch] = (b - c) / 2;
  to[2 * pitch] = (b + c) / 2 + d;
}

// The filtering of one block, group by group; what is computed at the 16 places of tiles lies as
// [place][channel][tile], of kernels as [place][channel of the results][of the points].
class Worker {
 public:
  explicit Worker(const Filtering& f)
      : f_(f),
        room_(std::max(2 * f.columns + 2 + 8 * (f.most_rows() + 1) * f.columns, 4 * f.tiles())),
        points_(places * apart(f.from.channels, f.tiles())),
        products_(places * apart(f.to.channels, f.tiles())) {}

  // The results of a block from kernels as they are at the 16 places.
  void filter(const float* x, const float* kernels, const float* bias, float* y, const Block& b) {
    const std::int64_t in = f_.from.channels, out = f_.to.channels, n = f_.tiles(b);
    for (std::int64_t g = 0; g < f_.groups; ++g, kernels += places * in * out) {
      transform_points(x, b, g);
      for (std::int64_t p = 0; p < places; ++p)
        gemm(out, n, in, {kernels + p * in * out, in, 1}, {points_ + p * apart(in, n), n, 1},
             products_ + p * apart(out, n), n, false);
      write_results(bias ? bias + g * out : nullptr, y, b, g);
    }
  }

  // Adds a block's share of the kernels' gradients at the 16 places.
  void add_shares(const float* x, const float* y, float* kernels, const Block& b) {
    const std::int64_t in = f_.from.channels, out = f_.to.channels, n = f_.tiles(b);
    for (std::int64_t g = 0; g < f_.groups; ++g, kernels += places * in * out) {
      transform_points(x, b, g);
      transform_results(y, b, g);
      for (std::int64_t p = 0; p < places; ++p)
        gemm(out, in, n, {products_ + p * apart(out, n), n, 1}, {points_ + p * apart(in, n), 1, n},
             kernels + p * in * out, in, true);
    }
  }

 private:
  // How far places are apart: not by a power of two, or a cache had to have them in the same lines.
  static std::int64_t apart(std::int64_t channels, std::int64_t tiles) {
    return channels * tiles + 16;
  }

  // Calls body(first element of the plane, first tile) for each image of the block.
  template <class T, class Body>
  void each_plane(T* all, const Planes& planes, const Block& b, std::int64_t group,
                  std::int64_t channel, const Body& body) {
    for (std::int64_t i = 0; i < b.images; ++i)
      body(
          all + (((b.image + i) * f_.groups + group) * planes.channels + channel) * planes.points(),
          i * b.rows * f_.columns);
  }

  void transform_points(const float* x, const Block& b, std::int64_t group) {
    const std::int64_t columns = f_.columns, n = f_.tiles(b), lines = (b.rows + 1) * columns;
    const std::int64_t pairs = columns + 1, place = apart(f_.from.channels, n);
    float *const even = room_, *const odd = even + pairs, *const halves = odd + pairs;
    for (std::int64_t c = 0; c < f_.from.channels; ++c)
      each_plane(x, f_.from, b, group, c, [&](const float* plane, std::int64_t tile) {
        for (std::int64_t l = 0; l < 2 * (b.rows + 1); ++l) {
          const std::int64_t y = 2 * b.row + l - f_.above;
          const bool inside = y >= 0 && y < f_.from.height;
          part(plane + (inside ? y * f_.from.width : 0), inside ? f_.from.width : 0, -f_.left,
               pairs, even, odd);
          combine_points(even, odd, 1, columns, halves + l % 2 * side * lines + l / 2 * columns,
                         lines);
        }
        for (std::int64_t j = 0; j < side; ++j)
          combine_points(halves + j * lines, halves + (side + j) * lines, columns, b.rows * columns,
                         points_ + j * place + c * n + tile, side * place);
      });
  }

  // Calls body(the two lines of results of a row of tiles, how many there are, its first tile).
  template <class T, class Body>
  void each_row(T* plane, const Block& b, std::int64_t tile, const Body& body) {
    for (std::int64_t r = 0; r < b.rows; ++r, tile += f_.columns)
      for (std::int64_t a = 0, y = 2 * (b.row + r); a < 2; ++a, ++y)
        body(y < f_.to.height ? plane + y * f_.to.width : nullptr, a, tile);
  }

  void write_results(const float* bias, float* y, const Block& b, std::int64_t group) {
    const std::int64_t n = f_.tiles(b), width = f_.to.width;
    float* const four = room_;
    for (std::int64_t c = 0; c < f_.to.channels; ++c) {
      const float shift = bias ? bias[c] : 0;
      combine_products(products_ + c * n, apart(f_.to.channels, n), n, four);
      each_plane(y, f_.to, b, group, c, [&](float* plane, std::int64_t tile) {
        each_row(plane, b, tile, [&](float* line, std::int64_t a, std::int64_t first) {
          const float* const left = four + 2 * a * n + first;
          if (line) interleave(left, left + n, width / 2, shift, line);
          if (line && width % 2) line[width - 1] = left[width / 2] + shift;
        });
      });
    }
  }

  void transform_results(const float* y, const Block& b, std::int64_t group) {
    const std::int64_t n = f_.tiles(b);
    float* const four = room_;
    for (std::int64_t c = 0; c < f_.to.channels; ++c) {
      each_plane(y, f_.to, b, group, c, [&](const float* plane, std::int64_t tile) {
        each_row(plane, b, tile, [&](const float* line, std::int64_t a, std::int64_t first) {
          float* const left = four + 2 * a * n + first;
          part(line, line ? f_.to.width : 0, 0, f_.columns, left, left + n);
        });
      });
      spread_results(four, n, products_ + c * n, apart(f_.to.channels, n));
    }
  }

  const Filtering& f_;
  Scratch<float> room_, points_, products_;
};

// Calls body(worker, block, piece) for every block.
template <class Body>
void run(const Filtering& f, std::int64_t pieces, const Body& body) {
  // what products by columns would do, less what is counted of these
  count_flops(2 * f.groups * f.from.channels * f.to.channels * f.batch *
              (taps * f.to.points() - places * f.rows * f.columns));
  xtape::parallel_for(pieces, [&](std::int64_t piece) {
    Worker worker(f);
    for (std::int64_t i = f.blocks() * piece / pieces; i < f.blocks() * (piece + 1) / pieces; ++i)
      body(worker, f.block(i), piece);
  });
}

// Kernels at the 16 places; `transposed` for results of the channels, by the taps in reverse.
void transform_kernels(const float* kernel, const Filtering& f, bool transposed, float* to) {
  const std::int64_t in = f.from.channels, out = f.to.channels;
  for (std::int64_t g = 0; g < f.groups; ++g, kernel += in * out * taps, to += places * in * out)
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t i = 0; i < in; ++i) {
        const float* const w = kernel + (transposed ? i * out + o : o * in + i) * taps;
        float half[side * 3];
        for (int j = 0; j < 3; ++j)
          if (transposed) spread_taps(w + 8 - j, -3, half + j, 3);
          else spread_taps(w + j, 3, half + j, 3);
        for (std::int64_t r = 0; r < side; ++r)
          spread_taps(half + r * 3, 1, to + (r * side * out + o) * in + i, out * in);
      }
}

// The gradient of kernels from that at the 16 places.
void gather_kernels(const float* from, const Filtering& f, float* kernel) {
  const std::int64_t size = f.from.channels * f.to.channels;
  for (std::int64_t g = 0; g < f.groups; ++g, from += places * size)
    for (std::int64_t i = 0; i < size; ++i, kernel += taps) {
      float half[3 * side];
      for (std::int64_t j = 0; j < side; ++j)
        gather_taps(from + j * size + i, side * size, half + j, side);
      for (std::int64_t r = 0; r < 3; ++r) gather_taps(half + r * side, 1, kernel + 3 * r, 1);
    }
}

void filter(const Filtering& f, bool transposed, const float* x, const float* kernel,
            const float* bias, float* y) {
  const Scratch<float> kernels(places * f.groups * f.from.channels * f.to.channels);
  transform_kernels(kernel, f, transposed, kernels);
  run(f, f.pieces(f.blocks()), [&](Worker& worker, const Block& block, std::int64_t) {
    worker.filter(x, kernels, bias, y, block);
  });
}

}  // namespace

bool suits_winograd(const Convolution& sizes) {
  const auto suits = [](const WindowAxis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.before <= 2;
  };
  const WindowAxis &y = sizes.windows.axis[1], &x = sizes.windows.axis[2];
  if (sizes.windows.rank != 2 || !suits(y) || !suits(x)) return false;
  // of tiles at edges only a part is used, and few tiles are not worth the kernels' transformation
  const std::int64_t tiles = ((y.out + 1) / 2) * ((x.out + 1) / 2);
  return std::min(sizes.channels, sizes.filters) >= 16 && sizes.batch * tiles >= 128 &&
         5 * places * tiles <= 3 * taps * y.out * x.out;
}

void winograd_correlate(const Convolution& sizes, const float* x, const float* kernel,
                        const float* bias, float* y) {
  filter(Filtering(sizes, false), false, x, kernel, bias, y);
}

void winograd_spread(const Convolution& sizes, const float* y, const float* kernel,
                     const float* bias, float* x) {
  filter(Filtering(sizes, true), true, y, kernel, bias, x);
}

void winograd_kernel_share(const Convolution& sizes, const float* x, const float* y,
                           float* kernel) {
  const Filtering f(sizes, false);
  const std::int64_t n = places * f.groups * f.from.channels * f.to.channels;
  // each piece has a sum of its own, of which there are few if they are large; added in order
  const std::int64_t most = std::clamp<std::int64_t>((std::int64_t{1} << 22) / n, 2, 8);
  const std::int64_t pieces = f.pieces(std::min(most, f.blocks()));
  const Scratch<float> sums(pieces * n);
  std::fill_n(static_cast<float*>(sums), pieces * n, 0.0f);
  run(f, pieces, [&](Worker& worker, const Block& block, std::int64_t piece) {
    worker.add_shares(x, y, sums + piece * n, block);
  });
  for (std::int64_t p = 1; p < pieces; ++p)
    for (std::int64_t i = 0; i < n; ++i) sums[i] += sums[p * n + i];
  gather_kernels(sums, f, kernel);
}

}  // namespace xtape::detail
