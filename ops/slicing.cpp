#include <fmt/format.h>

#include <algorithm>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/slicing.hpp>
#include <xtape/ops/strided.hpp>

namespace xtape {

using namespace detail;

namespace {

// A range with its bounds worked out: `count` indices from `start`, `step` apart.
struct Steps {
  std::int64_t start, step, count;
};

Steps resolve(const Range& range, std::int64_t n, const char* op, const Location& at) {
  if (range.step == 0) raise<ValueError>(at, op, "the step is 0");
  const std::int64_t step = std::clamp(range.step, -n - 1, n + 1);  // larger ones mean the same
  const std::int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? n : n - 1;
  const auto bound = [&](std::int64_t i) { return std::clamp(i < 0 ? i + n : i, lowest, highest); };
  const std::int64_t start = range.start ? bound(*range.start) : (step > 0 ? lowest : highest);
  const std::int64_t stop = range.stop ? bound(*range.stop) : (step > 0 ? highest : lowest);
  const std::int64_t span = step > 0 ? stop - start : start - stop;
  return {start, step, span <= 0 ? 0 : (span + std::abs(step) - 1) / std::abs(step)};
}

void narrow(View& view, int axis, const Steps& steps) {
  view.offset += steps.start * view.strides[axis];
  view.strides[axis] *= steps.step;
  view.shape[axis] = steps.count;
}

// The view that the items of index() describe.
View view_of(const Shape& shape, std::span<const Index> items, const char* op, const Location& at) {
  int named = 0, ellipses = 0;
  for (const Index& item : items) {
    named += item.kind() == Index::Kind::position || item.kind() == Index::Kind::range;
    ellipses += item.kind() == Index::Kind::ellipsis;
  }
  if (named > shape.rank())
    raise<IndexError>(
        at, op,
        fmt::format("{} indices for {} axes of shape {}", named, shape.rank(), shape.str()));
  if (ellipses > 1) raise<IndexError>(at, op, fmt::format("{} ellipses, one is allowed", ellipses));
  const View whole = View::whole(shape);
  View view;
  int axis = 0;
  const auto keep = [&](int count) {
    for (; count > 0; --count, ++axis) view.push_back(shape[axis], whole.strides[axis], at);
  };
  for (const Index& item : items) {
    if (item.kind() == Index::Kind::newaxis) {
      view.push_back(1, 0, at);
    } else if (item.kind() == Index::Kind::ellipsis) {
      keep(shape.rank() - named);
    } else if (item.kind() == Index::Kind::range) {
      keep(1);
      narrow(view, view.shape.rank() - 1, resolve(item.range(), shape[axis - 1], op, at));
    } else {
      const std::int64_t i = item.position(), n = shape[axis];
      if (i < -n || i >= n)
        raise<IndexError>(
            at, op,
            fmt::format("{} is not an index of axis {} of shape {}, which has size {}", i, axis,
                        shape.str(), n));
      view.offset += (i < 0 ? i + n : i) * whole.strides[axis++];
    }
  }
  keep(shape.rank() - axis);
  return view;
}

std::span<const Index> span_of(std::initializer_list<Index> items) {
  return {items.begin(), items.size()};
}

// The piece of `count` indices from `start` along an axis.
Tensor piece(const Tensor& x, int axis, std::int64_t start, std::int64_t count, const char* op,
             const Location& at) {
  View view = View::whole(x.shape());
  narrow(view, axis, {start, 1, count});
  return pick(x, view, op, at);
}

std::vector<Tensor> equal_pieces(const Tensor& x, int axis, std::int64_t size, const char* op,
                                 const Location& at) {
  const std::int64_t n = x.shape()[axis];
  std::vector<Tensor> pieces;
  for (std::int64_t start = 0; start < n || start == 0; start += size)
    pieces.push_back(piece(x, axis, start, std::min(size, n - start), op, at));
  return pieces;
}

}  // namespace

Tensor index(const Arg& x, std::initializer_list<Index> items) { return index(x, span_of(items)); }

Tensor index(const Arg& argument, std::span<const Index> items) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  return pick(x, view_of(x.shape(), items, "index", at), "index", at);
}

void assign(const Tensor& x, std::initializer_list<Index> items, const Arg& value) {
  assign(x, span_of(items), value);
}

void assign(const Tensor& x, std::span<const Index> items, const Arg& value) {
  const Location at = Caller::or_else(value.where());
  const Caller caller(at);
  const View view = view_of(x.shape(at), items, "assign", at);
  Tensor part = value.as_tensor(x.dtype());
  if (grad_enabled() && (x.requires_grad() || part.requires_grad()))
    raise<GradError>(at, "assign",
                     fmt::format("the {} requires gradients, which do not flow through an "
                                 "assignment; make a NoGrad first",
                                 x.requires_grad() ? "tensor" : "value"));
  if (broadcast(part.shape(), view.shape, "assign", at) != view.shape)
    raise<ShapeError>(at, "assign",
                      fmt::format("a value of shape {} for a part of shape {}", part.shape().str(),
                                  view.shape.str()));
  const bool own = part.value()->owner == x.value()->owner;
  part = broadcast_to(cast(own ? part.copy() : part.detach(), x.dtype()), view.shape);
  x.value()->changed(at);
  store(part, view, x);
}

