// What operations that move elements share: an array seen as [outer, n, inner] around one axis.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/pool.hpp>
#include <xtape/autograd/sweep.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape::detail {

// A block of an array seen as [outer, n, inner] around one axis.
struct Around {
  std::int64_t outer = 1, n, inner = 1;
  Around(const Shape& shape, int axis) : n(shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

inline Shape replaced(Shape shape, int axis, std::int64_t size) {
  shape[axis] = size;
  return shape;
}

// Calls f with a null pointer to an unsigned type of the elements' size: moving elements is the
// same for all types of one size.
template <class F>
void by_size(DType dtype, F f) {
  switch (size_of(dtype)) {
    case 1: return f(static_cast<std::uint8_t*>(nullptr));
    case 4: return f(static_cast<std::uint32_t*>(nullptr));
    default: return f(static_cast<std::uint64_t*>(nullptr));
  }
}

template <class F>
void by_type(DType dtype, F f) {
  if (dtype == float32) f(static_cast<float*>(nullptr));
  else if (dtype == float64) f(static_cast<double*>(nullptr));
  else if (dtype == int64) f(static_cast<std::int64_t*>(nullptr));
  else f(static_cast<bool*>(nullptr));
}

/// A list of up to `capacity` items in memory of the pool, so that what runs again and again takes
/// nothing from the heap.
template <class T>
class PooledList {
 public:
  explicit PooledList(std::size_t capacity)
      : bytes_(capacity * sizeof(T)), items_(static_cast<T*>(pool::allocate(bytes_))) {}
  PooledList(PooledList&& other) noexcept
      : bytes_(other.bytes_), size_(other.size_), items_(std::exchange(other.items_, nullptr)) {}
  PooledList& operator=(PooledList&&) = delete;
  ~PooledList() {
    if (!items_) return;
    std::destroy_n(items_, size_);
    pool::release(items_, bytes_);
  }
  template <class... A>
  void emplace_back(A&&... arguments) {
    new (items_ + size_++) T{std::forward<A>(arguments)...};
  }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T& operator[](std::size_t i) { return items_[i]; }
  std::span<const T> items() const { return {items_, size_}; }

 private:
  std::size_t bytes_, size_ = 0;
  T* items_;
};
/// out = x folded to the shape `folded`, or x broadcast to `space`. The element type is out's; x
/// has the same or is boolean.
void fold(const Tensor& x, const Tensor& out, const Shape& space, const Shape& folded, Fold fold);

/// Calls f(first element, columns) for strips of up to 256 neighbouring columns of the block, on
/// several threads if it is large. The elements of a column are `inner` apart.
template <class F>
void for_columns(const Around& block, F f) {
  constexpr std::int64_t width = 256, piece = 65536, most = 32;
  const std::int64_t strips = (block.inner + width - 1) / width, tasks = block.outer * strips;
  const std::int64_t size = block.outer * block.n * block.inner;
  const std::int64_t pieces = std::clamp<std::int64_t>(size / piece, 1, std::min(most, tasks + 1));
  xtape::parallel_for(pieces, [&](std::int64_t p) {
    for (std::int64_t t = tasks * p / pieces; t < tasks * (p + 1) / pieces; ++t) {
      const std::int64_t column = t % strips * width;
      f(t / strips * block.n * block.inner + column, std::min(width, block.inner - column));
    }
  });
}

/// Zeros of a shape.
inline Tensor zeros_of(const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  if (out.numel() > 0) std::memset(out.value()->elements(), 0, out.value()->bytes());
  return out;
}

}  // namespace xtape::detail
