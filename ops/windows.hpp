// Windows that slide over the spatial axes of images: how convolutions and poolings describe them.
//
//   tap t of the window at position p sees the point  p * stride - padding + t * dilation
#pragma once

#include <algorithm>
#include <string>
#include <vector>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

/// One value for all spatial axes, or one for each: 2 or {2, 3}. Not given if empty.
template <class T>
class PerAxis {
 public:
  PerAxis() = default;
  template <class N>
  requires std::is_arithmetic_v<N> PerAxis(N all) : count_(1) { values_[0] = static_cast<T>(all); }
  PerAxis(std::initializer_list<T> values) : PerAxis(values.begin(), values.size()) {}
  PerAxis(const std::vector<T>& values) : PerAxis(values.data(), values.size()) {}

  bool given() const { return count_ > 0; }
  std::span<const T> values() const { return {values_, count_}; }

 private:
  // One more than there are spatial axes: whoever gets so many says so.
  static constexpr std::size_t capacity = 4;
  PerAxis(const T* values, std::size_t count) : count_(count < capacity ? count : capacity) {
    std::copy_n(values, count_, values_);
  }
  std::size_t count_ = 0;
  T values_[capacity];
};

/// How many zeros surround an image on both sides of each axis, or the word "same": so many that
/// the result has the size of the image, the odd one behind it; or "valid": none.
class Padding : public PerAxis<std::int64_t> {
 public:
  using PerAxis::PerAxis;
  template <std::size_t N>
  Padding(const char (&word)[N]) : word_(word) {}
  Padding(const std::string& word) : word_(word) {}
  const std::string& word() const { return word_; }

 private:
  std::string word_;
};

namespace detail {

/// A window along one axis.
struct WindowAxis {
  std::int64_t in = 1, out = 1, kernel = 1, stride = 1, before = 0, dilation = 1;

  /// From the first tap to the last.
  std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
};

/// Windows over up to three axes; fewer are the last ones, the others have size 1.
struct Windows {
  static constexpr int most = 3;
  WindowAxis axis[most];
  int rank = 0;

  std::int64_t points() const { return axis[0].in * axis[1].in * axis[2].in; }
  std::int64_t positions() const { return axis[0].out * axis[1].out * axis[2].out; }
  std::int64_t taps() const { return axis[0].kernel * axis[1].kernel * axis[2].kernel; }
  /// The axis `i` of those that are there.
  WindowAxis& operator[](int i) { return axis[most - rank + i]; }
  const WindowAxis& operator[](int i) const { return axis[most - rank + i]; }
  /// `leading` sizes followed by the spatial sizes of images or results.
  Shape with_points(Shape leading) const;
  Shape with_positions(Shape leading) const;
};

/// Who asks, for errors.
struct Asked {
  const char* op;
  Location at;
};

/// The value for axis `i` of `rank`. Throws ValueError if there are more or fewer values, or one is
/// below `least` or above 2^31 - 1.
std::int64_t value_for(const PerAxis<std::int64_t>& values, int i, int rank, std::int64_t least,
                       const char* name, const Asked& asked);

/// Images as [batch, channels, spatial...]: a missing batch axis is added. Throws ShapeError for
/// another number of axes and DTypeError unless x is floating.
Tensor as_batch(const Tensor& x, int rank, const Asked& asked);
/// Without the batch axis again if `like` has none.
Tensor as_given(const Tensor& result, const Tensor& like, int rank);

}  // namespace detail

}  // namespace xtape
