#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

Tensor with_shape(const Tensor& x, const Shape& shape, const char* op, const Location& at) {
  if (shape.numel() != x.numel())
    raise<ShapeError>(at, op,
                      fmt::format("{} has {} elements, {} has {}", x.shape().str(), x.numel(),
                                  shape.str(), shape.numel()));
  if (shape == x.shape()) return x;
  return record(op, at, {unsaved(x)}, Tensor(Value::show(x.value(), shape)),
                [before = x.shape()](Backward& backward) {
                  backward.give(0, reshape(backward.grad(), before));
                });
}

template <class T>
void permute_elements(const T* from, T* to, const Shape& out, const std::int64_t* strides) {
  const int rank = out.rank();
  if (rank == 0) {
    *to = *from;
    return;
  }
  const std::int64_t columns = out[rank - 1], step = strides[rank - 1];
  const std::int64_t rows = columns == 0 ? 0 : out.numel() / columns;
  if (rank >= 2 && step != 1 && strides[rank - 2] == 1) {  // a transposition: go by square blocks
    constexpr std::int64_t block = 16;
    const std::int64_t height = out[rank - 2];
    std::int64_t index[Shape::max_rank] = {}, offset = 0;
    for (std::int64_t plane = 0; plane < (height == 0 ? 0 : rows / height); ++plane) {
      T* const here = to + plane * height * columns;
      for (std::int64_t r0 = 0; r0 < height; r0 += block)
        for (std::int64_t c0 = 0; c0 < columns; c0 += block)
          for (std::int64_t r = r0; r < std::min(r0 + block, height); ++r)
            for (std::int64_t c = c0; c < std::min(c0 + block, columns); ++c)
              here[r * columns + c] = from[offset + r + c * step];
      for (int axis = rank - 3; axis >= 0; --axis) {
        offset += strides[axis];
        if (++index[axis] < out[axis]) break;
        offset -= strides[axis] * out[axis];
        index[axis] = 0;
      }
    }
    return;
  }
  std::int64_t index[Shape::max_rank] = {}, offset = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t c = 0; c < columns; ++c) *to++ = from[offset + c * step];
    for (int axis = rank - 2; axis >= 0; --axis) {
      offset += strides[axis];
      if (++index[axis] < out[axis]) break;
      offset -= strides[axis] * out[axis];
      index[axis] = 0;
    }
  }
}

// A range with its bounds worked out: `count` indices from `start`, `step` apart.
struct Steps {
  std::int64_t start, step, count;
};

Steps resolve(const Range& range, std::int64_t n, const Location& at) {
  if (range.step == 0) raise<ValueError>(at, "slice", "the step is 0");
  const std::int64_t step = std::clamp(range.step, -n - 1, n + 1);  // larger ones mean the same
  const std::int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? n : n - 1;
  const auto bound = [&](std::int64_t i) { return std::clamp(i < 0 ? i + n : i, lowest, highest); };
  const std::int64_t start = range.start ? bound(*range.start) : (step > 0 ? lowest : highest);
  const std::int64_t stop = range.stop ? bound(*range.stop) : (step > 0 ? highest : lowest);
  const std::int64_t span = step > 0 ? stop - start : start - stop;
  return {start, step, span <= 0 ? 0 : (span + std::abs(step) - 1) / std::abs(step)};
}

// whole[.., start + i step, ..] = or += part[.., i, ..], or part = whole.
template <class T, class F>
void along(const Around& whole, const Steps& steps, T* whole_data, T* part_data, F f) {
  for (std::int64_t o = 0; o < whole.outer; ++o)
    for (std::int64_t i = 0; i < steps.count; ++i)
      f(whole_data + (o * whole.n + steps.start + i * steps.step) * whole.inner,
        part_data + (o * steps.count + i) * whole.inner, whole.inner);
}

Tensor cut(const Tensor& x, int axis, const Steps& steps, const Location& at);

// Zeros of `shape` with `part` at the steps along an axis: the transpose of a slice.
Tensor embed(const Tensor& part, const Shape& shape, int axis, const Steps& steps,
             const Location& at) {
  const Tensor out = zeros_of(shape, part.dtype());
  by_size(out.dtype(), [&]<class T>(T*) {
    along(Around(shape, axis), steps, out.value()->as<T>(), part.value()->as<T>(),
          [](T* to, T* from, std::int64_t n) { std::copy_n(from, n, to); });
  });
  return record("embed", at, {unsaved(part)}, out, [axis, steps, at](Backward& backward) {
    backward.give(0, cut(backward.grad(), axis, steps, at));
  });
}

