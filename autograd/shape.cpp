#include <fmt/format.h>

#include <algorithm>
#include <xtape/autograd/shape.hpp>

namespace xtape {

const char* name_of(DType dtype) {
  constexpr const char* names[] = {"float32", "float64", "int64", "boolean"};
  return names[static_cast<int>(dtype)];
}

DType promote(DType a, DType b) {
  constexpr int order[] = {2, 3, 1, 0};
  return order[static_cast<int>(a)] >= order[static_cast<int>(b)] ? a : b;
}

Shape::Shape(std::span<const std::int64_t> sizes, Location where) {
  for (std::int64_t size : sizes) push_back(size, where);
}

void Shape::push_back(std::int64_t size, Location where) {
  if (rank_ == max_rank)
    raise<ShapeError>(where, "shape", fmt::format("more than {} axes", int(max_rank)));
  if (size < 0) raise<ShapeError>(where, "shape", fmt::format("a size is negative: {}", size));
  sizes_[rank_++] = size;
  std::int64_t elements = 1;
  for (std::int64_t factor : *this)
    if (factor > 0 && __builtin_mul_overflow(elements, factor, &elements))
      raise<ShapeError>(where, "shape",
                        fmt::format("more elements than can be counted: {}", str()));
}

std::int64_t Shape::numel() const {
  std::int64_t product = 1;
  for (std::int64_t size : *this) product *= size;
  return product;
}

bool Shape::operator==(const Shape& other) const {
  bool same = rank_ == other.rank_;
  for (std::int64_t axis = 0; same && axis < rank_; ++axis)
    same = sizes_[axis] == other.sizes_[axis];
  return same;
}

std::string Shape::str() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

Shape broadcast(const Shape& a, const Shape& b, const char* op, const Location& where) {
  if (a == b) return a;
  const int rank = std::max(a.rank(), b.rank());
  Shape out;
  for (int axis = 0; axis < rank; ++axis) {
    const int in_a = axis - (rank - a.rank()), in_b = axis - (rank - b.rank());
    const std::int64_t size_a = in_a < 0 ? 1 : a[in_a], size_b = in_b < 0 ? 1 : b[in_b];
    if (size_a != size_b && size_a != 1 && size_b != 1)
      raise<ShapeError>(where, op,
                        fmt::format("shapes do not broadcast: {} and {}", a.str(), b.str()));
    out.push_back(size_a == 1 ? size_b : size_a);
  }
  return out;
}

int normalize_axis(std::int64_t axis, int rank, const char* op, const Location& where) {
  const std::int64_t from_left = axis < 0 ? axis + rank : axis;
  if (from_left < 0 || from_left >= rank)
    raise<IndexError>(where, op, fmt::format("axis {} of a tensor with {} axes", axis, rank));
  return static_cast<int>(from_left);
}

}  // namespace xtape
