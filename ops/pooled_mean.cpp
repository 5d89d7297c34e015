#include <xtape/ops/pooled.hpp>

// Means of windows and their transpose.
namespace xtape::detail {

namespace {

// Room for one line of positions.
template <class T>
struct Line {
  Scratch<T> values;
  explicit Line(const Windows& windows) : values(windows.axis[2].out) {}
};

// 1 / what the mean of a window is divided by.
template <class T>
T weight_of(const Pooling& pooling, const Span& d, const Span& h, const Span& w) {
  return T(1) / static_cast<T>(pooling.divisor ? pooling.divisor : d.size * h.size * w.size);
}

template <class T>
void adaptive_mean(const Pooling& pooling, const Spans& spans, const T* x, T* y) {
  const WindowAxis &ha = pooling.windows.axis[1], &wa = pooling.windows.axis[2];
  for_windows(pooling.windows, spans,
              [&](std::int64_t o, const Span& d, const Span& h, const Span& w) {
                T total = 0;
                for (std::int64_t i = d.begin; i < d.end; ++i)
                  for (std::int64_t j = h.begin; j < h.end; ++j) {
                    const T* const line = x + (i * ha.in + j) * wa.in;
                    T sum = 0;
                    for (std::int64_t k = w.begin; k < w.end; ++k) sum += line[k];
                    total += sum;
                  }
                y[o] = total * weight_of<T>(pooling, d, h, w);
              });
}

template <class T>
void adaptive_share(const Pooling& pooling, const Spans& spans, const T* y, T* x) {
  const WindowAxis &ha = pooling.windows.axis[1], &wa = pooling.windows.axis[2];
  for_windows(pooling.windows, spans,
              [&](std::int64_t o, const Span& d, const Span& h, const Span& w) {
                const T share = y[o] * weight_of<T>(pooling, d, h, w);
                for (std::int64_t i = d.begin; i < d.end; ++i)
                  for (std::int64_t j = h.begin; j < h.end; ++j) {
                    T* const line = x + (i * ha.in + j) * wa.in;
                    for (std::int64_t k = w.begin; k < w.end; ++k) line[k] += share;
                  }
              });
}

template <class T>
void sliding_mean(const Pooling& pooling, const Spans& spans, const T* x, T* y) {
  const Windows& windows = pooling.windows;
  const std::int64_t s = windows.axis[2].stride, count = windows.axis[2].out;
  for_lines(windows, spans, [&](std::int64_t o, const Span& d, const Span& h) {
    std::fill_n(y + o, count, T(0));
    for_taps(windows, d, h, [&](std::int64_t offset, std::int64_t begin, std::int64_t end) {
      for (std::int64_t v = begin; v < end; ++v) y[o + v] += x[offset + v * s];
    });
    for (std::int64_t v = 0; v < count; ++v)
      y[o + v] *= weight_of<T>(pooling, d, h, spans.at(2, v));
  });
}

template <class T>
void sliding_share(const Pooling& pooling, const Spans& spans, const T* y, T* x, T* line) {
  const Windows& windows = pooling.windows;
  const std::int64_t s = windows.axis[2].stride, count = windows.axis[2].out;
  for_lines(windows, spans, [&](std::int64_t o, const Span& d, const Span& h) {
    for (std::int64_t v = 0; v < count; ++v)
      line[v] = y[o + v] * weight_of<T>(pooling, d, h, spans.at(2, v));
    for_taps(windows, d, h, [&](std::int64_t offset, std::int64_t begin, std::int64_t end) {
      for (std::int64_t v = begin; v < end; ++v) x[offset + v * s] += line[v];
    });
  });
}

// The transpose of means(): every position shares its number among the points it sees.
Tensor shares(const Tensor& y, const Pooling& pooling, const Asked& asked) {
  const Windows& windows = pooling.windows;
  const Tensor out = Tensor::empty(windows.with_points({y.shape()[0], y.shape()[1]}), y.dtype());
  const std::int64_t points = windows.points(), positions = windows.positions();
  const Spans spans(pooling);
  by_floating(y.dtype(), [&]<class T>(T*) {
    const std::int64_t planes = y.shape()[0] * y.shape()[1];
    for_planes<Line<T>>(planes, points, windows, [&](std::int64_t p, const Line<T>& room) {
      const T* const from = y.value()->as<T>() + p * positions;
      T* const to = out.value()->as<T>() + p * points;
      std::fill_n(to, points, T(0));
      if (pooling.adaptive) adaptive_share(pooling, spans, from, to);
      else sliding_share<T>(pooling, spans, from, to, room.values);
    });
  });
  return record(asked.op, asked.at, {unsaved(y)}, out, [pooling, asked](Backward& backward) {
    backward.give(0, means(backward.grad(), pooling, asked));
  });
}

}  // namespace

Tensor means(const Tensor& x, const Pooling& pooling, const Asked& asked) {
  const Windows& windows = pooling.windows;
  const Tensor out = Tensor::empty(windows.with_positions({x.shape()[0], x.shape()[1]}), x.dtype());
  const std::int64_t points = windows.points(), positions = windows.positions();
  const Spans spans(pooling);
  by_floating(x.dtype(), [&]<class T>(T*) {
    const std::int64_t planes = x.shape()[0] * x.shape()[1];
    for_planes<NoRoom>(planes, points, windows, [&](std::int64_t p, const NoRoom&) {
      const T* const from = x.value()->as<T>() + p * points;
      T* const to = out.value()->as<T>() + p * positions;
      if (pooling.adaptive) adaptive_mean(pooling, spans, from, to);
      else sliding_mean(pooling, spans, from, to);
    });
  });
  return record(asked.op, asked.at, {unsaved(x)}, out, [pooling, asked](Backward& backward) {
    backward.give(0, shares(backward.grad(), pooling, asked));
  });
}

}  // namespace xtape::detail
