#include <fmt/format.h>

#include <xtape/ops/matrices.hpp>

namespace xtape::detail {

void check_floating_pair(const Tensor& a, const Tensor& b, const char* op, const Location& at) {
  if (!is_floating(a.dtype()) || a.dtype() != b.dtype())
    raise<DTypeError>(at, op,
                      fmt::format("two floating tensors of one type wanted: {} and {}",
                                  name_of(a.dtype()), name_of(b.dtype())));
}

void check_floating(const Tensor& x, const char* op, const Location& at) {
  if (!is_floating(x.dtype()))
    raise<DTypeError>(at, op,
                      fmt::format("a floating tensor wanted, this one is {}", name_of(x.dtype())));
}

Shape stack_of(const Shape& shape) {
  return Shape(std::span<const std::int64_t>(shape.begin(), shape.rank() - 2));
}

Shape with_matrix(Shape stack, std::int64_t rows, std::int64_t columns) {
  stack.push_back(rows);
  stack.push_back(columns);
  return stack;
}

}  // namespace xtape::detail
