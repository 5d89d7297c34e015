// What all operations on matrices check, and the shapes of stacks of them.
#pragma once

#include <xtape/autograd/tensor.hpp>

namespace xtape::detail {

/// Throws DTypeError unless a and b are floating and of one element type.
void check_floating_pair(const Tensor& a, const Tensor& b, const char* op, const Location& at);

/// Throws DTypeError unless x is floating.
void check_floating(const Tensor& x, const char* op, const Location& at);

/// Calls f with a null pointer to the floating element type.
template <class F>
void by_floating(DType dtype, F f) {
  if (dtype == float32) f(static_cast<float*>(nullptr));
  else f(static_cast<double*>(nullptr));
}

/// The axes before the last two, which count a stack of matrices.
Shape stack_of(const Shape& shape);
/// `stack` followed by two more axes.
Shape with_matrix(Shape stack, std::int64_t rows, std::int64_t columns);

}  // namespace xtape::detail
