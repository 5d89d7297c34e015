#include <algorithm>
#include <utility>
#include <xtape/autograd/tape.hpp>
#include <xtape/ops/strided.hpp>

namespace xtape::detail {

View View::whole(const Shape& shape) {
  View view;
  view.shape = shape;
  std::int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; stride *= shape[axis--]) view.strides[axis] = stride;
  return view;
}

void View::push_back(std::int64_t size, std::int64_t stride, const Location& where) {
  shape.push_back(size, where);
  strides[shape.rank() - 1] = stride;
}

namespace {

// One loop: how often, and how far apart its elements are in the array and in the part.
struct Loop {
  std::int64_t size, array, part;
};

// A view as nested loops, as few as possible but at least two. The part is contiguous, so that the
// innermost loop goes through it one by one.
struct Nest {
  int depth = 0;
  Loop loops[Shape::max_rank + 2];

  explicit Nest(const View& view) {
    std::int64_t part = view.shape.numel();
    for (int axis = 0; axis < view.shape.rank(); ++axis) {
      const std::int64_t size = view.shape[axis], stride = view.strides[axis];
      part /= size;
      if (size == 1) continue;
      if (depth > 0 && loops[depth - 1].array == stride * size)
        loops[depth - 1] = {loops[depth - 1].size * size, stride, part};
      else loops[depth++] = {size, stride, part};
    }
    if (depth == 0) loops[depth++] = {1, 1, 1};
    if (depth == 1) loops[depth++] = std::exchange(loops[0], {1, 0, 0});
  }
  Loop& rows() { return loops[depth - 2]; }
  Loop& columns() { return loops[depth - 1]; }
};

// Calls f(array, part) where each plane of the two innermost loops begins.
template <class F>
void for_planes(const Nest& nest, std::int64_t array, F f) {
  std::int64_t part = 0, index[Shape::max_rank] = {};
  int axis;
  do {
    f(array, part);
    for (axis = nest.depth - 3; axis >= 0; --axis) {
      const Loop& loop = nest.loops[axis];
      array += loop.array;
      part += loop.part;
      if (++index[axis] < loop.size) break;
      array -= loop.array * loop.size;
      part -= loop.part * loop.size;
      index[axis] = 0;
    }
  } while (axis >= 0);
}

// Calls f(array, part, n, step) for every row: n elements of the array, `step` apart, from position
// `array` on, are those of the part from position `part` on.
template <class F>
void for_rows(const View& view, F f) {
  if (view.shape.numel() == 0) return;
  Nest nest(view);
  const Loop rows = nest.rows(), columns = nest.columns();
  for_planes(nest, view.offset, [&](std::int64_t array, std::int64_t part) {
    for (std::int64_t r = 0; r < rows.size; ++r, array += rows.array, part += rows.part)
      f(array, part, columns.size, columns.array);
  });
}

// A plane whose columns are contiguous in the array, and rows in the part: by square tiles, so that
// whole lines of the cache are read and written.
template <class T>
void copy_transposed(const Loop& rows, const Loop& columns, const T* from, T* to) {
  constexpr std::int64_t side = 16;
  T tile[side * side];
  for (std::int64_t r0 = 0; r0 < rows.size; r0 += side)
    for (std::int64_t c0 = 0; c0 < columns.size; c0 += side) {
      const std::int64_t height = std::min(side, rows.size - r0);
      const std::int64_t width = std::min(side, columns.size - c0);
      for (std::int64_t c = 0; c < width; ++c)
        for (std::int64_t r = 0; r < height; ++r)
          tile[r * side + c] = from[(c0 + c) * columns.array + r0 + r];
      for (std::int64_t r = 0; r < height; ++r)
        std::copy_n(tile + r * side, width, to + (r0 + r) * rows.part + c0);
    }
}

template <class T>
void copy_picked(const View& view, const T* from, T* to) {
  if (view.shape.numel() == 0) return;
  Nest nest(view);
  for (int i = 0; nest.columns().array != 1 && i < nest.depth - 1; ++i)
    if (nest.loops[i].array == 1) {
      std::swap(nest.loops[i], nest.rows());
      return for_planes(nest, view.offset, [&](std::int64_t array, std::int64_t part) {
        copy_transposed(nest.rows(), nest.columns(), from + array, to + part);
      });
    }
  for_rows(view, [&](std::int64_t array, std::int64_t part, std::int64_t n, std::int64_t step) {
    if (step == 1) std::copy_n(from + array, n, to + part);
    else if (step == 0) std::fill_n(to + part, n, from[array]);
    else
      for (std::int64_t i = 0; i < n; ++i) to[part + i] = from[array + i * step];
  });
}

void add(const Tensor& part, const View& view, const Tensor& whole) {
  by_type(part.dtype(), [&]<class T>(T*) {
    const T* const from = part.value()->as<T>();
    T* const to = whole.value()->as<T>();
    for_rows(view, [&](std::int64_t array, std::int64_t begin, std::int64_t n, std::int64_t step) {
      for (std::int64_t i = 0; i < n; ++i)
        to[array + i * step] = static_cast<T>(to[array + i * step] + from[begin + i]);
    });
  });
}

}  // namespace

Tensor picked(const Tensor& x, const View& view) {
  const Tensor out = Tensor::empty(view.shape, x.dtype());
  by_size(x.dtype(),
          [&]<class T>(T*) { copy_picked(view, x.value()->as<T>(), out.value()->as<T>()); });
  return out;
}

Tensor pick(const Tensor& x, const View& view, const char* op, const Location& at) {
  return record(op, at, {unsaved(x)}, picked(x, view),
                [shape = x.shape(), view, at](Backward& backward) {
                  Tensor* const there = backward.accumulator(0);
                  if (!there)
                    return backward.give(0, embed(backward.grad(), shape, view, 0, "embed", at));
                  there->value()->changed(at);
                  add(backward.grad(), view, *there);
                });
}

Tensor embed(const Tensor& part, const Shape& shape, const View& view, double fill, const char* op,
             const Location& at) {
  const Tensor out = Tensor::empty(shape, part.dtype());
  if (part.numel() < out.numel())
    by_type(out.dtype(), [&]<class T>(T*) {
      std::fill_n(out.value()->as<T>(), out.numel(), static_cast<T>(fill));
    });
  store(part, view, out);
  return record(op, at, {unsaved(part)}, out, [view, at](Backward& backward) {
    backward.give(0, pick(backward.grad(), view, "pick", at));
  });
}

void store(const Tensor& part, const View& view, const Tensor& whole) {
  by_size(part.dtype(), [&]<class T>(T*) {
    const T* const from = part.value()->as<T>();
    T* const to = whole.value()->as<T>();
    for_rows(view, [&](std::int64_t array, std::int64_t begin, std::int64_t n, std::int64_t step) {
      if (step == 1) std::copy_n(from + begin, n, to + array);
      else
        for (std::int64_t i = 0; i < n; ++i) to[array + i * step] = from[begin + i];
    });
  });
}

}  // namespace xtape::detail
