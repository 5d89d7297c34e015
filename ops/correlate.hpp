// The three products of a convolution. Each is linear in both of its arguments, and its gradients
// are the other two:
//
//   y = correlate(x, w)    x = spread(y, w)    w = kernel_share(x, y)
#pragma once

#include <xtape/ops/windows.hpp>

namespace xtape::detail {

/// The sizes of a convolution of x [batch, groups * channels, points...] with a kernel
/// [groups * filters, channels, taps...] to y [batch, groups * filters, positions...].
struct Convolution {
  Windows windows;
  std::int64_t batch, groups, channels, filters;
  bool winograd = true;  // may be used

  std::int64_t depth() const { return channels * windows.taps(); }
  Shape x_shape() const { return windows.with_points({batch, groups * channels}); }
  Shape y_shape() const { return windows.with_positions({batch, groups * filters}); }
  Shape kernel_shape() const;
};

/// The convolution of x with the kernel, plus a bias [groups * filters] if it is defined.
Tensor correlate(const Tensor& x, const Tensor& kernel, const Tensor& bias,
                 const Convolution& sizes, const Asked& asked);
/// The transposed convolution of y, plus a bias [groups * channels] if it is defined.
Tensor spread(const Tensor& y, const Tensor& kernel, const Tensor& bias, const Convolution& sizes,
              const Asked& asked);
/// The gradient of sum(y * correlate(x, kernel)) with respect to the kernel.
Tensor kernel_share(const Tensor& x, const Tensor& y, const Convolution& sizes, const Asked& asked);

}  // namespace xtape::detail
