// Pooling: one number for what a window sees, the largest or the mean. x is
// [batch, channels, spatial...] or [channels, spatial...]; the stride is the size of the window
// unless it is given. With ceil_mode a last window may reach over the end, if it starts inside the
// image or the padding before it.
#pragma once

#include <xtape/ops/builtin.hpp>
#include <xtape/ops/windows.hpp>

namespace xtape {

struct MaxPoolOptions {
  PerAxis<std::int64_t> stride{}, padding = 0, dilation = 1;  ///< stride: the window's size
  bool ceil_mode = false;
};

/// What a maximum is and where it was found.
struct Pooled {
  Tensor values;
  Tensor indices;  ///< int64, into the flattened spatial axes of the image
};

/// The maximum of each window; padding never wins, NaN does. The gradient goes to the first
/// maximum in row-major order. Throws ShapeError if the window does not fit or sees only padding,
/// ValueError for options out of range or padding above half of the window, DTypeError for
/// integers; so do all functions here.
Tensor max_pool1d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const MaxPoolOptions& options = {});
Tensor max_pool2d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const MaxPoolOptions& options = {});
Tensor max_pool3d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const MaxPoolOptions& options = {});
/// The same with the places of the maxima.
Pooled max_pool1d_with_indices(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                               const MaxPoolOptions& options = {});
Pooled max_pool2d_with_indices(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                               const MaxPoolOptions& options = {});
Pooled max_pool3d_with_indices(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                               const MaxPoolOptions& options = {});

struct AvgPoolOptions {
  PerAxis<std::int64_t> stride{}, padding = 0;  ///< stride: the window's size
  bool ceil_mode = false;
  /// Whether the mean counts padding as zeros. What ceil_mode adds beyond it never counts.
  bool count_include_pad = true;
  std::int64_t divisor_override = 0;  ///< what to divide by, if not 0
};

/// The mean of each window.
Tensor avg_pool1d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const AvgPoolOptions& options = {});
Tensor avg_pool2d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const AvgPoolOptions& options = {});
Tensor avg_pool3d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const AvgPoolOptions& options = {});

/// The mean of windows that make a result of `output_size`: position o of an axis sees the points
/// from floor(o in / out) to ceil((o + 1) in / out).
Tensor adaptive_avg_pool1d(const Arg& x, const PerAxis<std::int64_t>& output_size);
Tensor adaptive_avg_pool2d(const Arg& x, const PerAxis<std::int64_t>& output_size);
Tensor adaptive_avg_pool3d(const Arg& x, const PerAxis<std::int64_t>& output_size);

/// The maximum of the same windows, as max_pool1d().
Tensor adaptive_max_pool1d(const Arg& x, const PerAxis<std::int64_t>& output_size);
Tensor adaptive_max_pool2d(const Arg& x, const PerAxis<std::int64_t>& output_size);
Tensor adaptive_max_pool3d(const Arg& x, const PerAxis<std::int64_t>& output_size);
Pooled adaptive_max_pool1d_with_indices(const Arg& x, const PerAxis<std::int64_t>& output_size);
Pooled adaptive_max_pool2d_with_indices(const Arg& x, const PerAxis<std::int64_t>& output_size);
Pooled adaptive_max_pool3d_with_indices(const Arg& x, const PerAxis<std::int64_t>& output_size);

struct LpPoolOptions {
  PerAxis<std::int64_t> stride{};  ///< the window's size
  bool ceil_mode = false;
};

/// (sum of x^p over each window)^(1/p); slope 0 where the sum is 0, as in PyTorch.
Tensor lp_pool1d(const Arg& x, double norm_type, const PerAxis<std::int64_t>& kernel_size,
                 const LpPoolOptions& options = {});
Tensor lp_pool2d(const Arg& x, double norm_type, const PerAxis<std::int64_t>& kernel_size,
                 const LpPoolOptions& options = {});

}  // namespace xtape
