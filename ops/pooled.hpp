// The two reductions of windows, to their maxima and to their means, and what both know of the
// windows.
#pragma once

#include <xtape/ops/pooling.hpp>

namespace xtape::detail {

/// Windows with what a pooling knows besides.
struct Pooling {
  Windows windows;
  bool adaptive = false;  ///< the windows share the points evenly instead of sliding
  bool count_include_pad = true;
  std::int64_t divisor = 0;
};

/// The maximum of each window of x [batch, channels, points...]. Throws ShapeError if a window sees
/// only padding.
Pooled maxima(const Tensor& x, const Pooling& pooling, const Asked& asked);
/// The mean of each window.
Tensor means(const Tensor& x, const Pooling& pooling, const Asked& asked);

}  // namespace xtape::detail
