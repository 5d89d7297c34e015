#include <fmt/format.h>

#include <limits>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/pooled.hpp>
#include <xtape/ops/shaping.hpp>

// Maxima of windows.
namespace xtape::detail {

namespace {

// An integer as wide as T, so that a compiler can choose both alike in registers.
template <class T>
using Place = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

// Room for some lines, or one, that a piece of work on maxima needs, and a register of 64 bytes.
template <class T>
struct MaxLines {
  static constexpr std::int64_t some = 1024, more = 64 / sizeof(T);
  Scratch<T> values, best;
  Scratch<Place<T>> places, chosen;
  explicit MaxLines(const Windows& windows)
      : values(count(windows)),
        best(count(windows)),
        places(count(windows)),
        chosen(count(windows)) {}
  static std::int64_t count(const Windows& windows) {
    return std::max({some, windows.axis[2].in, windows.axis[2].out}) + more;
  }
};

// best = candidates where they are larger, or NaN, or nothing was there before.
template <class T>
void take_larger(const T* __restrict candidates, Place<T> first, Place<T> stride, Place<T> count,
                 T* __restrict best, Place<T>* __restrict places) {
  for (Place<T> v = 0; v < count; ++v) {
    const T x = candidates[v];
    const bool wins = (x > best[v]) | (x != x) | (places[v] < 0);
    best[v] = wins ? x : best[v];
    places[v] = wins ? first + v * stride : places[v];
  }
}

template <class T>
void sliding_max(const Windows& w, const Spans& spans, const T* x, T* y, std::int64_t* places,
                 const MaxLines<T>& room) {
  const std::int64_t s = w.axis[2].stride, count = w.axis[2].out;
  for_lines(w, spans, [&](std::int64_t o, const Span& d, const Span& h) {
    std::fill_n(y + o, count, -std::numeric_limits<T>::infinity());
    std::fill_n(static_cast<Place<T>*>(room.places), count, Place<T>(-1));
    for_taps(w, d, h, [&](std::int64_t offset, std::int64_t begin, std::int64_t end) {
      const T* candidates = x + offset + begin * s;
      if (s != 1) {
        T* const line = room.values;
        for (std::int64_t v = 0; v < end - begin; ++v) line[v] = candidates[v * s];
        candidates = line;
      }
      take_larger<T>(candidates, static_cast<Place<T>>(offset + begin * s),
                     static_cast<Place<T>>(s), static_cast<Place<T>>(end - begin), y + o + begin,
                     room.places + begin);
    });
    std::copy_n(static_cast<const Place<T>*>(room.places), count, places + o);
  });
}

template <class T>
void adaptive_max(const Windows& w, const Spans& spans, const T* x, T* y, std::int64_t* places) {
  for_windows(w, spans, [&](std::int64_t o, const Span& d, const Span& h, const Span& v) {
    T best = -std::numeric_limits<T>::infinity();
    std::int64_t place = (d.begin * w.axis[1].in + h.begin) * w.axis[2].in + v.begin;
    for (std::int64_t i = d.begin; i < d.end; ++i)
      for (std::int64_t j = h.begin; j < h.end; ++j) {
        const std::int64_t line = (i * w.axis[1].in + j) * w.axis[2].in;
        for (std::int64_t k = v.begin; k < v.end; ++k)
          if (x[line + k] > best || x[line + k] != x[line + k]) {
            best = x[line + k];
            place = line + k;
          }
      }
    y[o] = best;
    places[o] = place;
  });
}

// The usual windows of 2 by 2 points side by side.
bool is_two_by_two(const Pooling& pooling) {
  const Windows& w = pooling.windows;
  if (pooling.adaptive || w.axis[0].in != 1 || w.axis[0].out != 1) return false;
  for (int a = 1; a < Windows::most; ++a)
    if (w.axis[a].kernel != 2 || w.axis[a].stride != 2 || w.axis[a].before != 0 ||
        w.axis[a].dilation != 1 || 2 * w.axis[a].out > w.axis[a].in)
      return false;
  return true;
}

// The larger of each point and the one below it, `next` points further.
template <class T>
void larger_of_lines(const T* __restrict upper, const T* __restrict lower, Place<T> first,
                     Place<T> next, Place<T> count, T* __restrict best,
                     Place<T>* __restrict places) {
  for (Place<T> j = 0; j < count; ++j) {
    const T a = upper[j], b = lower[j];
    const bool below = (b > a) | (b != b);
    best[j] = below ? b : a;
    places[j] = (below ? first + next : first) + j;
  }
}

// The larger of each point and its right neighbour: of equal ones the first place, of two NaN the
// last.
template <class T>
void larger_of_neighbours(const T* __restrict x, const Place<T>* __restrict places, Place<T> count,
                          T* __restrict best, Place<T>* __restrict chosen) {
  for (Place<T> j = 0; j < count; ++j) {
    const T a = x[j], b = x[j + 1];
    const Place<T> p = places[j], q = places[j + 1];
    const bool right = (b > a) | ((b == a) & (q < p)) | ((b != b) & ((a == a) | (q > p)));
    best[j] = right ? b : a;
    chosen[j] = right ? q : p;
  }
}

// Whole lines first and every other result thrown away: lines of neighbours fill registers. Lines
// may be short, so they are taken for whole registers where the plane goes on long enough, and what
// is too much is overwritten by the next; and neighbours of several lines are found together.
template <class T>
void max_two_by_two(const Windows& w, const T* x, T* y, std::int64_t* places,
                    const MaxLines<T>& room) {
  constexpr std::int64_t more = MaxLines<T>::more;
  const std::int64_t lines = w.axis[1].out, columns = w.axis[2].out, in = w.axis[2].in;
  const std::int64_t used = 2 * columns, whole = (used + more - 1) / more * more;
  const std::int64_t together = std::max<std::int64_t>(1, MaxLines<T>::some / used);
  for (std::int64_t h = 0, n; h < lines; h += n) {
    n = std::min(together, lines - h);
    for (std::int64_t l = 0; l < n; ++l) {
      const std::int64_t upper = 2 * (h + l) * in, lower = upper + in;
      const bool goes_on = lower + whole <= w.points();
      larger_of_lines<T>(x + upper, x + lower, static_cast<Place<T>>(upper),
                         static_cast<Place<T>>(in), static_cast<Place<T>>(goes_on ? whole : used),
                         room.values + l * used, room.places + l * used);
    }
    larger_of_neighbours<T>(room.values, room.places, static_cast<Place<T>>(n * used - 1),
                            room.best, room.chosen);
    const T* const best = room.best;
    const Place<T>* const chosen = room.chosen;
    for (std::int64_t v = 0; v < n * columns; ++v) y[v] = best[2 * v];
    for (std::int64_t v = 0; v < n * columns; ++v) places[v] = chosen[2 * v];
    y += n * columns;
    places += n * columns;
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
    for_planes<NoRoom>(planes, points, windows, [&](std::int64_t p, const NoRoom&) {
      const std::int64_t* const place = places.value()->as<std::int64_t>() + p * positions;
      const T* const from = share.value()->as<T>() + p * positions;
      T* const to = out.value()->as<T>() + p * points;
      std::fill_n(to, points, T(0));
      for (std::int64_t o = 0; o < positions; ++o) to[place[o]] += from[o];
    });
  });
  return out;
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
    const std::int64_t planes = x.shape()[0] * x.shape()[1];
    for_planes<MaxLines<T>>(planes, points, windows, [&](std::int64_t p, const MaxLines<T>& room) {
      const T* const from = x.value()->as<T>() + p * points;
      T* const to = values.value()->as<T>() + p * positions;
      std::int64_t* const places = indices.value()->as<std::int64_t>() + p * positions;
      if (small) max_two_by_two(windows, from, to, places, room);
      else if (pooling.adaptive) adaptive_max(windows, spans, from, to, places);
      else sliding_max(windows, spans, from, to, places, room);
    });
  });
  record(asked.op, asked.at, std::initializer_list<Operand>{unsaved(x), saved(indices)}, values,
         [windows](Backward& backward) {
           backward.give(
               0, to_places(backward.grad(), backward.input(1), windows, backward.create_graph()));
         });
  return {values, indices};
}

}  // namespace xtape::detail
