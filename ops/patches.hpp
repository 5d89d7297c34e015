// Images as columns: what each tap of a sliding window sees at each position. With them a
// convolution is a matrix product.
//
//   columns[channel * taps + tap, position] = x[channel, point of the tap at the position]
#pragma once

#include <cstring>
#include <xtape/autograd/pool.hpp>
#include <xtape/ops/matrices.hpp>
#include <xtape/ops/windows.hpp>

namespace xtape::detail {

using pool::Scratch;

/// Some positions of some images: rows are lines of positions along the last axis.
struct Block {
  std::int64_t image = 0, images = 1, row = 0, rows = 1;
};

/// Gathers columns, or adds them to the images they come from (and spoils them).
enum class Patches { gather, add };

template <Patches mode, class T>
class PatchWalk {
 public:
  using Image = std::conditional_t<mode == Patches::gather, const T, T>;

  PatchWalk(const Windows& windows, const Block& block)
      : d_(windows.axis[0]),
        h_(windows.axis[1]),
        w_(windows.axis[2]),
        block_(block),
        whole_lines_(h_.stride == 1 && w_.stride == 1 && w_.in == w_.out) {}

  /// `images` is the first channel of the first image of the block; images lie `pitch` apart. A row
  /// of columns has `width` elements.
  void run(Image* images, std::int64_t pitch, std::int64_t channels, T* columns,
           std::int64_t width) const {
    const std::int64_t points = d_.in * h_.in * w_.in;
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t kd = 0; kd < d_.kernel; ++kd)
        for (std::int64_t kh = 0; kh < h_.kernel; ++kh)
          for (std::int64_t kw = 0; kw < w_.kernel; ++kw, columns += width) {
            T* to = columns;
            for (std::int64_t i = 0; i < block_.images; ++i)
              to = tap(images + i * pitch + c * points, kd, kh, kw, to);
          }
  }

 private:
  // All rows of the block that one tap sees in one channel of one image.
  T* tap(Image* image, std::int64_t kd, std::int64_t kh, std::int64_t kw, T* column) const {
    const std::int64_t end = block_.row + block_.rows;
    for (std::int64_t row = block_.row; row < end;) {
      const std::int64_t depth = row / h_.out, first = row - depth * h_.out;
      const std::int64_t last = std::min(h_.out, end - depth * h_.out);
      const std::int64_t z = depth * d_.stride - d_.before + kd * d_.dilation;
      if (z < 0 || z >= d_.in) blank(column, (last - first) * w_.out);
      else plane(image + z * h_.in * w_.in, first, last, kh, kw, column);
      column += (last - first) * w_.out;
      row += last - first;
    }
    return column;
  }

  void plane(Image* from, std::int64_t first, std::int64_t last, std::int64_t kh, std::int64_t kw,
             T* column) const {
    const std::int64_t up = kh * h_.dilation - h_.before, left = kw * w_.dilation - w_.before;
    if (whole_lines_) return lines(from, first, last, up, left, column);
    const std::int64_t s = w_.stride;
    const std::int64_t begin = std::clamp<std::int64_t>((s - 1 - left) / s, 0, w_.out);
    const std::int64_t end =
        left >= w_.in ? begin : std::clamp((w_.in - left + s - 1) / s, begin, w_.out);
    for (std::int64_t y = first; y < last; ++y, column += w_.out) {
      const std::int64_t line = y * h_.stride + up;
      if (line < 0 || line >= h_.in) {
        blank(column, w_.out);
        continue;
      }
      Image* const points = from + line * w_.in + left;
      blank(column, begin);
      if (s == 1) move(points + begin, column + begin, end - begin, 1);
      else move(points + begin * s, column + begin, end - begin, s);
      blank(column + end, w_.out - end);
    }
  }

  // With stride 1 and lines of one length, the rows are one piece of the plane, shifted: only what
  // has wrapped around the ends of the lines is wrong.
  void lines(Image* from, std::int64_t first, std::int64_t last, std::int64_t up, std::int64_t left,
             T* column) const {
    const std::int64_t n = w_.in, count = (last - first) * n;
    const std::int64_t shift = (first + up) * n + left;
    const std::int64_t begin = std::clamp<std::int64_t>(-shift, 0, count);
    const std::int64_t end = std::clamp(h_.in * n - shift, begin, count);
    if (mode == Patches::add) blank_wrapped(column, last - first, left);
    blank(column, begin);
    move(from + shift + begin, column + begin, end - begin, 1);
    blank(column + end, count - end);
    if (mode == Patches::gather) blank_wrapped(column, last - first, left);
  }

  void blank_wrapped(T* column, std::int64_t rows, std::int64_t left) const {
    const std::int64_t n = w_.out, count = std::min(n, std::abs(left));
    T* const wrong = left < 0 ? column : column + n - count;
    for (std::int64_t y = 0; y < rows; ++y)
      for (std::int64_t i = 0; i < count; ++i) wrong[y * n + i] = 0;
  }

  static void blank(T* column, std::int64_t n) {
    if (mode == Patches::gather) std::fill_n(column, n, T(0));
  }

  static void move(Image* points, T* column, std::int64_t n, std::int64_t step) {
    if constexpr (mode == Patches::gather) {
      if (step == 1) std::copy_n(points, n, column);
      else
        for (std::int64_t i = 0; i < n; ++i) column[i] = points[i * step];
    } else {
      if (step == 1)
        for (std::int64_t i = 0; i < n; ++i) points[i] += column[i];
      else
        for (std::int64_t i = 0; i < n; ++i) points[i * step] += column[i];
    }
  }

  WindowAxis d_, h_, w_;
  Block block_;
  bool whole_lines_;
};

/// The columns of a block of images.
template <class T>
void gather_patches(const Windows& windows, const Block& block, const T* images, std::int64_t pitch,
                    std::int64_t channels, T* columns, std::int64_t width) {
  PatchWalk<Patches::gather, T>(windows, block).run(images, pitch, channels, columns, width);
}

/// Adds columns to the points they are seen at: the transpose of gather_patches(). Spoils them.
template <class T>
void add_patches(const Windows& windows, const Block& block, T* images, std::int64_t pitch,
                 std::int64_t channels, T* columns, std::int64_t width) {
  PatchWalk<Patches::add, T>(windows, block).run(images, pitch, channels, columns, width);
}

}  // namespace xtape::detail