Tensor slice(const Arg& argument, std::int64_t dim, const Range& range) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int axis = normalize_axis(dim, x.rank(), "slice", at);
  View view = View::whole(x.shape());
  narrow(view, axis, resolve(range, x.shape()[axis], "slice", at));
  return pick(x, view, "slice", at);
}

std::vector<Tensor> split(const Arg& argument, std::int64_t size, std::int64_t dim) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int axis = normalize_axis(dim, x.rank(), "split", at);
  if (size < 1) raise<ValueError>(at, "split", fmt::format("pieces of size {}", size));
  return equal_pieces(x, axis, size, "split", at);
}

std::vector<Tensor> split(const Arg& x, std::initializer_list<std::int64_t> sizes,
                          std::int64_t dim) {
  return split(x, std::span<const std::int64_t>(sizes.begin(), sizes.size()), dim);
}

std::vector<Tensor> split(const Arg& argument, std::span<const std::int64_t> sizes,
                          std::int64_t dim) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int axis = normalize_axis(dim, x.rank(), "split", at);
  const std::int64_t n = x.shape()[axis];
  std::int64_t rest = n;
  bool fits = true;
  for (const std::int64_t size : sizes) {
    fits = fits && size >= 0 && size <= rest;
    if (fits) rest -= size;
  }
  if (!fits || rest != 0)
    raise<ShapeError>(at, "split",
                      fmt::format("pieces of sizes [{}] do not make up axis {} of shape {}",
                                  fmt::join(sizes, ", "), axis, x.shape().str()));
  std::vector<Tensor> pieces;
  pieces.reserve(sizes.size());
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    pieces.push_back(piece(x, axis, start, size, "split", at));
    start += size;
  }
  return pieces;
}

std::vector<Tensor> chunk(const Arg& argument, std::int64_t chunks, std::int64_t dim) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int axis = normalize_axis(dim, x.rank(), "chunk", at);
  if (chunks < 1) raise<ValueError>(at, "chunk", fmt::format("{} chunks", chunks));
  const std::int64_t n = x.shape()[axis];
  if (n > 0) return equal_pieces(x, axis, n / chunks + (n % chunks != 0), "chunk", at);
  std::vector<Tensor> pieces;
  for (std::int64_t i = 0; i < chunks; ++i) pieces.push_back(piece(x, axis, 0, 0, "chunk", at));
  return pieces;
}

std::vector<Tensor> unbind(const Arg& argument, std::int64_t dim) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int axis = normalize_axis(dim, x.rank(), "unbind", at);
  const View whole = View::whole(x.shape());
  std::vector<Tensor> slices;
  slices.reserve(x.shape()[axis]);
  for (std::int64_t i = 0; i < x.shape()[axis]; ++i) {
    View view;
    view.offset = i * whole.strides[axis];
    for (int j = 0; j < x.rank(); ++j)
      if (j != axis) view.push_back(x.shape()[j], whole.strides[j]);
    slices.push_back(pick(x, view, "unbind", at));
  }
  return slices;
}

Tensor flip(const Arg& argument, const Dims& dims) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  View view = View::whole(x.shape());
  bool seen[Shape::max_rank] = {};
  for (const std::int64_t dim : dims.axes()) {
    const int axis = normalize_axis(dim, x.rank(), "flip", at);
    if (std::exchange(seen[axis], true))
      raise<IndexError>(
          at, "flip",
          fmt::format("axis {} is named twice in [{}]", dim, fmt::join(dims.axes(), ", ")));
    const std::int64_t n = x.shape()[axis];
    narrow(view, axis, {n - 1, -1, n});
  }
  return pick(x, view, "flip", at);
}

// What the catalogue says of them.
namespace {

const ArrayOperation slice_record{
    {.name = "slice", .about = "a range of indices along an axis"},
    {{"slice(x, 1, {.start = 1, .step = 2})",
      {{3, 6}},
      [](auto& in) { return xtape::slice(in[0], 1, {.start = 1, .stop = {}, .step = 2}); }},
     {"slice(x, 0, {.step = -1})", {{4, 2}}, [](auto& in) {
        return xtape::slice(in[0], 0, {.start = {}, .stop = {}, .step = -1});
      }}}};
const ArrayOperation index_record{
    {.name = "index", .about = "integers, ranges and new axes, as in NumPy's basic indexing"},
    {{"index(x, {1, range(_, _, -2)})",
      {{3, 4}},
      [](auto& in) {
        return xtape::index(in[0], {1, range(_, _, -2)});
      }},
     {"index(x, {newaxis, ellipsis, range(1, 3), 0})", {{2, 4, 2}}, [](auto& in) {
        return xtape::index(in[0], {newaxis, ellipsis, range(1, 3), 0});
      }}}};
const ArrayOperation split_record{
    {.name = "split", .about = "pieces along an axis"},
    {{"split(x, {1, 3}, 1)[1]",
      {{2, 4}},
      [](auto& in) {
        return xtape::split(in[0], {1, 3}, 1)[1];
      }},
     {"unbind(x, 1)[2]", {{2, 4}}, [](auto& in) { return xtape::unbind(in[0], 1)[2]; }}}};
const ArrayOperation flip_record{{.name = "flip", .about = "the order along some axes reversed"},
                                 {{"flip(x, {0, 1})", {{2, 3}}, [](auto& in) {
                                     return xtape::flip(in[0], {0, 1});
                                   }}}};

}  // namespace
}  // namespace xtape
