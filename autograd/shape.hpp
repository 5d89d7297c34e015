// Shapes, element types and the two rules about them: NumPy's broadcasting and type promotion.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <xtape/autograd/errors.hpp>

namespace xtape {

/// The element types of a tensor; float32 is the default.
enum class DType : std::uint8_t { float32, float64, int64, boolean };
inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;
inline constexpr DType int64 = DType::int64;
inline constexpr DType boolean = DType::boolean;

const char* name_of(DType dtype);
constexpr std::int64_t size_of(DType dtype) {
  constexpr std::int64_t sizes[] = {4, 8, 8, 1};
  return sizes[static_cast<int>(dtype)];
}
constexpr bool is_floating(DType dtype) { return dtype <= DType::float64; }

/// The element type of a combination: boolean < int64 < float32 < float64.
DType promote(DType a, DType b);

/// The sizes of a tensor's axes, at most ten of them, without heap storage.
class Shape {
 public:
  static constexpr int max_rank = 10;

  Shape() {}  // by default, {} would write all sizes
  /// Throws ShapeError for more than ten axes, a negative size or 2^63 elements.
  Shape(std::initializer_list<std::int64_t> sizes, Location where = {})
      : Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size()), where) {}
  explicit Shape(std::span<const std::int64_t> sizes, Location where = {});

  int rank() const { return static_cast<int>(rank_); }
  std::int64_t numel() const;
  std::int64_t operator[](int axis) const { return sizes_[axis]; }
  std::int64_t& operator[](int axis) { return sizes_[axis]; }
  const std::int64_t* begin() const { return sizes_; }
  const std::int64_t* end() const { return sizes_ + rank_; }
  /// Appends an axis; throws ShapeError as the constructor.
  void push_back(std::int64_t size, Location where = {});
  bool operator==(const Shape& other) const;

  /// "[128, 784]"
  std::string str() const;

 private:
  std::int64_t rank_ = 0;
  std::int64_t sizes_[max_rank];
};

/// The shape that a and b broadcast to (NumPy's rule: aligned at the right, sizes equal or 1).
/// Throws ShapeError naming `op` if there is none.
Shape broadcast(const Shape& a, const Shape& b, const char* op, const Location& where);

/// The axis counted from the left; -1 is the last. Throws IndexError if `rank` axes do not have it.
int normalize_axis(std::int64_t axis, int rank, const char* op, const Location& where);

}  // namespace xtape
