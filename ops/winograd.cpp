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
  std::int64_t positions;      // of the convolution's windows
  std::int64_t rows, columns;  // of tiles
  std::int64_t images, parts;  // of a block: several images, or one of the parts of one

  Filtering(const Convolution& sizes, bool transposed)
      : batch(sizes.batch),
        groups(sizes.groups),
        from{sizes.channels, sizes.windows.axis[1].in, sizes.windows.axis[2].in},
        to{sizes.filters, sizes.windows.axis[1].out, sizes.windows.axis[2].out},
        above(sizes.windows.axis[1].before),
        left(sizes.windows.axis[2].before),
        positions(sizes.windows.positions()) {
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
  /// Calls body(block) for one part of the blocks.
  template <class Body>
  void each_block(std::int64_t part, std::int64_t all, const Body& body) const {
    for (std::int64_t i = blocks() * part / all; i < blocks() * (part + 1) / all; ++i)
      body(block(i));
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

// What is computed at the 16 places of tiles lies as [place][channel][tile], of kernels as
// [place][channel of the results][of the points]. So far are places apart: not by a power of two,
// or a cache had to have them in the same lines.
std::int64_t apart(std::int64_t rows, std::int64_t columns) { return rows * columns + 16; }

// The filtering of one block, group by group.
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
    for (std::int64_t g = 0; g < f_.groups; ++g) {
      transform_points(x, b, g);
      for (std::int64_t p = 0; p < places; ++p, kernels += apart(in, out))
        gemm(out, n, in, {kernels, in, 1}, {points_ + p * apart(in, n), n, 1},
             products_ + p * apart(out, n), n, false);
      write_results(bias ? bias + g * out : nullptr, y, b, g);
    }
  }

  // Adds a block's share of the gradients of some filters of each group at the 16 places.
  void add_shares(const float* x, const float* y, float* kernels, const Block& b,
                  std::int64_t first, std::int64_t last) {
    const std::int64_t in = f_.from.channels, out = f_.to.channels, n = f_.tiles(b);
    for (std::int64_t g = 0; g < f_.groups; ++g) {
      transform_points(x, b, g);
      transform_results(y, b, g, first, last);
      for (std::int64_t p = 0; p < places; ++p, kernels += apart(in, out))
        gemm(last - first, in, n, {products_ + p * apart(out, n) + first * n, n, 1},
             {points_ + p * apart(in, n), 1, n}, kernels + first * in, in, true);
    }
  }

 private:
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

  void transform_results(const float* y, const Block& b, std::int64_t group, std::int64_t first,
                         std::int64_t last) {
    const std::int64_t n = f_.tiles(b);
    float* const four = room_;
    for (std::int64_t c = first; c < last; ++c) {
      each_plane(y, f_.to, b, group, c, [&](const float* plane, std::int64_t tile) {
        each_row(plane, b, tile, [&](const float* line, std::int64_t a, std::int64_t at) {
          float* const left = four + 2 * a * n + at;
          part(line, line ? f_.to.width : 0, 0, f_.columns, left, left + n);
        });
      });
      spread_results(four, n, products_ + c * n, apart(f_.to.channels, n));
    }
  }

  const Filtering& f_;
  Scratch<float> room_, points_, products_;
};

// Calls body(worker, piece) for each piece.
template <class Body>
void run(const Filtering& f, std::int64_t pieces, const Body& body) {
  // what products by columns would do, less what is counted of these
  count_flops(2 * f.groups * f.from.channels * f.to.channels * f.batch *
              (taps * f.positions - places * f.rows * f.columns));
  xtape::parallel_for(pieces, [&](std::int64_t piece) {
    Worker worker(f);
    body(worker, piece);
  });
}

