#include <fmt/format.h>

#include <xtape/ops/shaping.hpp>
#include <xtape/ops/strided.hpp>

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

// The order of axes after a permutation.
struct Order {
  int axes[Shape::max_rank];
};

Tensor permuted(const Tensor& x, const Order& order, const char* op, const Location& at) {
  const View whole = View::whole(x.shape());
  View view;
  Order inverse{};
  for (int j = 0; j < x.rank(); ++j) {
    view.push_back(x.shape()[order.axes[j]], whole.strides[order.axes[j]]);
    inverse.axes[order.axes[j]] = j;
  }
  return record(op, at, {unsaved(x)}, picked(x, view), [inverse, op, at](Backward& backward) {
    backward.give(0, permuted(backward.grad(), inverse, op, at));
  });
}

}  // namespace

Tensor reshape(const Arg& x, std::initializer_list<std::int64_t> sizes) {
  return reshape(x, std::span<const std::int64_t>(sizes.begin(), sizes.size()));
}

Tensor reshape(const Arg& argument, std::span<const std::int64_t> sizes) {
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
  const int rank = std::max(1, x.rank());  // a 0-d tensor becomes one of 1 axis
  const int begin = normalize_axis(first, rank, "flatten", at);
  const int end = normalize_axis(last, rank, "flatten", at);
  if (end < begin)
    raise<IndexError>(at, "flatten", fmt::format("axis {} comes after axis {}", first, last));
  if (x.rank() == 0) return with_shape(x, {1}, "flatten", at);
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
  const int axis = normalize_axis(dim, std::max(1, x.rank()), "squeeze", at);
  if (x.rank() == 0 || x.shape()[axis] != 1) return x;
  Shape shape;
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis) shape.push_back(x.shape()[i]);
  return with_shape(x, shape, "squeeze", at);
}

Tensor squeeze(const Arg& argument) {
  const Tensor x = argument.as_tensor(float32);
  Shape shape;
  for (const std::int64_t size : x.shape())
    if (size != 1) shape.push_back(size);
  return with_shape(x, shape, "squeeze", Caller::or_else(argument.where()));
}

Tensor permute(const Arg& argument, const Dims& dims) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  Order order{};
  bool seen[Shape::max_rank] = {};
  int place = 0;
  for (const std::int64_t dim : dims.axes()) {
    const int axis = normalize_axis(dim, x.rank(), "permute", at);
    if (std::exchange(seen[axis], true) || static_cast<int>(dims.axes().size()) != x.rank())
      raise<IndexError>(at, "permute",
                        fmt::format("[{}] does not name each of the {} axes of shape {} once",
                                    fmt::join(dims.axes(), ", "), x.rank(), x.shape().str()));
    order.axes[place++] = axis;
  }
  if (place != x.rank())
    raise<IndexError>(at, "permute", fmt::format("no axes named for shape {}", x.shape().str()));
  return permuted(x, order, "permute", at);
}

Tensor transpose(const Arg& argument, std::int64_t dim0, std::int64_t dim1) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  Order order{};
  for (int i = 0; i < x.rank(); ++i) order.axes[i] = i;
  std::swap(order.axes[normalize_axis(dim0, x.rank(), "transpose", at)],
            order.axes[normalize_axis(dim1, x.rank(), "transpose", at)]);
  return permuted(x, order, "transpose", at);
}

Tensor movedim(const Arg& argument, const Dims& source, const Dims& destination) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const std::size_t count = source.axes().size();
  if (destination.axes().size() != count)
    raise<ValueError>(at, "movedim",
                      fmt::format("{} axes to {} places", count, destination.axes().size()));
  constexpr int free = -1;
  Order order;
  std::fill_n(order.axes, Shape::max_rank, int{free});
  bool moved[Shape::max_rank] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const int from = normalize_axis(source.axes()[i], x.rank(), "movedim", at);
    const int to = normalize_axis(destination.axes()[i], x.rank(), "movedim", at);
    if (std::exchange(moved[from], true) || order.axes[to] != free)
      raise<IndexError>(
          at, "movedim",
          fmt::format("an axis is named twice: [{}] to [{}]", fmt::join(source.axes(), ", "),
                      fmt::join(destination.axes(), ", ")));
    order.axes[to] = from;
  }
  int next = 0;
  for (int place = 0; place < x.rank(); ++place) {
    if (order.axes[place] != free) continue;
    while (moved[next]) ++next;
    order.axes[place] = next++;
  }
  return permuted(x, order, "movedim", at);
}

// What the catalogue says of them.
namespace {

const ArrayOperation reshape_record{
    {.name = "reshape", .about = "the same elements under another shape"},
    {{"reshape(x, {4, -1})", {{2, 6}}, [](auto& in) {
        return xtape::reshape(in[0], {4, -1});
      }}}};
const ArrayOperation permute_record{
    {.name = "permute", .about = "the axes in another order"},
    {{"permute(x, {2, 0, 1})",
      {{2, 3, 4}},
      [](auto& in) {
        return xtape::permute(in[0], {2, 0, 1});
      }},
     {"transpose(x)", {{3, 5}}, [](auto& in) { return xtape::transpose(in[0]); }}}};

}  // namespace
}  // namespace xtape
