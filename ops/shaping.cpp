#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

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

// A block of an array seen as [outer, n, inner] around one axis.
struct Around {
  std::int64_t outer = 1, n, inner = 1;
  Around(const Shape& shape, int axis) : n(shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

Shape replaced(Shape shape, int axis, std::int64_t size) {
  shape[axis] = size;
  return shape;
}

// Calls f with a null pointer to an unsigned type of the elements' size: moving elements is the
// same for all types of one size.
template <class F>
void by_size(DType dtype, F f) {
  switch (size_of(dtype)) {
    case 1: return f(static_cast<std::uint8_t*>(nullptr));
    case 4: return f(static_cast<std::uint32_t*>(nullptr));
    default: return f(static_cast<std::uint64_t*>(nullptr));
  }
}

template <class F>
void by_type(DType dtype, F f) {
  if (dtype == float32) f(static_cast<float*>(nullptr));
  else if (dtype == float64) f(static_cast<double*>(nullptr));
  else if (dtype == int64) f(static_cast<std::int64_t*>(nullptr));
  else f(static_cast<bool*>(nullptr));
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

Tensor zeros_of(const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  if (out.numel() > 0) std::memset(out.value()->data, 0, out.value()->bytes());
  return out;
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

// Checks an index tensor and returns it with negative indices counted from the left.
Tensor checked_index(const Tensor& index, std::int64_t n, const char* op, const Location& at) {
  if (index.dtype() != int64)
    raise<DTypeError>(at, op, fmt::format("the index is {}, int64 wanted", name_of(index.dtype())));
  const std::int64_t* from = index.value()->as<std::int64_t>();
  Tensor out;
  for (std::int64_t i = 0; i < index.numel(); ++i) {
    if (from[i] < -n || from[i] >= n)
      raise<IndexError>(
          at, op, fmt::format("index {} at position {}, but the axis has size {}", from[i], i, n));
    if (from[i] >= 0) continue;
    if (!out.defined()) out = index.copy();
    out.value()->as<std::int64_t>()[i] += n;
  }
  return out.defined() ? out : index;
}

void check_gather(const Shape& x, int axis, const Shape& index, const char* op,
                  const Location& at) {
  bool fits = x.rank() == index.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || index[i] <= x[i];
  if (!fits)
    raise<ShapeError>(at, op,
                      fmt::format("an index of shape {} does not fit x of shape {} along axis {}",
                                  index.str(), x.str(), axis));
}

// Calls f(position in x, position in index) for every element of the index.
template <class F>
void for_gathered(const Shape& x, int axis, const Shape& index, const std::int64_t* indices, F f) {
  const std::int64_t total = index.numel();
  std::int64_t strides[Shape::max_rank], position[Shape::max_rank] = {}, base = 0, stride = 1;
  for (int i = x.rank() - 1; i >= 0; stride *= x[i--]) strides[i] = stride;
  const std::int64_t along = strides[axis];
  strides[axis] = 0;
  for (std::int64_t i = 0; i < total; ++i) {
    f(base + indices[i] * along, i);
    for (int j = x.rank() - 1; j >= 0; --j) {
      base += strides[j];
      if (++position[j] < index[j]) break;
      base -= strides[j] * index[j];
      position[j] = 0;
    }
  }
}

void add_scattered(const Tensor& to, int axis, const Tensor& index, const Tensor& source) {
  by_type(to.dtype(), [&]<class T>(T*) {
    T* out = to.value()->as<T>();
    const T* in = source.value()->as<T>();
    for_gathered(
        to.shape(), axis, index.shape(), index.value()->as<std::int64_t>(),
        [&](std::int64_t at, std::int64_t i) { out[at] = static_cast<T>(out[at] + in[i]); });
  });
}

Tensor gathered(const Tensor& x, std::int64_t dim, const Tensor& given, const char* op,
                const Location& at) {
  const Caller caller(at);
  const int axis = normalize_axis(dim, x.rank(), op, at);
  check_gather(x.shape(), axis, given.shape(), op, at);
  const Tensor index = checked_index(given, x.shape()[axis], op, at);
  const Tensor out = Tensor::empty(index.shape(), x.dtype());
  by_size(x.dtype(), [&]<class T>(T*) {
    const T* in = x.value()->as<T>();
    T* to = out.value()->as<T>();
    for_gathered(x.shape(), axis, index.shape(), index.value()->as<std::int64_t>(),
                 [&](std::int64_t from, std::int64_t i) { to[i] = in[from]; });
  });
  return record(op, at, {unsaved(x), saved(index)}, out,
                [shape = x.shape(), axis, at](Backward& backward) {
                  const Tensor& share = backward.grad();
                  const Tensor index = backward.input(1);
                  if (Tensor* there = backward.accumulator(0)) {
                    there->value()->changed(at);
                    return add_scattered(*there, axis, index, share);
                  }
                  Tensor zeros = zeros_of(shape, share.dtype());
                  if (backward.create_graph())
                    return backward.give(0, scatter_add(zeros, axis, index, share));
                  add_scattered(zeros, axis, index, share);
                  backward.give(0, std::move(zeros));
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

Tensor gather(const Arg& argument, std::int64_t dim, const Tensor& index) {
  return gathered(argument.as_tensor(float32), dim, index, "gather",
                  Caller::or_else(argument.where()));
}

Tensor scatter_add(const Arg& argument, std::int64_t dim, const Tensor& given,
                   const Tensor& source) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const int axis = normalize_axis(dim, x.rank(), "scatter_add", at);
  check_gather(x.shape(), axis, given.shape(), "scatter_add", at);
  if (source.shape() != given.shape())
    raise<ShapeError>(at, "scatter_add",
                      fmt::format("the source has shape {}, the index {}", source.shape().str(),
                                  given.shape().str()));
  if (source.dtype() != x.dtype())
    raise<DTypeError>(at, "scatter_add",
                      fmt::format("{} added to {}", name_of(source.dtype()), name_of(x.dtype())));
  const Tensor index = checked_index(given, x.shape()[axis], "scatter_add", at);
  const Tensor out = x.copy();
  add_scattered(out, axis, index, source);
  return record("scatter_add", at, {unsaved(x), unsaved(source), saved(index)}, out,
                [axis](Backward& backward) {
                  backward.give(0, backward.grad());
                  if (backward.needs(1))
                    backward.give(1, gather(backward.grad(), axis, backward.input(2)));
                });
}

Tensor index_select(const Arg& argument, std::int64_t dim, const Tensor& given) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const int axis = normalize_axis(dim, x.rank(), "index_select", at);
  if (given.rank() != 1)
    raise<ShapeError>(at, "index_select",
                      fmt::format("a 1-d index wanted, its shape is {}", given.shape().str()));
  const Tensor index = checked_index(given, x.shape()[axis], "index_select", at);
  const Around whole(x.shape(), axis);
  const std::int64_t count = index.numel(), bytes = whole.inner * size_of(x.dtype());
  const Tensor out = Tensor::empty(replaced(x.shape(), axis, count), x.dtype());
  const std::int64_t* rows = index.value()->as<std::int64_t>();
  for (std::int64_t o = 0; o < whole.outer && bytes > 0; ++o)
    for (std::int64_t i = 0; i < count; ++i)
      std::memcpy(out.value()->as<char>() + (o * count + i) * bytes,
                  x.value()->as<char>() + (o * whole.n + rows[i]) * bytes, bytes);
  return record("index_select", at, {unsaved(x), saved(index)}, out,
                [shape = x.shape(), axis](Backward& backward) {
                  // the index along every other axis, so that the transpose is scatter_add
                  const Tensor& share = backward.grad();
                  const Tensor index = backward.input(1);
                  Shape around;
                  for (int i = 0; i < shape.rank(); ++i)
                    around.push_back(i == axis ? index.numel() : 1);
                  const Tensor everywhere = broadcast_to(reshape(index, around), share.shape());
                  backward.give(
                      0, scatter_add(zeros_of(shape, share.dtype()), axis, everywhere, share));
                });
}

Tensor take(const Arg& argument, const Tensor& index) {
  const Tensor x = argument.as_tensor(float32);
  const Caller caller(argument.where());
  const Tensor flat = reshape(index, {-1});
  return reshape(gathered(reshape(x, {-1}), 0, flat, "take", argument.where()), index.shape());
}

}  // namespace xtape
