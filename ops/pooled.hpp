// The two reductions of windows, to their maxima and to their means, and how both walk over the
// windows of a plane.
#pragma once

#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/patches.hpp>
#include <xtape/ops/pooling.hpp>

namespace xtape::detail {

/// Windows with what a pooling knows besides.
struct Pooling {
  Windows windows;
  bool adaptive = false;  ///< the windows share the points evenly instead of sliding
  bool count_include_pad = true;
  std::int64_t divisor = 0;
};

/// The maximum of each window of x [batch, channels, points...]. Throws ShapeError if a window sees
/// only padding.
Pooled maxima(const Tensor& x, const Pooling& pooling, const Asked& asked);
/// The mean of each window.
Tensor means(const Tensor& x, const Pooling& pooling, const Asked& asked);

/// What a window sees of one axis: points begin, begin + dilation, ... before end; and what its
/// size counts for in a mean.
struct Span {
  std::int64_t begin, end, size;
};

inline Span span_at(const Pooling& pooling, const WindowAxis& axis, std::int64_t o) {
  if (pooling.adaptive) {
    const std::int64_t begin = o * axis.in / axis.out;
    const std::int64_t end = ((o + 1) * axis.in + axis.out - 1) / axis.out;
    return {begin, end, end - begin};
  }
  const std::int64_t start = o * axis.stride - axis.before, stop = start + axis.reach();
  const std::int64_t skipped =
      start < 0 ? (-start + axis.dilation - 1) / axis.dilation * axis.dilation : 0;
  const std::int64_t begin = start + skipped, end = std::min(stop, axis.in);
  const std::int64_t padded = std::min(stop, axis.in + axis.before) - start;
  return {begin, end, pooling.count_include_pad ? padded : end - begin};
}

/// The spans of every position of all axes.
class Spans {
 public:
  explicit Spans(const Pooling& pooling)
      : memory_(pooling.windows.axis[0].out + pooling.windows.axis[1].out +
                pooling.windows.axis[2].out) {
    Span* next = memory_;
    for (int a = 0; a < Windows::most; ++a) {
      const WindowAxis& axis = pooling.windows.axis[a];
      axis_[a] = next;
      for (std::int64_t o = 0; o < axis.out; ++o) *next++ = span_at(pooling, axis, o);
    }
  }
  const Span& at(int axis, std::int64_t o) const { return axis_[axis][o]; }

 private:
  Scratch<Span> memory_;
  const Span* axis_[Windows::most];
};

/// Calls body(plane, room) for the planes of x, in pieces of at least 64k points, each with a room
/// of its own.
template <class Room, class F>
void for_planes(std::int64_t planes, std::int64_t points, const Windows& windows, const F& body) {
  const std::int64_t pieces =
      std::clamp<std::int64_t>(planes * points / 65536, 1, std::max<std::int64_t>(1, planes));
  xtape::parallel_for(pieces, [&](std::int64_t p) {
    const Room room(windows);
    for (std::int64_t i = planes * p / pieces; i < planes * (p + 1) / pieces; ++i) body(i, room);
  });
}
/// No room at all.
struct NoRoom {
  explicit NoRoom(const Windows&) {}
};

/// Calls f(position, depth span, height span, width span) for every window.
template <class F>
void for_windows(const Windows& w, const Spans& spans, F f) {
  std::int64_t position = 0;
  for (std::int64_t d = 0; d < w.axis[0].out; ++d)
    for (std::int64_t h = 0; h < w.axis[1].out; ++h)
      for (std::int64_t v = 0; v < w.axis[2].out; ++v)
        f(position++, spans.at(0, d), spans.at(1, h), spans.at(2, v));
}

/// The taps of a line of sliding windows: calls f(offset of the tap's first point, begin, end) for
/// every tap that positions begin ... end see within the image; position v sees the point
/// offset + v * stride.
template <class F>
void for_taps(const Windows& windows, const Span& d, const Span& h, F f) {
  const WindowAxis &da = windows.axis[0], &ha = windows.axis[1], &wa = windows.axis[2];
  for (std::int64_t i = d.begin; i < d.end; i += da.dilation)
    for (std::int64_t j = h.begin; j < h.end; j += ha.dilation)
      for (std::int64_t k = 0; k < wa.kernel; ++k) {
        const std::int64_t start = k * wa.dilation - wa.before, s = wa.stride;
        const std::int64_t begin = start < 0 ? std::min((s - 1 - start) / s, wa.out) : 0;
        const std::int64_t end =
            start < wa.in ? std::clamp((wa.in - start + s - 1) / s, begin, wa.out) : begin;
        if (begin < end) f((i * ha.in + j) * wa.in + start, begin, end);
      }
}

/// Calls f(first position of the line, depth span, height span) for every line of positions.
template <class F>
void for_lines(const Windows& w, const Spans& spans, F f) {
  for (std::int64_t d = 0; d < w.axis[0].out; ++d)
    for (std::int64_t h = 0; h < w.axis[1].out; ++h)
      f((d * w.axis[1].out + h) * w.axis[2].out, spans.at(0, d), spans.at(1, h));
}

}  // namespace xtape::detail
