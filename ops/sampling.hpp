// Images in other sizes and seen through grids.
#pragma once

#include <optional>
#include <string_view>
#include <xtape/ops/builtin.hpp>
#include <xtape/ops/windows.hpp>

namespace xtape {

/// How interpolate() finds its numbers; one of size and scale_factor is wanted.
struct InterpolateOptions {
  PerAxis<std::int64_t> size{};    ///< of the spatial axes of the result
  PerAxis<double> scale_factor{};  ///< size of the result / size of x
  /// "nearest", "nearest-exact", "area", or by the number of spatial axes "linear", "bilinear",
  /// "trilinear"
  std::string_view mode = "nearest";
  /// For the linear modes: whether the corner points of x and of the result lie on each other,
  /// rather than the corners of the images.
  std::optional<bool> align_corners{};
};

/// x [batch, channels, spatial...], one to three spatial axes, in another size. Points of the
/// result lie at (o + 1/2) in / out - 1/2, at o (in - 1) / (out - 1) with align_corners; "nearest"
/// takes the point floor(o in / out). Throws ShapeError for other shapes, DTypeError for integers
/// and ValueError for options that do not fit.
Tensor interpolate(const Arg& x, const InterpolateOptions& options);

/// How grid_sample() sees its image.
struct GridSampleOptions {
  std::string_view mode = "bilinear";       ///< or "nearest"
  std::string_view padding_mode = "zeros";  ///< what lies outside; or "border": the nearest point
  bool align_corners = false;  ///< whether -1 and 1 are the outermost points or their outer edges
};

/// x [batch, channels, height, width] at the places grid [batch, h, w, 2], each (x, y) within
/// [-1, 1]: [batch, channels, h, w]; with [batch, channels, depth, height, width] at (x, y, z)
/// likewise (Jaderberg et al. 2015, Spatial Transformer Networks). Gradients flow to both. Throws
/// ShapeError, DTypeError and ValueError as interpolate().
Tensor grid_sample(const Arg& x, const Tensor& grid, const GridSampleOptions& options = {});

/// The grid of the affine maps theta [batch, 2, 3] for images of size [batch, channels, height,
/// width], or of [batch, 3, 4] for one more axis. Throws ShapeError, DTypeError as grid_sample().
Tensor affine_grid(const Arg& theta, const Shape& size, bool align_corners = false);

}  // namespace xtape