// Calls body(row at the 16 places, index of its first kernel, room for its taps) for each row of
// kernels, which belong to one channel of the results.
template <class T, class Body>
void each_kernels(const Filtering& f, T* at, const Body& body) {
  const std::int64_t in = f.from.channels, out = f.to.channels, rows = f.groups * out;
  const std::int64_t pieces = std::max<std::int64_t>(1, rows * in / 16384);
  xtape::parallel_for(pieces, [&](std::int64_t piece) {
    const Scratch<float> room(taps * in);
    for (std::int64_t r = rows * piece / pieces; r < rows * (piece + 1) / pieces; ++r)
      body(at + r / out * places * apart(in, out) + r % out * in, r, room);
  });
}

// `transposed` for results of the channels, by the taps in reverse.
void filter(const Filtering& f, bool transposed, const float* x, const float* kernel,
            const float* bias, float* y) {
  const std::int64_t in = f.from.channels, out = f.to.channels;
  const Scratch<float> kernels(places * f.groups * apart(in, out));
  each_kernels(f, static_cast<float*>(kernels), [&](float* to, std::int64_t row, float* room) {
    const std::int64_t first = transposed ? row / out * in * out + row % out : row * in;
    for (std::int64_t i = 0; i < in; ++i) {
      const float* const w = kernel + (first + i * (transposed ? out : 1)) * taps;
      for (std::int64_t t = 0; t < taps; ++t) room[t * in + i] = w[transposed ? taps - 1 - t : t];
    }
    transform_kernels(room, in, to, apart(in, out));
  });
  const std::int64_t pieces = f.pieces(f.blocks());
  run(f, pieces, [&](Worker& worker, std::int64_t piece) {
    f.each_block(piece, pieces,
                 [&](const Block& block) { worker.filter(x, kernels, bias, y, block); });
  });
}

}  // namespace

bool suits_winograd(const Convolution& sizes) {
  const auto suits = [](const WindowAxis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.before <= 2;
  };
  const WindowAxis &y = sizes.windows.axis[1], &x = sizes.windows.axis[2];
  if (!sizes.winograd || sizes.batch == 0 || sizes.windows.rank != 2) return false;
  if (!suits(y) || !suits(x)) return false;
  // of tiles at edges only a part is used, and few are not worth transforming large kernels; one
  // image decides, so that it comes to the same in any batch
  const std::int64_t tiles = ((y.out + 1) / 2) * ((x.out + 1) / 2);
  return std::min(sizes.channels, sizes.filters) >= 16 && tiles >= 16 &&
         sizes.channels * sizes.filters <= 4096 * tiles &&
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
  const std::int64_t in = f.from.channels, out = f.to.channels;
  const std::int64_t n = places * f.groups * apart(in, out);
  // parts of the blocks have sums of their own, which are added in order; where those are large
  // there are fewer, and parts of the filters
  const std::int64_t most = std::clamp<std::int64_t>((std::int64_t{1} << 22) / n, 1, 8);
  const std::int64_t parts = f.pieces(std::min(most, f.blocks())), cuts = 8 / most;
  const Scratch<float> sums(parts * n);
  std::fill_n(static_cast<float*>(sums), parts * n, 0.0f);
  run(f, parts * cuts, [&](Worker& worker, std::int64_t piece) {
    const std::int64_t part = piece / cuts, cut = piece % cuts;
    f.each_block(part, parts, [&](const Block& block) {
      worker.add_shares(x, y, sums + part * n, block, out * cut / cuts, out * (cut + 1) / cuts);
    });
  });
  for (std::int64_t p = 1; p < parts; ++p)
    for (std::int64_t i = 0; i < n; ++i) sums[i] += sums[p * n + i];
  each_kernels(f, static_cast<const float*>(sums),
               [&](const float* from, std::int64_t row, float* room) {
                 gather_kernels(from, apart(in, out), in, room);
                 for (std::int64_t i = 0; i < in; ++i)
                   for (std::int64_t t = 0; t < taps; ++t)
                     kernel[(row * in + i) * taps + t] = room[t * in + i];
               });
}

}  // namespace xtape::detail
