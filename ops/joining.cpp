#include <fmt/format.h>

#include <algorithm>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/joining.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/strided.hpp>

namespace xtape {

using namespace detail;

namespace {

std::span<const Tensor> span_of(std::initializer_list<Tensor> tensors) {
  return {tensors.begin(), tensors.size()};
}

// Where a tensor begins and ends along the axis of the result.
struct Place {
  std::int64_t start, count;
};

// The elements at some indices along an axis, without the axis if they are stacked there.
View view_at(const Shape& shape, int axis, const Place& place, bool stacked) {
  const View whole = View::whole(shape);
  View view;
  view.offset = place.start * whole.strides[axis];
  for (int i = 0; i < shape.rank(); ++i)
    if (i != axis) view.push_back(shape[i], whole.strides[i]);
    else if (!stacked) view.push_back(place.count, whole.strides[i]);
  return view;
}

// Tensors of one element type side by side along an axis of `shape`; `stacked` ones have size 1
// there and do not have the axis themselves.
Tensor join(std::span<const Tensor> tensors, const Shape& shape, int axis, bool stacked,
            const char* op, const Location& at) {
  const Tensor out = Tensor::empty(shape, tensors[0].dtype());
  PooledList<Operand> operands(tensors.size());
  PooledList<Place> places(tensors.size());
  std::int64_t start = 0;
  for (const Tensor& tensor : tensors) {
    const Place place{start, stacked ? 1 : tensor.shape()[axis]};
    store(tensor, view_at(shape, axis, place, stacked), out);
    operands.emplace_back(unsaved(tensor));
    places.emplace_back(place);
    start += place.count;
  }
  record(op, at, operands.items(), {&out, 1},
         [places = std::move(places), shape, axis, stacked, at](Backward& backward) {
           for (int k = 0; k < backward.input_count(); ++k)
             if (backward.needs(k))
               backward.give(
                   k, pick(backward.grad(), view_at(shape, axis, places[k], stacked), "pick", at));
         });
  return out;
}

// Whether a tensor has no say in cat(): PyTorch leaves empty 1-d tensors out.
bool left_out(const Tensor& tensor) { return tensor.rank() == 1 && tensor.numel() == 0; }

DType common_type(std::span<const Tensor> tensors) {
  DType dtype = tensors[0].dtype();
  for (const Tensor& tensor : tensors) dtype = promote(dtype, tensor.dtype());
  return dtype;
}

bool is_uniform(std::span<const Tensor> tensors) {
  return std::all_of(tensors.begin(), tensors.end(),
                     [&](const Tensor& each) { return each.dtype() == tensors[0].dtype(); });
}

std::vector<Tensor> all_cast(std::span<const Tensor> tensors, DType dtype) {
  std::vector<Tensor> same;
  for (const Tensor& tensor : tensors) same.push_back(cast(tensor, dtype));
  return same;
}

Tensor rolled(const Tensor& x, std::int64_t shift, int axis, const Location& at) {
  const Around whole(x.shape(), axis);
  const Tensor out = Tensor::empty(x.shape(), x.dtype());
  const std::int64_t begin = whole.n == 0 ? 0 : ((shift % whole.n) + whole.n) % whole.n;
  const std::int64_t row = whole.inner * size_of(x.dtype());
  const std::int64_t head = begin * row, tail = (whole.n - begin) * row;
  for (std::int64_t o = 0; o < whole.outer && head + tail > 0; ++o) {
    const char* const from = x.value()->as<char>() + o * (head + tail);
    char* const to = out.value()->as<char>() + o * (head + tail);
    std::memcpy(to + head, from, tail);
    std::memcpy(to, from + tail, head);
  }
  return record("roll", at, {unsaved(x)}, out, [begin, axis, at](Backward& backward) {
    backward.give(0, rolled(backward.grad(), -begin, axis, at));
  });
}

// Each of the slices of x, seen as [outer, n, inner], `count` times in a row.
Tensor repeated(const Tensor& x, std::int64_t outer, std::int64_t n, std::int64_t inner,
                std::int64_t count, const Shape& result, const Location& at) {
  View view;
  view.push_back(outer, n * inner);
  view.push_back(n, inner);
  view.push_back(count, 0, at);
  view.push_back(inner, 1, at);
  const Tensor out =
      record("repeat_interleave", at, {unsaved(x)}, picked(x, view),
             [repeats = view.shape, before = x.shape()](Backward& backward) {
               backward.give(0, reshape(sum(reshape(backward.grad(), repeats), 2), before));
             });
  return reshape(out, result);
}

// The slice that each place of the result of repeat_interleave() shows.
Tensor repeated_rows(const Tensor& repeats, std::int64_t n, const Location& at) {
  if (repeats.dtype() != int64)
    raise<DTypeError>(at, "repeat_interleave",
                      fmt::format("repeats are {}, int64 wanted", name_of(repeats.dtype())));
  if (repeats.shape() != Shape{n})
    raise<ShapeError>(at, "repeat_interleave",
                      fmt::format("repeats have shape {}, [{}] wanted", repeats.shape().str(), n));
  const std::int64_t* const counts = repeats.value()->as<std::int64_t>();
  std::int64_t total = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (counts[i] < 0)
      raise<ValueError>(at, "repeat_interleave",
                        fmt::format("{} repeats at position {}", counts[i], i));
    total += counts[i];
  }
  const Tensor rows = Tensor::empty({total}, int64);
  std::int64_t* to = rows.value()->as<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) to = std::fill_n(to, counts[i], i);
  return rows;
}

}  // namespace

Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim, Location where) {
  return cat(span_of(tensors), dim, where);
}

