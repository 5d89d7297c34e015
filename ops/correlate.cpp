#include <fmt/format.h>

#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/correlate.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/gemm.hpp>
#include <xtape/ops/patches.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/winograd.hpp>

namespace xtape::detail {

namespace {

// How a convolution is cut into blocks whose columns stay in the cache: several images, or some
// rows of one. Only sizes decide, so that the sums are the same on any number of threads.
class Cut {
 public:
  Cut(const Convolution& sizes, std::int64_t element) : sizes_(sizes) {
    const Windows& w = sizes.windows;
    lines_ = w.axis[0].out * w.axis[1].out;
    line_ = w.axis[2].out;
    const std::int64_t depth = std::max<std::int64_t>(1, sizes.depth());
    const std::int64_t columns = std::clamp<std::int64_t>(budget / element / depth, 256, 1024);
    const std::int64_t positions = std::max<std::int64_t>(1, lines_ * line_);
    images_ =
        std::clamp<std::int64_t>(columns / positions, 1, std::max<std::int64_t>(1, sizes.batch));
    const std::int64_t lines =
        std::max<std::int64_t>(1, columns / std::max<std::int64_t>(1, line_));  // of a part
    parts_ = images_ > 1 || lines_ == 0 ? 1 : (lines_ + lines - 1) / lines;
  }

  /// Groups of images that can be worked on independently of each other.
  std::int64_t batches() const { return (sizes_.batch + images_ - 1) / images_; }
  /// Parts of each.
  std::int64_t parts() const { return parts_; }
  Block block(std::int64_t batch, std::int64_t part) const {
    const std::int64_t first = batch * images_;
    const std::int64_t row = lines_ * part / parts_;
    return {first, std::min(images_, sizes_.batch - first), row,
            lines_ * (part + 1) / parts_ - row};
  }
  /// All parts of all of them.
  std::int64_t blocks() const { return batches() * parts_; }
  Block block(std::int64_t i) const { return block(i / parts_, i % parts_); }
  std::int64_t columns(const Block& block) const { return block.images * block.rows * line_; }
  std::int64_t most_columns() const { return images_ * ((lines_ + parts_ - 1) / parts_) * line_; }
  /// Pieces of at least 4 Mflop.
  std::int64_t pieces(std::int64_t most) const {
    const double flops = 2.0 * static_cast<double>(sizes_.groups * sizes_.filters) *
                         static_cast<double>(sizes_.depth()) *
                         static_cast<double>(sizes_.batch * lines_ * line_);
    const double wanted = std::min(static_cast<double>(most), flops / 4e6);
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(wanted));
  }
  std::int64_t line() const { return line_; }

 private:
  static constexpr std::int64_t budget = 512 * 1024;
  const Convolution& sizes_;
  std::int64_t lines_, line_, images_, parts_;
};

// One convolution; its members work on one block or one batch of images, group by group.
template <class T>
struct Worker {
  const Convolution& sizes;
  const Cut cut;
  const std::int64_t points, positions, depth;
  // A kernel of one tap that visits every point: the image itself is the columns.
  const bool pointwise;

  explicit Worker(const Convolution& sizes)
      : sizes(sizes),
        cut(sizes, sizeof(T)),
        points(sizes.windows.points()),
        positions(sizes.windows.positions()),
        depth(sizes.depth()),
        pointwise(is_pointwise(sizes.windows)) {}

  static bool is_pointwise(const Windows& windows) {
    for (const WindowAxis& axis : windows.axis)
      if (axis.kernel != 1 || axis.stride != 1 || axis.before != 0 || axis.in != axis.out)
        return false;
    return true;
  }

  T* in_x(T* x, const Block& b, std::int64_t group) const {
    return x + (b.image * sizes.groups + group) * sizes.channels * points;
  }
  T* in_y(T* y, const Block& b, std::int64_t group) const {
    return y + (b.image * sizes.groups + group) * sizes.filters * positions + b.row * cut.line();
  }
  Matrix<const T> kernel(const T* kernel, std::int64_t group) const {
    return {kernel + group * sizes.filters * depth, depth, 1};
  }
  bool direct(const Block& b) const { return pointwise && b.images == 1; }

  // The columns of x, in `room` unless they are there already.
  Matrix<const T> columns(const T* x, const Block& b, std::int64_t group, T* room) const {
    const T* const from = in_x(const_cast<T*>(x), b, group);
    if (direct(b)) return {from + b.row * cut.line(), points, 1};
    const std::int64_t n = cut.columns(b);
    gather_patches(sizes.windows, b, from, sizes.groups * sizes.channels * points, sizes.channels,
                   room, n);
    return {room, n, 1};
  }

