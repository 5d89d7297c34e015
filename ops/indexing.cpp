#include <fmt/format.h>

#include <algorithm>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/strided.hpp>

namespace xtape {

using namespace detail;

namespace {

void check_index(const Tensor& index, std::int64_t lowest, std::int64_t n, const char* op,
                 const Location& at) {
  if (index.dtype(at) != int64)
    raise<DTypeError>(at, op, fmt::format("the index is {}, int64 wanted", name_of(index.dtype())));
  const std::int64_t* const from = index.value()->as<std::int64_t>();
  for (std::int64_t i = 0, end = index.numel(); i < end; ++i)
    if (from[i] < lowest || from[i] >= n)
      raise<IndexError>(
          at, op, fmt::format("index {} at position {}, but the axis has size {}", from[i], i, n));
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

void check_type(const Tensor& x, const Tensor& source, const char* op, const char* verb,
                const Location& at) {
  if (source.dtype(at) != x.dtype())
    raise<DTypeError>(
        at, op, fmt::format("{} {} to {}", name_of(source.dtype()), verb, name_of(x.dtype())));
}

// The part of `source` that an index uses, from its beginning: PyTorch takes larger sources, too.
Tensor used_part(const Tensor& source, const Shape& index, const char* op, const Location& at) {
  if (source.shape() == index) return source;
  bool fits = source.rank() == index.rank();
  for (int i = 0; fits && i < index.rank(); ++i) fits = index[i] <= source.shape()[i];
  if (!fits)
    raise<ShapeError>(
        at, op,
        fmt::format("the source has shape {}, the index {}", source.shape().str(), index.str()));
  View view = View::whole(source.shape());
  view.shape = index;
  return pick(source, view, op, at);
}

// Calls f(position in x, position in index) for every element of the index.
template <class F>
void for_gathered(const Shape& x, int axis, const Shape& index, const std::int64_t* indices, F f) {
  const std::int64_t total = index.numel();
  std::int64_t strides[Shape::max_rank], position[Shape::max_rank] = {}, base = 0, stride = 1;
  for (int i = x.rank() - 1; i >= 0; stride *= x[i--]) strides[i] = stride;
  int last = x.rank() - 1;  // of those with more than one index, as in [N, 1] of a class each
  while (last > 0 && index[last] == 1) --last;
  const std::int64_t along = strides[axis], width = index[last];
  strides[axis] = 0;
  for (std::int64_t row = 0; row < total; row += width) {
    for (std::int64_t c = 0; c < width; ++c)
      f(base + c * strides[last] + indices[row + c] * along, row + c);
    for (int j = last - 1; j >= 0; --j) {
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

// Adds the slices of `source` to the `rows` of `to` along an axis.
void add_slices(const Tensor& to, int axis, const Tensor& index, const Tensor& source) {
  const Around whole(to.shape(), axis);
  const std::int64_t count = index.numel();
  const std::int64_t* const rows = index.value()->as<std::int64_t>();
  by_type(to.dtype(), [&]<class T>(T*) {
    const T* in = source.value()->as<T>();
    for (std::int64_t o = 0; o < whole.outer; ++o)
      for (std::int64_t i = 0; i < count; ++i) {
        T* const out = to.value()->as<T>() + (o * whole.n + rows[i]) * whole.inner;
        for (std::int64_t k = 0; k < whole.inner; ++k) out[k] = static_cast<T>(out[k] + in[k]);
        in += whole.inner;
      }
  });
}

// Gives the transpose of a picking: adds to a gradient that is there, or to zeros of `shape` by
// `added` if that must be recorded, else in place by `add`.
template <class Add, class Added>
void give_transposed(Backward& backward, const Shape& shape, const Location& at, Add add,
                     Added added) {
  if (Tensor* there = backward.accumulator(0)) {
    there->value()->changed(at);
    return add(*there);
  }
  Tensor zeros = zeros_of(shape, backward.grad().dtype());
  if (backward.create_graph()) return backward.give(0, added(zeros));
  add(zeros);
  backward.give(0, std::move(zeros));
}

Tensor gathered(const Tensor& x, int axis, const Tensor& index, const char* op,
                const Location& at) {
  const Tensor out = Tensor::empty(index.shape(), x.dtype());
  by_size(x.dtype(), [&]<class T>(T*) {
    const T* in = x.value()->as<T>();
    T* to = out.value()->as<T>();
    for_gathered(x.shape(), axis, index.shape(), index.value()->as<std::int64_t>(),
                 [&](std::int64_t from, std::int64_t i) { to[i] = in[from]; });
  });
  return record(
      op, at, {unsaved(x), saved(index)}, out, [shape = x.shape(), axis, at](Backward& backward) {
        const Tensor& share = backward.grad();
        const Tensor index = backward.input(1);
        give_transposed(
            backward, shape, at, [&](const Tensor& to) { add_scattered(to, axis, index, share); },
            [&](const Tensor& to) { return scatter_add(to, axis, index, share); });
      });
}

// The 1-d index of index_select() and index_add().
void check_rows(const Tensor& index, std::int64_t n, const char* op, const Location& at) {
  if (index.rank(at) != 1)
    raise<ShapeError>(at, op,
                      fmt::format("a 1-d index wanted, its shape is {}", index.shape().str()));
  check_index(index, 0, n, op, at);
}

}  // namespace

Tensor gather(const Arg& argument, std::int64_t dim, const Tensor& index) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const int axis = normalize_axis(dim, x.rank(), "gather", at);
  check_gather(x.shape(), axis, index.shape(at), "gather", at);
  check_index(index, 0, x.shape()[axis], "gather", at);
  return gathered(x, axis, index, "gather", at);
}

Tensor scatter_add(const Arg& argument, std::int64_t dim, const Tensor& index,
                   const Tensor& given) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const int axis = normalize_axis(dim, x.rank(), "scatter_add", at);
  check_gather(x.shape(), axis, index.shape(at), "scatter_add", at);
  check_type(x, given, "scatter_add", "added", at);
  check_index(index, 0, x.shape()[axis], "scatter_add", at);
  const Tensor source = used_part(given, index.shape(), "scatter_add", at);
  const Tensor out = x.copy();
  add_scattered(out, axis, index, source);
  return record("scatter_add", at, {unsaved(x), unsaved(source), saved(index)}, out,
                [axis](Backward& backward) {
                  backward.give(0, backward.grad());
                  if (backward.needs(1))
                    backward.give(1, gather(backward.grad(), axis, backward.input(2)));
                });
}

Tensor scatter(const Arg& argument, std::int64_t dim, const Tensor& index, const Arg& written) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const int axis = normalize_axis(dim, x.rank(), "scatter", at);
  check_gather(x.shape(), axis, index.shape(at), "scatter", at);
  check_index(index, 0, x.shape()[axis], "scatter", at);
  const Tensor given = written.as_tensor(x.dtype());
  check_type(x, given, "scatter", "written", at);
  const Tensor source = written.is_tensor() ? used_part(given, index.shape(), "scatter", at)
                                            : broadcast_to(given, index.shape());
  const Tensor out = x.copy();
  by_size(x.dtype(), [&]<class T>(T*) {
    const T* const in = source.value()->as<T>();
    T* const to = out.value()->as<T>();
    for_gathered(x.shape(), axis, index.shape(), index.value()->as<std::int64_t>(),
                 [&](std::int64_t place, std::int64_t i) { to[place] = in[i]; });
  });
  return record("scatter", at, {unsaved(x), unsaved(source), saved(index)}, out,
                [axis, shape = x.shape()](Backward& backward) {
                  const Tensor& share = backward.grad();
                  const Tensor index = backward.input(2);
                  if (backward.needs(0)) backward.give(0, scatter(share, axis, index, 0));
                  if (!backward.needs(1)) return;
                  // whose element stayed: the number of each one is written, and read again
                  const Tensor count = reshape(
                      arange(0, static_cast<double>(index.numel()), 1, int64), index.shape());
                  const Tensor winner =
                      gather(scatter(zeros_of(shape, int64), axis, index, count), axis, index);
                  backward.give(1, where(winner == count, gather(share, axis, index), 0));
                });
}

Tensor index_select(const Arg& argument, std::int64_t dim, const Tensor& index) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const int axis = normalize_axis(dim, x.rank(), "index_select", at);
  check_rows(index, x.shape()[axis], "index_select", at);
  const Around whole(x.shape(), axis);
  const std::int64_t count = index.numel();
  const Tensor out = Tensor::empty(replaced(x.shape(), axis, count), x.dtype());
  const std::int64_t* const rows = index.value()->as<std::int64_t>();
  by_size(x.dtype(), [&]<class T>(T*) {
    const T* from = x.value()->as<T>();
    T* to = out.value()->as<T>();
    for (std::int64_t o = 0; o < whole.outer; ++o, from += whole.n * whole.inner) {
      if (whole.inner == 1)
        for (std::int64_t i = 0; i < count; ++i) to[i] = from[rows[i]];
      else
        for (std::int64_t i = 0; i < count; ++i)
          std::copy_n(from + rows[i] * whole.inner, whole.inner, to + i * whole.inner);
      to += count * whole.inner;
    }
  });
  return record("index_select", at, {unsaved(x), saved(index)}, out,
                [shape = x.shape(), axis, at](Backward& backward) {
                  const Tensor& share = backward.grad();
                  const Tensor index = backward.input(1);
                  give_transposed(
                      backward, shape, at,
                      [&](const Tensor& to) { add_slices(to, axis, index, share); },
                      [&](const Tensor& to) { return index_add(to, axis, index, share); });
                });
}

Tensor index_add(const Arg& argument, std::int64_t dim, const Tensor& index, const Tensor& source) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const int axis = normalize_axis(dim, x.rank(), "index_add", at);
  check_rows(index, x.shape()[axis], "index_add", at);
  check_type(x, source, "index_add", "added", at);
  const Shape wanted = replaced(x.shape(), axis, index.numel());
  if (source.shape() != wanted)
    raise<ShapeError>(
        at, "index_add",
        fmt::format("the source has shape {}, {} wanted", source.shape().str(), wanted.str()));
  const Tensor out = x.copy();
  add_slices(out, axis, index, source);
  return record("index_add", at, {unsaved(x), unsaved(source), saved(index)}, out,
                [axis](Backward& backward) {
                  backward.give(0, backward.grad());
                  if (backward.needs(1))
                    backward.give(1, index_select(backward.grad(), axis, backward.input(2)));
                });
}

