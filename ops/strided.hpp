// Which elements of a row-major array an operation picks, and in which order:
//
//   element (i, j, ...) of the result = element offset + i stride_0 + j stride_1 + ... of the array
//
// Slices, permutations, diagonals and flips differ in nothing else.
#pragma once

#include <xtape/ops/elements.hpp>

namespace xtape::detail {

struct View {
  std::int64_t offset = 0;
  Shape shape;
  std::int64_t strides[Shape::max_rank];

  /// All elements of an array of that shape, in order.
  static View whole(const Shape& shape);
  void push_back(std::int64_t size, std::int64_t stride, const Location& where = {});
};

/// The elements of x that `view` names, off the tape. A stride may be 0.
Tensor picked(const Tensor& x, const View& view);
/// The same on the tape; the view names no element twice.
Tensor pick(const Tensor& x, const View& view, const char* op, const Location& at);
/// A tensor of `shape` with the elements of `part` where `view` says, no two at one place, and
/// `fill` elsewhere. With 0 it is the transpose of pick().
Tensor embed(const Tensor& part, const Shape& shape, const View& view, double fill, const char* op,
             const Location& at);
/// Writes the elements of `part` to the places in `whole`, off the tape.
void store(const Tensor& part, const View& view, const Tensor& whole);

}  // namespace xtape::detail