Tensor cat(std::span<const Tensor> tensors, std::int64_t dim, Location where) {
  const Location at = Caller::or_else(where);
  const Caller caller(at);
  if (tensors.empty()) raise<ValueError>(at, "cat", "no tensors given");
  for (const Tensor& tensor : tensors) tensor.value(at);
  if (!is_uniform(tensors)) return cat(all_cast(tensors, common_type(tensors)), dim, at);
  const auto found = std::find_if_not(tensors.begin(), tensors.end(), left_out);
  const Tensor& first = found == tensors.end() ? tensors[0] : *found;
  if (first.rank() != 1 && std::any_of(tensors.begin(), tensors.end(), left_out)) {
    std::vector<Tensor> others(tensors.begin(), tensors.end());
    std::erase_if(others, left_out);
    return cat(others, dim, at);
  }
  const int axis = normalize_axis(dim, first.rank(), "cat", at);
  std::int64_t total = 0;
  for (const Tensor& tensor : tensors) {
    if (tensor.rank() != first.rank() ||
        replaced(tensor.shape(), axis, 0) != replaced(first.shape(), axis, 0))
      raise<ShapeError>(at, "cat",
                        fmt::format("sizes differ outside axis {}: {} and {}", axis,
                                    first.shape().str(), tensor.shape().str()));
    total += tensor.shape()[axis];
  }
  return join(tensors, replaced(first.shape(), axis, total), axis, false, "cat", at);
}

Tensor stack(std::initializer_list<Tensor> tensors, std::int64_t dim, Location where) {
  return stack(span_of(tensors), dim, where);
}

Tensor stack(std::span<const Tensor> tensors, std::int64_t dim, Location where) {
  const Location at = Caller::or_else(where);
  const Caller caller(at);
  if (tensors.empty()) raise<ValueError>(at, "stack", "no tensors given");
  const Shape& first = tensors[0].shape(at);
  const int axis = normalize_axis(dim, first.rank() + 1, "stack", at);
  for (const Tensor& tensor : tensors)
    if (tensor.shape(at) != first)
      raise<ShapeError>(at, "stack",
                        fmt::format("shapes differ: {} and {}", first.str(), tensor.shape().str()));
  if (!is_uniform(tensors)) return stack(all_cast(tensors, common_type(tensors)), dim, at);
  Shape shape;
  for (int i = 0; i <= first.rank(); ++i) {
    if (i == axis) shape.push_back(static_cast<std::int64_t>(tensors.size()), at);
    if (i < first.rank()) shape.push_back(first[i], at);
  }
  return join(tensors, shape, axis, true, "stack", at);
}

Tensor roll(const Arg& argument, const Dims& shifts, const Dims& dims) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const std::size_t count = shifts.axes().size();
  if (count != std::max<std::size_t>(1, dims.axes().size()))
    raise<ValueError>(at, "roll", fmt::format("{} shifts for {} axes", count, dims.axes().size()));
  if (dims.axes().empty())
    return reshape(rolled(reshape(x, {-1}), shifts.axes()[0], 0, at), x.shape());
  Tensor out = x;
  for (std::size_t i = 0; i < count; ++i)
    out = rolled(out, shifts.axes()[i], normalize_axis(dims.axes()[i], x.rank(), "roll", at), at);
  return out;
}

