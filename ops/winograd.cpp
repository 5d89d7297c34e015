#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/gemm.hpp>
#include <xtape/ops/patches.hpp>
#include <xtape/ops/winograd.hpp>
#include <xtape/ops/winograd_tiles.hpp>

namespace xtape::detail {

namespace {

using namespace winograd;

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

  // Makes sure that so many of them, and their products, find room at the same time.
  static void make_room(const Filtering& f, int workers) {
    if (workers == 0) return;
    const std::int64_t in = f.from.channels, out = f.to.channels, n = f.tiles();
    detail::make_room<float>(workers, out, n, in, {nullptr, in, 1}, {nullptr, n, 1});
    detail::make_room<float>(workers, out, in, n, {nullptr, n, 1}, {nullptr, 1, n});
    const Worker held(f);
    make_room(f, workers - 1);
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
  const int threads = std::min(num_threads(), static_cast<int>(pieces));
  if (threads > 1) Worker::make_room(f, threads);
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