Tensor take(const Arg& argument, const Tensor& given) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const std::int64_t n = x.numel();
  check_index(given, -n, n, "take", at);
  Tensor index = reshape(given, {-1});
  const std::int64_t* const from = index.value()->as<std::int64_t>();
  if (std::any_of(from, from + index.numel(), [](std::int64_t i) { return i < 0; })) {
    index = index.copy();
    std::int64_t* const to = index.value()->as<std::int64_t>();
    for (std::int64_t i = 0, end = index.numel(); i < end; ++i) to[i] += to[i] < 0 ? n : 0;
  }
  return reshape(gathered(reshape(x, {-1}), 0, index, "take", at), given.shape());
}

// What the catalogue says of them.
namespace {

const ArrayOperation gather_record{
    {.name = "gather", .about = "elements picked along an axis"},
    {{"gather(x, 1, index)",
      {{2, 4}},
      [](auto& in) {
        return xtape::gather(in[0], 1, Tensor({{3, 0, 3}, {1, 2, 1}}, int64));
      }},
     {"gather(x, 0, index)", {{3, 2}}, [](auto& in) {
        return xtape::gather(in[0], 0, Tensor({{2, 0}, {2, 1}, {0, 1}, {2, 2}}, int64));
      }}}};
const ArrayOperation scatter_add_record{
    {.name = "scatter_add", .about = "elements added at picked places"},
    {{"scatter_add(x, 1, index, y)", {{2, 4}, {2, 3}}, [](auto& in) {
        return xtape::scatter_add(in[0], 1, Tensor({{3, 0, 3}, {1, 2, 1}}, int64), in[1]);
      }}}};
const ArrayOperation scatter_record{
    {.name = "scatter", .about = "elements written to picked places"},
    {{"scatter(x, 1, index, y)",
      {{2, 4}, {2, 3}},
      [](auto& in) {
        return xtape::scatter(in[0], 1, Tensor({{3, 0, 3}, {1, 2, 0}}, int64), in[1]);
      }},
     {"scatter(x, 0, index, 2)", {{3, 2}}, [](auto& in) {
        return xtape::scatter(in[0], 0, Tensor({{2, 0}}, int64), 2);
      }}}};
const ArrayOperation index_select_record{
    {.name = "index_select", .about = "slices picked along an axis"},
    {{"index_select(x, 0, index)",
      {{4, 3}},
      [](auto& in) {
        return xtape::index_select(in[0], 0, Tensor({2, 0, 2}, int64));
      }},
     {"index_select(x, 1, index)", {{2, 3, 2}}, [](auto& in) {
        return xtape::index_select(in[0], 1, Tensor({1, 2, 1, 0}, int64));
      }}}};
const ArrayOperation index_add_record{
    {.name = "index_add", .about = "slices added at picked places"},
    {{"index_add(x, 1, index, y)", {{2, 4}, {2, 3}}, [](auto& in) {
        return xtape::index_add(in[0], 1, Tensor({3, 0, 3}, int64), in[1]);
      }}}};
const ArrayOperation take_record{
    {.name = "take", .about = "elements picked from the flattened tensor"},
    {{"take(x, index)", {{2, 3}}, [](auto& in) {
        return xtape::take(in[0], Tensor({{5, 0}, {-1, 2}}, int64));
      }}}};

}  // namespace
}  // namespace xtape
