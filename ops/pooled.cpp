#include <fmt/format.h>

#include <limits>
#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/patches.hpp>
#include <xtape/ops/pooled.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::detail {

namespace {

// What a window sees of one axis: points begin, begin + dilation, ... before end; and what its size
// counts for in a mean.
struct Span {
  std::int64_t begin, end, size;
};

Span span_at(const Pooling& pooling, const WindowAxis& axis, std::int64_t o) {
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

// The spans of every position of all axes.
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

// Calls body(plane) for the planes of x, in pieces of at least 64k points.
template <class F>
void for_planes(std::int64_t planes, std::int64_t points, const F& body) {
  const std::int64_t pieces =
      std::clamp<std::int64_t>(planes * points / 65536, 1, std::max<std::int64_t>(1, planes));
  xtape::parallel_for(pieces, [&](std::int64_t p) {
    for (std::int64_t i = planes * p / pieces; i < planes * (p + 1) / pieces; ++i) body(i);
  });
}

// Calls f(position, depth span, height span, width span) for every window.
template <class F>
void for_windows(const Windows& w, const Spans& spans, F f) {
  std::int64_t position = 0;
  for (std::int64_t d = 0; d < w.axis[0].out; ++d)
    for (std::int64_t h = 0; h < w.axis[1].out; ++h)
      for (std::int64_t v = 0; v < w.axis[2].out; ++v)
        f(position++, spans.at(0, d), spans.at(1, h), spans.at(2, v));
}

template <class T>
void max_of_plane(const Windows& w, const Spans& spans, const T* x, T* y, std::int64_t* places) {
  const WindowAxis &da = w.axis[0], &ha = w.axis[1], &wa = w.axis[2];
  for_windows(w, spans, [&](std::int64_t o, const Span& d, const Span& h, const Span& v) {
    T best = -std::numeric_limits<T>::infinity();
    std::int64_t place = (d.begin * ha.in + h.begin) * wa.in + v.begin;
    for (std::int64_t i = d.begin; i < d.end; i += da.dilation)
      for (std::int64_t j = h.begin; j < h.end; j += ha.dilation) {
        const std::int64_t line = (i * ha.in + j) * wa.in;
        for (std::int64_t k = v.begin; k < v.end; k += wa.dilation) {
          const T candidate = x[line + k];
          if (candidate > best || candidate != candidate) {
            best = candidate;
            place = line + k;
          }
        }
      }
    y[o] = best;
    places[o] = place;
  });
}

// The usual case, which a compiler can vectorise.
bool is_two_by_two(const Pooling& pooling) {
  const Windows& w = pooling.windows;
  if (pooling.adaptive || w.axis[0].in != 1 || w.axis[0].out != 1) return false;
  for (int a = 1; a < Windows::most; ++a)
    if (w.axis[a].kernel != 2 || w.axis[a].stride != 2 || w.axis[a].before != 0 ||
        w.axis[a].dilation != 1 || 2 * w.axis[a].out > w.axis[a].in)
      return false;
  return true;
}

template <class T>
void max_two_by_two(const Windows& w, const T* x, T* y, std::int64_t* places) {
  const std::int64_t lines = w.axis[1].out, columns = w.axis[2].out, in = w.axis[2].in;
  for (std::int64_t h = 0; h < lines; ++h) {
    const T *upper = x + 2 * h * in, *lower = upper + in;
    for (std::int64_t v = 0; v < columns; ++v) {
      const T a = upper[2 * v], b = upper[2 * v + 1], c = lower[2 * v], d = lower[2 * v + 1];
      const bool second = (b > a) | (b != b), fourth = (d > c) | (d != d);
      const T top = second ? b : a, bottom = fourth ? d : c;
      const bool below = (bottom > top) | (bottom != bottom);
      const std::int64_t start = 2 * (h * in + v);
      y[h * columns + v] = below ? bottom : top;
      places[h * columns + v] = start + (below ? in + fourth : second);
    }
  }
}

Tensor flat(const Tensor& x, std::int64_t planes, std::int64_t size) {
  return reshape(x, Shape{planes, size});
}

// The gradient of maxima goes to the places where they were found.
Tensor to_places(const Tensor& share, const Tensor& places, const Windows& windows, bool record) {
  const Shape& shape = share.shape();
  const std::int64_t planes = shape[0] * shape[1];
  const std::int64_t points = windows.points(), positions = windows.positions();
  const Shape all = windows.with_points({shape[0], shape[1]});
  if (record)
    return reshape(scatter_add(zeros_of({planes, points}, share.dtype()), 1,
                               flat(places, planes, positions), flat(share, planes, positions)),
                   all);
  const Tensor out = Tensor::empty(all, share.dtype());
  by_floating(share.dtype(), [&]<class T>(T*) {
    for_planes(planes, points, [&](std::int64_t p) {
      const std::int64_t* const place = places.value()->as<std::int64_t>() + p * positions;
      const T* const from = share.value()->as<T>() + p * positions;
      T* const to = out.value()->as<T>() + p * points;
      std::fill_n(to, points, T(0));
      for (std::int64_t o = 0; o < positions; ++o) to[place[o]] += from[o];
    });
  });
  return out;
}

// 1 / what the mean of a window is divided by.
template <class T>
T weight_of(const Pooling& pooling, const Span& d, const Span& h, const Span& w) {
  return T(1) / static_cast<T>(pooling.divisor ? pooling.divisor : d.size * h.size * w.size);
}

// The transpose of means(): every position shares its number among the points it sees.
Tensor shares(const Tensor& y, const Pooling& pooling, const Asked& asked) {
  const Windows& windows = pooling.windows;
  const Tensor out = Tensor::empty(windows.with_points({y.shape()[0], y.shape()[1]}), y.dtype());
  const std::int64_t points = windows.points(), positions = windows.positions();
  const Spans spans(pooling);
  by_floating(y.dtype(), [&]<class T>(T*) {
    for_planes(y.shape()[0] * y.shape()[1], points, [&](std::int64_t p) {
      const T* const from = y.value()->as<T>() + p * positions;
      T* const to = out.value()->as<T>() + p * points;
      std::fill_n(to, points, T(0));
      for_windows(windows, spans, [&](std::int64_t o, const Span& d, const Span& h, const Span& w) {
        const T share = from[o] * weight_of<T>(pooling, d, h, w);
        for (std::int64_t i = d.begin; i < d.end; ++i)
          for (std::int64_t j = h.begin; j < h.end; ++j) {
            T* const line = to + (i * windows.axis[1].in + j) * windows.axis[2].in;
            for (std::int64_t k = w.begin; k < w.end; ++k) line[k] += share;
          }
      });
    });
  });
  return record(asked.op, asked.at, {unsaved(y)}, out, [pooling, asked](Backward& backward) {
    backward.give(0, means(backward.grad(), pooling, asked));
  });
}

}  // namespace

Pooled maxima(const Tensor& x, const Pooling& pooling, const Asked& asked) {
  const Windows& windows = pooling.windows;
  const Shape shape = windows.with_positions({x.shape()[0], x.shape()[1]});
  const Tensor values = Tensor::empty(shape, x.dtype()), indices = Tensor::empty(shape, int64);
  const std::int64_t points = windows.points(), positions = windows.positions();
  const Spans spans(pooling);
  for (int a = 0; a < Windows::most; ++a)
    for (std::int64_t o = 0; o < windows.axis[a].out; ++o)
      if (spans.at(a, o).begin >= spans.at(a, o).end)
        raise<ShapeError>(asked.at, asked.op,
                          fmt::format("a window sees only padding; x is {}", x.shape().str()));
  by_floating(x.dtype(), [&]<class T>(T*) {
    const bool small = is_two_by_two(pooling);
    for_planes(x.shape()[0] * x.shape()[1], points, [&](std::int64_t p) {
      const T* const from = x.value()->as<T>() + p * points;
      T* const to = values.value()->as<T>() + p * positions;
      std::int64_t* const places = indices.value()->as<std::int64_t>() + p * positions;
      if (small) max_two_by_two(windows, from, to, places);
      else max_of_plane(windows, spans, from, to, places);
    });
  });
  record(asked.op, asked.at, std::initializer_list<Operand>{unsaved(x), saved(indices)}, values,
         [windows](Backward& backward) {
           backward.give(
               0, to_places(backward.grad(), backward.input(1), windows, backward.create_graph()));
         });
  return {values, indices};
}

Tensor means(const Tensor& x, const Pooling& pooling, const Asked& asked) {
  const Windows& windows = pooling.windows;
  const Tensor out = Tensor::empty(windows.with_positions({x.shape()[0], x.shape()[1]}), x.dtype());
  const std::int64_t points = windows.points(), positions = windows.positions();
  const Spans spans(pooling);
  by_floating(x.dtype(), [&]<class T>(T*) {
    for_planes(x.shape()[0] * x.shape()[1], points, [&](std::int64_t p) {
      const T* const from = x.value()->as<T>() + p * points;
      T* const to = out.value()->as<T>() + p * positions;
      for_windows(windows, spans, [&](std::int64_t o, const Span& d, const Span& h, const Span& w) {
        T total = 0;
        for (std::int64_t i = d.begin; i < d.end; ++i)
          for (std::int64_t j = h.begin; j < h.end; ++j) {
            const T* const line = from + (i * windows.axis[1].in + j) * windows.axis[2].in;
            T sum = 0;
            for (std::int64_t k = w.begin; k < w.end; ++k) sum += line[k];
            total += sum;
          }
        to[o] = total * weight_of<T>(pooling, d, h, w);
      });
    });
  });
  return record(asked.op, asked.at, {unsaved(x)}, out, [pooling, asked](Backward& backward) {
    backward.give(0, shares(backward.grad(), pooling, asked));
  });
}

}  // namespace xtape::detail