Tensor cut(const Tensor& x, int axis, const Steps& steps, const Location& at) {
  const Tensor out = Tensor::empty(replaced(x.shape(), axis, steps.count), x.dtype());
  by_size(x.dtype(), [&]<class T>(T*) {
    along(Around(x.shape(), axis), steps, x.value()->as<T>(), out.value()->as<T>(),
          [](T* from, T* to, std::int64_t n) { std::copy_n(from, n, to); });
  });
  return record("slice", at, {unsaved(x)}, out,
                [shape = x.shape(), axis, steps, at](Backward& backward) {
                  const Tensor& share = backward.grad();
                  Tensor* there = backward.accumulator(0);
                  if (!there) return backward.give(0, embed(share, shape, axis, steps, at));
                  there->value()->changed(at);
                  by_type(share.dtype(), [&]<class T>(T*) {
                    along(Around(shape, axis), steps, there->value()->as<T>(),
                          share.value()->as<T>(), [](T* to, const T* from, std::int64_t n) {
                            for (std::int64_t i = 0; i < n; ++i) to[i] += from[i];
                          });
                  });
                });
}

}  // namespace

Tensor reshape(const Arg& argument, std::initializer_list<std::int64_t> sizes) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  std::int64_t known = 1;
  int unknown = -1, position = 0;
  Shape shape;
  for (std::int64_t size : sizes) {
    if (size == -1 && unknown < 0) unknown = position;
    else known *= size;
    shape.push_back(size == -1 && unknown == position ? 1 : size, at);
    ++position;
  }
  if (unknown >= 0) {
    if (known == 0 || x.numel() % known != 0)
      raise<ShapeError>(at, "reshape",
                        fmt::format("{} elements of shape {} do not divide into [{}]", x.numel(),
                                    x.shape().str(), fmt::join(sizes, ", ")));
    shape[unknown] = x.numel() / known;
  }
  return with_shape(x, shape, "reshape", at);
}

Tensor reshape(const Arg& x, const Shape& shape) {
  return with_shape(x.as_tensor(float32), shape, "reshape", Caller::or_else(x.where()));
}

Tensor flatten(const Arg& argument, std::int64_t first, std::int64_t last) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  if (x.rank() == 0) return with_shape(x, {1}, "flatten", at);
  const int begin = normalize_axis(first, x.rank(), "flatten", at);
  const int end = normalize_axis(last, x.rank(), "flatten", at);
  if (end < begin)
    raise<IndexError>(at, "flatten", fmt::format("axis {} comes after axis {}", first, last));
  Shape shape;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (axis > begin && axis <= end) shape[begin] *= x.shape()[axis];
    else shape.push_back(x.shape()[axis]);
  }
  return with_shape(x, shape, "flatten", at);
}

Tensor unsqueeze(const Arg& argument, std::int64_t dim) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int axis = normalize_axis(dim, x.rank() + 1, "unsqueeze", at);
  Shape shape;
  for (int i = 0; i <= x.rank(); ++i) {
    if (i == axis) shape.push_back(1, at);
    if (i < x.rank()) shape.push_back(x.shape()[i], at);
  }
  return with_shape(x, shape, "unsqueeze", at);
}

Tensor squeeze(const Arg& argument, std::int64_t dim) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int axis = normalize_axis(dim, x.rank(), "squeeze", at);
  if (x.shape()[axis] != 1) return x;
  Shape shape;
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis) shape.push_back(x.shape()[i]);
  return with_shape(x, shape, "squeeze", at);
}