  // The rows of y side by side, in `room` unless they are one image's.
  Matrix<const T> rows(const T* y, const Block& b, std::int64_t group, T* room) const {
    const T* const from = in_y(const_cast<T*>(y), b, group);
    if (b.images == 1) return {from, positions, 1};
    for (std::int64_t f = 0; f < sizes.filters; ++f)
      for (std::int64_t i = 0; i < b.images; ++i)
        std::copy_n(from + (i * sizes.groups * sizes.filters + f) * positions, positions,
                    room + (f * b.images + i) * positions);
    return {room, b.images * positions, 1};
  }

  void correlate(const T* x, const T* w, const T* bias, T* y, const Block& b, T* room,
                 T* more) const {
    for (std::int64_t g = 0; g < sizes.groups; ++g) {
      const std::int64_t n = cut.columns(b), m = sizes.filters;
      const Matrix<const T> seen = columns(x, b, g, room);
      T* const to = in_y(y, b, g);
      const Matrix<T> out = b.images == 1 ? Matrix<T>{to, positions, 1} : Matrix<T>{more, n, 1};
      for (std::int64_t f = 0; f < m && bias; ++f)
        std::fill_n(out.at + f * out.row, n, bias[g * m + f]);
      gemm(m, n, depth, kernel(w, g), seen, out.at, out.row, bias != nullptr);
      for (std::int64_t f = 0; f < m && b.images > 1; ++f)
        for (std::int64_t i = 0; i < b.images; ++i)
          std::copy_n(more + (f * b.images + i) * positions, positions,
                      to + (i * sizes.groups * m + f) * positions);
    }
  }

  void spread(const T* y, const T* w, const T* bias, T* x, std::int64_t batch, T* room,
              T* more) const {
    const Block all = cut.block(batch, 0);
    const std::int64_t c = sizes.groups * sizes.channels;
    for (std::int64_t i = 0; i < all.images * c; ++i)
      std::fill_n(x + (all.image * c + i) * points, points, bias ? bias[i % c] : T(0));
    for (std::int64_t part = 0; part < cut.parts(); ++part)
      for (std::int64_t g = 0; g < sizes.groups; ++g) {
        const Block b = cut.block(batch, part);
        const std::int64_t n = cut.columns(b);
        const Matrix<const T> given = rows(y, b, g, more);
        T* const to = in_x(x, b, g);
        const Matrix<T> out =
            direct(b) ? Matrix<T>{to + b.row * cut.line(), points, 1} : Matrix<T>{room, n, 1};
        gemm(depth, n, sizes.filters, kernel(w, g).transposed(), given, out.at, out.row, direct(b));
        if (!direct(b)) add_patches(sizes.windows, b, to, c * points, sizes.channels, room, n);
      }
  }

  void kernel_share(const T* x, const T* y, T* w, const Block& b, T* room, T* more) const {
    for (std::int64_t g = 0; g < sizes.groups; ++g) {
      const Matrix<const T> seen = columns(x, b, g, room);
      gemm(sizes.filters, depth, cut.columns(b), rows(y, b, g, more), seen.transposed(),
           w + g * sizes.filters * depth, depth, true);
    }
  }

  // Calls body(unit, room for columns, room for rows, piece) for every unit of the work.
  template <class Body>
  void run(std::int64_t units, std::int64_t pieces, const Body& body) const {
    xtape::parallel_for(pieces, [&](std::int64_t p) {
      const Scratch<T> room(depth * cut.most_columns()), more(sizes.filters * cut.most_columns());
      for (std::int64_t i = units * p / pieces; i < units * (p + 1) / pieces; ++i)
        body(i, room, more, p);
    });
  }
};

template <class T>
const T* elements(const Tensor& tensor) {
  return tensor.defined() ? tensor.value()->as<T>() : nullptr;
}

Tensor bias_share(const Tensor& gradient) {
  const Shape& shape = gradient.shape();
  Shape flat{shape[0], shape[1], 1};
  for (int i = 2; i < shape.rank(); ++i) flat[2] *= shape[i];
  return sum(reshape(gradient, flat), {0, 2});
}

// The inputs of a product, of which a bias may be missing.
struct Operands {
  Operand all[3];
  std::size_t count;
  Operands(const Tensor& a, const Tensor& b, const Tensor& bias)
      : all{saved(a), saved(b), unsaved(bias)}, count(bias.defined() ? 3 : 2) {}
  operator std::span<const Operand>() const { return {all, count}; }
};

}  // namespace

Shape Convolution::kernel_shape() const {
  Shape shape{groups * filters, channels};
  for (int i = 0; i < windows.rank; ++i) shape.push_back(windows[i].kernel);
  return shape;
}

