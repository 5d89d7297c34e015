// Convolutions, in the sense of networks: the kernel is not flipped. x, result and kernel are
//
//   [batch, in, spatial...]   [batch, out, spatial...]   [out, in / groups, kernel...]
//
// A convolution, its transpose and the gradient of its kernel are one family: the derivatives of
// each are the others, to any order. All are matrix products of patches, or of tiles of images: see
// winograd.hpp.
#pragma once

#include <xtape/ops/builtin.hpp>
#include <xtape/ops/windows.hpp>

namespace xtape {

/// How the kernel of a convolution moves. {.stride = 2, .padding = {1, 0}}, {.padding = "same"}
struct ConvOptions {
  PerAxis<std::int64_t> stride = 1;
  Padding padding = 0;
  PerAxis<std::int64_t> dilation = 1;
  std::int64_t groups = 1;  ///< channels are cut into so many parts that know nothing of each other
  /// Kernels of 3 x 3 taps on float32 may be applied by Winograd's filtering (ops/winograd.hpp),
  /// whose rounding errors are relative to the largest points that a window sees, whatever its
  /// weights. With false each product is computed.
  bool winograd = true;
};

/// y[n, o, p] = bias[o] + sum_{c, t} weight[o, c, t] x[n, c, p * stride - padding + t * dilation]
/// over [batch, in, length] or [in, length]. Throws ShapeError if the kernel is larger than the
/// padded image, or channels, groups, kernel and bias do not fit; DTypeError for integers or
/// different element types; ValueError for options out of range.
Tensor conv1d(const Arg& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
/// The same over [batch, in, height, width] or [in, height, width].
Tensor conv2d(const Arg& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
/// The same over [batch, in, depth, height, width] or [in, depth, height, width].
Tensor conv3d(const Arg& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});

/// How the kernel of a transposed convolution moves. `output_padding` points are added at the end
/// of each axis; it chooses between the sizes that a convolution maps to the same size.
struct ConvTransposeOptions {
  PerAxis<std::int64_t> stride = 1, padding = 0, output_padding = 0;
  std::int64_t groups = 1;
  PerAxis<std::int64_t> dilation = 1;
  bool winograd = true;  ///< as in ConvOptions
};

/// The transpose of conv1d(): what the gradient of a convolution does, plus bias. weight is
/// [in, out / groups, kernel]; the result has (size - 1) stride - 2 padding +
/// dilation (kernel - 1) + output_padding + 1 points. Throws as conv1d().
Tensor conv_transpose1d(const Arg& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});
/// The transpose of conv2d().
Tensor conv_transpose2d(const Arg& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});
/// The transpose of conv3d().
Tensor conv_transpose3d(const Arg& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});

/// The sizes of a window's movement, as PyTorch's unfold().
struct UnfoldOptions {
  PerAxis<std::int64_t> dilation = 1, padding = 0, stride = 1;
};

/// The patches that a window of `kernel_size` sees, as columns: [batch, channels, height, width] to
/// [batch, channels * taps, positions]. The batch may be missing. Throws ShapeError if the window
/// is larger than the padded image, ValueError for options out of range.
Tensor unfold(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
              const UnfoldOptions& options = {});
/// The transpose of unfold(): columns added up to images of `output_size`. Throws ShapeError if the
/// columns do not fit the window, otherwise as unfold().
Tensor fold(const Arg& x, const PerAxis<std::int64_t>& output_size,
            const PerAxis<std::int64_t>& kernel_size, const UnfoldOptions& options = {});

}  // namespace xtape
