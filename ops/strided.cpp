#include <algorithm>
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

// The same elements in the same order with as few axes as possible, but at least one.
View collapsed(const View& view) {
  View out;
  out.offset = view.offset;
  for (int axis = 0; axis < view.shape.rank(); ++axis) {
    const std::int64_t size = view.shape[axis], stride = view.strides[axis];
    const int last = out.shape.rank() - 1;
    if (size == 1) continue;
    if (last >= 0 && out.strides[last] == stride * size) {
      out.shape[last] *= size;
      out.strides[last] = stride;
    } else {
      out.push_back(size, stride);
    }
  }
  if (out.shape.rank() == 0) out.push_back(1, 1);
  return out;
}

// Goes through the axes before `last` in row-major order and tells where each index begins.
class Walk {
 public:
  Walk(const View& view, int last) : view_(view), last_(last), offset_(view.offset) {}
  std::int64_t offset() const { return offset_; }
  void next() {
    for (int axis = last_ - 1; axis >= 0; --axis) {
      offset_ += view_.strides[axis];
      if (++index_[axis] < view_.shape[axis]) return;
      offset_ -= view_.strides[axis] * view_.shape[axis];
      index_[axis] = 0;
    }
  }

 private:
  const View& view_;
  int last_;
  std::int64_t offset_, index_[Shape::max_rank] = {};
};

// Calls f(array, part, n, step) for every row: n elements of the array, `step` apart, from position
// `array` on, are those of the part from position `part` on.
template <class F>
void for_rows(const View& view, F f) {
  const std::int64_t total = view.shape.numel();
  if (total == 0) return;
  const View rows = collapsed(view);
  const int last = rows.shape.rank() - 1;
  const std::int64_t n = rows.shape[last], step = rows.strides[last];
  Walk walk(rows, last);
  for (std::int64_t part = 0; part < total; part += n, walk.next()) f(walk.offset(), part, n, step);
}

// The last two axes exchanged: by square blocks, so that every line of the cache is used up.
template <class T>
void copy_transposed(const View& view, const T* from, T* to) {
  constexpr std::int64_t block = 16;
  const int last = view.shape.rank() - 1;
  const std::int64_t height = view.shape[last - 1], width = view.shape[last];
  const std::int64_t step = view.strides[last];
  const std::int64_t planes = view.shape.numel() / (height * width);
  Walk walk(view, last - 1);
  for (std::int64_t plane = 0; plane < planes; ++plane, walk.next(), to += height * width) {
    const T* const in = from + walk.offset();
    for (std::int64_t r0 = 0; r0 < height; r0 += block)
      for (std::int64_t c0 = 0; c0 < width; c0 += block)
        for (std::int64_t r = r0; r < std::min(r0 + block, height); ++r)
          for (std::int64_t c = c0; c < std::min(c0 + block, width); ++c)
            to[r * width + c] = in[r + c * step];
  }
}

template <class T>
void copy_picked(const View& view, const T* from, T* to) {
  if (view.shape.numel() == 0) return;
  const View rows = collapsed(view);
  const int last = rows.shape.rank() - 1;
  if (last >= 1 && rows.strides[last] != 1 && rows.strides[last - 1] == 1)
    return copy_transposed(rows, from, to);
  for_rows(rows, [&](std::int64_t array, std::int64_t part, std::int64_t n, std::int64_t step) {
    if (step == 1) std::copy_n(from + array, n, to + part);
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
