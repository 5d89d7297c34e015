#include <fmt/format.h>

#include <algorithm>
#include <xtape/ops/diagonals.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/strided.hpp>

namespace xtape {

using namespace detail;

namespace {

// The view of a diagonal of the matrices that two axes of `shape` span, the other axes first.
View diagonal_of(const Shape& shape, std::int64_t offset, int row_axis, int column_axis) {
  const View whole = View::whole(shape);
  const std::int64_t rows = shape[row_axis], columns = shape[column_axis];
  offset = std::clamp(offset, -rows, columns);  // outside, where nothing is left
  View view;
  for (int i = 0; i < shape.rank(); ++i)
    if (i != row_axis && i != column_axis) view.push_back(shape[i], whole.strides[i]);
  view.offset =
      offset < 0 ? -offset * whole.strides[row_axis] : offset * whole.strides[column_axis];
  const std::int64_t count =
      offset < 0 ? std::min(rows + offset, columns) : std::min(rows, columns - offset);
  view.push_back(std::max<std::int64_t>(0, count),
                 whole.strides[row_axis] + whole.strides[column_axis]);
  return view;
}

void check_axes(int first, int second, const char* op, const Location& at) {
  if (first == second)
    raise<IndexError>(at, op, fmt::format("two axes wanted, both are axis {}", first));
}

// The matrices of the last two axes with what is not below (or not above) a diagonal.
Tensor triangle(const Tensor& x, std::int64_t diagonal, bool lower, const char* op,
                const Location& at) {
  if (x.rank() < 2)
    raise<ShapeError>(at, op,
                      fmt::format("at least two axes wanted, the shape is {}", x.shape().str()));
  const std::int64_t rows = x.shape()[x.rank() - 2], columns = x.shape()[x.rank() - 1];
  diagonal = std::clamp(diagonal, -rows, columns);
  const Tensor out = zeros_of(x.shape(), x.dtype());
  by_size(x.dtype(), [&]<class T>(T*) {
    const T* from = x.value()->as<T>();
    T* to = out.value()->as<T>();
    for (std::int64_t done = 0; done < x.numel(); done += rows * columns)
      for (std::int64_t r = 0; r < rows; ++r, from += columns, to += columns) {
        const std::int64_t cut = std::clamp<std::int64_t>(r + diagonal + lower, 0, columns);
        if (lower) std::copy_n(from, cut, to);
        else std::copy_n(from + cut, columns - cut, to + cut);
      }
  });
  return record(op, at, {unsaved(x)}, out, [diagonal, lower, op, at](Backward& backward) {
    backward.give(0, triangle(backward.grad(), diagonal, lower, op, at));
  });
}

}  // namespace

Tensor diagonal(const Arg& argument, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const int first = normalize_axis(dim1, x.rank(), "diagonal", at);
  const int second = normalize_axis(dim2, x.rank(), "diagonal", at);
  check_axes(first, second, "diagonal", at);
  return pick(x, diagonal_of(x.shape(), offset, first, second), "diagonal", at);
}

Tensor diag_embed(const Arg& argument, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  normalize_axis(-1, x.rank(), "diag_embed", at);
  const int first = normalize_axis(dim1, x.rank() + 1, "diag_embed", at);
  const int second = normalize_axis(dim2, x.rank() + 1, "diag_embed", at);
  check_axes(first, second, "diag_embed", at);
  const std::int64_t size = x.shape()[x.rank() - 1] + std::abs(offset);
  Shape shape;
  for (int i = 0, from = 0; i <= x.rank(); ++i)
    shape.push_back(i == first || i == second ? size : x.shape()[from++], at);
  return embed(x, shape, diagonal_of(shape, offset, first, second), 0, "diag_embed", at);
}

Tensor diag(const Arg& argument, std::int64_t offset) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  if (x.rank() != 1 && x.rank() != 2)
    raise<ShapeError>(at, "diag",
                      fmt::format("a vector or a matrix wanted, the shape is {}", x.shape().str()));
  return x.rank() == 1 ? diag_embed(Arg(x, at), offset) : diagonal(Arg(x, at), offset);
}

Tensor tril(const Arg& x, std::int64_t diagonal) {
  return triangle(x.as_tensor(float32), diagonal, true, "tril", Caller::or_else(x.where()));
}

Tensor triu(const Arg& x, std::int64_t diagonal) {
  return triangle(x.as_tensor(float32), diagonal, false, "triu", Caller::or_else(x.where()));
}

Tensor trace(const Arg& argument) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  if (x.rank() != 2)
    raise<ShapeError>(at, "trace",
                      fmt::format("a matrix wanted, the shape is {}", x.shape().str()));
  return sum(Arg(diagonal(Arg(x, at)), at));
}

// What the catalogue says of them.
namespace {

const ArrayOperation diagonal_record{
    {.name = "diagonal", .about = "the diagonals of matrices"},
    {{"diagonal(x, 1)", {{3, 4}}, [](auto& in) { return xtape::diagonal(in[0], 1); }},
     {"diagonal(x, -1, 2, 0)", {{3, 2, 3}}, [](auto& in) {
        return xtape::diagonal(in[0], -1, 2, 0);
      }}}};
const ArrayOperation diag_embed_record{
    {.name = "diag_embed", .about = "matrices with given diagonals"},
    {{"diag_embed(x)", {{2, 3}}, [](auto& in) { return xtape::diag_embed(in[0]); }},
     {"diag_embed(x, -1, 0, 2)", {{2, 3}}, [](auto& in) {
        return xtape::diag_embed(in[0], -1, 0, 2);
      }}}};
const ArrayOperation tril_record{
    {.name = "tril", .about = "matrices with 0 above a diagonal"},
    {{"tril(x, 1)", {{2, 4, 3}}, [](auto& in) { return xtape::tril(in[0], 1); }}}};
const ArrayOperation triu_record{
    {.name = "triu", .about = "matrices with 0 below a diagonal"},
    {{"triu(x)", {{3, 4}}, [](auto& in) { return xtape::triu(in[0]); }}}};

}  // namespace
}  // namespace xtape