Tensor correlate(const Tensor& x, const Tensor& kernel, const Tensor& bias,
                 const Convolution& sizes, const Asked& asked) {
  const Tensor out = Tensor::empty(sizes.y_shape(), x.dtype());
  by_floating(x.dtype(), [&]<class T>(T*) {
    const T *from = elements<T>(x), *w = elements<T>(kernel), *b = elements<T>(bias);
    T* const to = out.value()->as<T>();
    if constexpr (std::is_same_v<T, float>)
      if (suits_winograd(sizes)) return winograd_correlate(sizes, from, w, b, to);
    const Worker<T> worker(sizes);
    const std::int64_t blocks = worker.cut.blocks();
    worker.run(blocks, worker.cut.pieces(blocks),
               [&](std::int64_t i, T* room, T* more, std::int64_t) {
                 worker.correlate(from, w, b, to, worker.cut.block(i), room, more);
               });
  });
  record(asked.op, asked.at, Operands(x, kernel, bias), {&out, 1},
         [sizes, asked](Backward& backward) {
           const Tensor& share = backward.grad();
           if (backward.needs(0))
             backward.give(0, spread(share, backward.input(1), {}, sizes, asked));
           if (backward.needs(1))
             backward.give(1, kernel_share(backward.input(0), share, sizes, asked));
           if (backward.input_count() > 2 && backward.needs(2)) backward.give(2, bias_share(share));
         });
  return out;
}

Tensor spread(const Tensor& y, const Tensor& kernel, const Tensor& bias, const Convolution& sizes,
              const Asked& asked) {
  const Tensor out = Tensor::empty(sizes.x_shape(), y.dtype());
  by_floating(y.dtype(), [&]<class T>(T*) {
    const T *from = elements<T>(y), *w = elements<T>(kernel), *b = elements<T>(bias);
    T* const to = out.value()->as<T>();
    if constexpr (std::is_same_v<T, float>)
      if (suits_winograd(sizes)) return winograd_spread(sizes, from, w, b, to);
    const Worker<T> worker(sizes);
    const std::int64_t batches = worker.cut.batches();
    worker.run(batches, worker.cut.pieces(batches),
               [&](std::int64_t i, T* room, T* more, std::int64_t) {
                 worker.spread(from, w, b, to, i, room, more);
               });
  });
  record(asked.op, asked.at, Operands(y, kernel, bias), {&out, 1},
         [sizes, asked](Backward& backward) {
           const Tensor& share = backward.grad();
           if (backward.needs(0))
             backward.give(0, correlate(share, backward.input(1), {}, sizes, asked));
           if (backward.needs(1))
             backward.give(1, kernel_share(share, backward.input(0), sizes, asked));
           if (backward.input_count() > 2 && backward.needs(2)) backward.give(2, bias_share(share));
         });
  return out;
}

Tensor kernel_share(const Tensor& x, const Tensor& y, const Convolution& sizes,
                    const Asked& asked) {
  const Tensor out = Tensor::empty(sizes.kernel_shape(), x.dtype());
  by_floating(x.dtype(), [&]<class T>(T*) {
    const T *from = elements<T>(x), *share = elements<T>(y);
    T* const to = out.value()->as<T>();
    if constexpr (std::is_same_v<T, float>)
      if (suits_winograd(sizes)) return winograd_kernel_share(sizes, from, share, to);
    const Worker<T> worker(sizes);
    const std::int64_t n = out.numel();
    std::fill_n(to, n, T(0));
    // each piece has a sum of its own; they are added in order
    const std::int64_t blocks = worker.cut.blocks();
    const std::int64_t pieces = worker.cut.pieces(std::min<std::int64_t>(8, blocks));
    const Scratch<T> sums((pieces - 1) * n);
    std::fill_n(static_cast<T*>(sums), (pieces - 1) * n, T(0));
    worker.run(blocks, pieces, [&](std::int64_t i, T* room, T* more, std::int64_t p) {
      T* const sum = p == 0 ? to : sums + (p - 1) * n;
      worker.kernel_share(from, share, sum, worker.cut.block(i), room, more);
    });
    for (std::int64_t p = 1; p < pieces; ++p)
      for (std::int64_t i = 0; i < n; ++i) to[i] += sums[(p - 1) * n + i];
  });
  return record(asked.op, asked.at, {saved(x), saved(y)}, out, [sizes, asked](Backward& backward) {
    const Tensor& share = backward.grad();
    if (backward.needs(0)) backward.give(0, spread(backward.input(1), share, {}, sizes, asked));
    if (backward.needs(1)) backward.give(1, correlate(backward.input(0), share, {}, sizes, asked));
  });
}

}  // namespace xtape::detail