Tensor tile(const Arg& argument, const Dims& reps) {
  Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const int given = static_cast<int>(reps.axes().size());
  for (const std::int64_t count : reps.axes())
    if (count < 0) raise<ValueError>(at, "tile", fmt::format("{} repeats", count));
  Shape shape;
  for (int i = x.rank(); i < given; ++i) shape.push_back(1, at);
  for (const std::int64_t size : x.shape()) shape.push_back(size, at);
  for (int axis = shape.rank() - 1, i = given - 1; i >= 0; --axis, --i) {
    const Around around(shape, axis);
    shape[axis] *= reps.axes()[i];
    if (reps.axes()[i] != 1)
      x = repeated(x, around.outer, 1, around.n * around.inner, reps.axes()[i], shape, at);
  }
  return reshape(x, shape);
}

Tensor repeat_interleave(const Arg& argument, const Arg& repeats, std::optional<std::int64_t> dim) {
  Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  if (!dim) x = reshape(x, {-1});
  const int axis = normalize_axis(dim.value_or(0), x.rank(), "repeat_interleave", at);
  const Around around(x.shape(), axis);
  if (repeats.is_tensor() && repeats.as_tensor(int64).rank() > 0)
    return index_select(x, axis, repeated_rows(repeats.tensor(), around.n, at));
  const std::int64_t count = repeats.as_tensor(int64).item<std::int64_t>();
  if (count < 0) raise<ValueError>(at, "repeat_interleave", fmt::format("{} repeats", count));
  return repeated(x, around.outer, around.n, around.inner, count,
                  replaced(x.shape(), axis, around.n * count), at);
}

std::vector<Tensor> meshgrid(std::initializer_list<Tensor> tensors, Location where) {
  return meshgrid(span_of(tensors), where);
}

std::vector<Tensor> meshgrid(std::span<const Tensor> tensors, Location where) {
  const Location at = Caller::or_else(where);
  const Caller caller(at);
  Shape shape;
  for (const Tensor& tensor : tensors) {
    if (tensor.rank(at) != 1)
      raise<ShapeError>(at, "meshgrid",
                        fmt::format("1-d tensors wanted, got shape {}", tensor.shape().str()));
    shape.push_back(tensor.numel(), at);
  }
  std::vector<Tensor> grids;
  for (int k = 0; k < shape.rank(); ++k) {
    Shape column;
    for (int i = 0; i < shape.rank(); ++i) column.push_back(i == k ? shape[k] : 1);
    grids.push_back(broadcast_to(reshape(tensors[k], column), shape));
  }
  return grids;
}

// What the catalogue says of them.
namespace {

const ArrayOperation cat_record{{.name = "cat", .about = "tensors side by side"},
                                {{"cat({x, y}, 1)", {{3, 2}, {3, 4}}, [](auto& in) {
                                    return xtape::cat({in[0], in[1]}, 1);
                                  }}}};
const ArrayOperation stack_record{{.name = "stack", .about = "tensors along a new axis"},
                                  {{"stack({x, y})",
                                    {{3, 2}, {3, 2}},
                                    [](auto& in) {
                                      return xtape::stack({in[0], in[1]});
                                    }},
                                   {"stack({x, y}, -1)", {{3, 2}, {3, 2}}, [](auto& in) {
                                      return xtape::stack({in[0], in[1]}, -1);
                                    }}}};
const ArrayOperation roll_record{
    {.name = "roll", .about = "elements moved along axes, and round their ends"},
    {{"roll(x, {1, -2}, {0, 1})", {{3, 5}}, [](auto& in) {
        return xtape::roll(in[0], {1, -2}, {0, 1});
      }}}};
const ArrayOperation repeat_interleave_record{
    {.name = "repeat_interleave", .about = "slices repeated in place"},
    {{"repeat_interleave(x, 2, 1)",
      {{2, 3}},
      [](auto& in) { return xtape::repeat_interleave(in[0], 2, 1); }},
     {"tile(x, {2, 3})", {{2, 2}}, [](auto& in) {
        return xtape::tile(in[0], {2, 3});
      }}}};

}  // namespace
}  // namespace xtape
