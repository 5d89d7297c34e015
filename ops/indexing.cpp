#include <fmt/format.h>

#include <cstring>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

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