Tensor permute(const Arg& argument, const std::vector<std::int64_t>& dims) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  std::int64_t source[Shape::max_rank], strides[Shape::max_rank], stride = 1;
  for (int i = x.rank() - 1; i >= 0; stride *= x.shape()[i--]) source[i] = stride;
  bool seen[Shape::max_rank] = {};
  std::vector<std::int64_t> inverse(dims.size());
  Shape shape;
  for (std::size_t j = 0; j < dims.size(); ++j) {
    const int axis = normalize_axis(dims[j], x.rank(), "permute", at);
    if (std::exchange(seen[axis], true) || static_cast<int>(dims.size()) != x.rank())
      raise<IndexError>(at, "permute",
                        fmt::format("[{}] does not name each of the {} axes of shape {} once",
                                    fmt::join(dims, ", "), x.rank(), x.shape().str()));
    inverse[axis] = static_cast<std::int64_t>(j);
    strides[j] = source[axis];
    shape.push_back(x.shape()[axis]);
  }
  if (shape.rank() != x.rank())
    raise<IndexError>(at, "permute", fmt::format("no axes named for shape {}", x.shape().str()));
  const Tensor out = Tensor::empty(shape, x.dtype());
  if (out.numel() > 0)
    by_size(x.dtype(), [&]<class T>(T*) {
      permute_elements(x.value()->as<T>(), out.value()->as<T>(), shape, strides);
    });
  return record("permute", at, {unsaved(x)}, out, [inverse](Backward& backward) {
    backward.give(0, permute(backward.grad(), inverse));
  });
}

Tensor transpose(const Arg& argument, std::int64_t dim0, std::int64_t dim1) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  std::vector<std::int64_t> dims(x.rank());
  for (int i = 0; i < x.rank(); ++i) dims[i] = i;
  std::swap(dims[normalize_axis(dim0, x.rank(), "transpose", at)],
            dims[normalize_axis(dim1, x.rank(), "transpose", at)]);
  return permute(Arg(x, at), dims);
}

Tensor slice(const Arg& argument, std::int64_t dim, const Range& range) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int axis = normalize_axis(dim, x.rank(), "slice", at);
  return cut(x, axis, resolve(range, x.shape()[axis], at), at);
}

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim, Location where) {
  const Location at = Caller::or_else(where);
  const Caller caller(at);
  if (tensors.empty()) raise<ValueError>(at, "cat", "no tensors given");
  const Tensor& first = tensors.front();
  const int axis = normalize_axis(dim, first.rank(), "cat", at);
  std::vector<std::int64_t> starts;
  std::vector<Operand> operands;
  std::int64_t total = 0;
  for (const Tensor& tensor : tensors) {
    if (tensor.dtype() != first.dtype())
      raise<DTypeError>(
          at, "cat", fmt::format("{} beside {}", name_of(first.dtype()), name_of(tensor.dtype())));
    if (tensor.rank() != first.rank() ||
        replaced(tensor.shape(), axis, 0) != replaced(first.shape(), axis, 0))
      raise<ShapeError>(at, "cat",
                        fmt::format("sizes differ outside axis {}: {} and {}", axis,
                                    first.shape().str(), tensor.shape().str()));
    starts.push_back(total);
    operands.push_back(unsaved(tensor));
    total += tensor.shape()[axis];
  }
  const Tensor out = Tensor::empty(replaced(first.shape(), axis, total), first.dtype());
  const Around whole(out.shape(), axis);
  const std::int64_t element = size_of(first.dtype());
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const std::int64_t bytes = tensors[k].shape()[axis] * whole.inner * element;
    for (std::int64_t o = 0; o < whole.outer && bytes > 0; ++o)
      std::memcpy(out.value()->as<char>() + (o * whole.n + starts[k]) * whole.inner * element,
                  tensors[k].value()->as<char>() + o * bytes, bytes);
  }
  starts.push_back(total);
  record("cat", at, operands, {&out, 1}, [axis, starts, at](Backward& backward) {
    for (int k = 0; k < backward.input_count(); ++k)
      if (backward.needs(k))
        backward.give(k, cut(backward.grad(), axis, {starts[k], 1, starts[k + 1] - starts[k]}, at));
  });
  return out;
}

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim, Location where) {
  const Caller caller(where);
  if (tensors.empty()) raise<ValueError>(where, "stack", "no tensors given");
  const Shape& first = tensors.front().shape();
  dim = normalize_axis(dim, first.rank() + 1, "stack", where);
  std::vector<Tensor> expanded;
  for (const Tensor& tensor : tensors) {
    if (tensor.shape() != first)
      raise<ShapeError>(where, "stack",
                        fmt::format("shapes differ: {} and {}", first.str(), tensor.shape().str()));
    expanded.push_back(unsqueeze(tensor, dim));
  }
  return cat(expanded, dim);
}

}  // namespace xtape
