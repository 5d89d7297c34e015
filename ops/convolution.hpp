// Convolutions, in the sense of networks: the kernel is not flipped. x, result and kernel are
//
//   [batch, in, spatial...]   [batch, out, spatial...]   [out, in / groups, kernel...]
//
// A convolution, its transpose and the gradient of its kernel are one family: the derivatives of
// each are the others, to any order. All are matrix products of patches.
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

namespace formulas {

inline const ArrayOperation conv1d_record{
    {.name = "conv1d", .about = "a convolution over one axis"},
    {{"conv1d(x, w, b, {.stride = 2, .padding = 1})",
      {{2, 3, 7}, {4, 3, 3}, {4}},
      [](auto& in) { return xtape::conv1d(in[0], in[1], in[2], {.stride = 2, .padding = 1}); }},
     {"conv1d(x, w, {}, {.padding = \"same\", .dilation = 3, .groups = 2})",
      {{2, 4, 6}, {2, 2, 2}},
      [](auto& in) {
        return xtape::conv1d(in[0], in[1], {}, {.padding = "same", .dilation = 3, .groups = 2});
      }}}};
inline const ArrayOperation conv2d_record{
    {.name = "conv2d",
     .about = "a convolution over two axes",
     .formula = "b_o + sum_ct w_oct x_c,p+t"},
    {{"conv2d(x, w, b, {.padding = 1})",
      {{2, 2, 4, 5}, {3, 2, 3, 3}, {3}},
      [](auto& in) { return xtape::conv2d(in[0], in[1], in[2], {.padding = 1}); }},
     {"conv2d(x, w, {}, {.stride = {2, 1}, .padding = {2, 0}, .dilation = {1, 2}, .groups = 2})",
      {{2, 4, 5, 6}, {6, 2, 3, 2}},
      [](auto& in) {
        return xtape::conv2d(
            in[0], in[1], {},
            {.stride = {2, 1}, .padding = {2, 0}, .dilation = {1, 2}, .groups = 2});
      }},
     {"conv2d(x, w)", {{2, 3, 3, 2}, {2, 3, 1, 1}}, [](auto& in) {
        return xtape::conv2d(in[0], in[1]);
      }}}};
inline const ArrayOperation conv3d_record{
    {.name = "conv3d", .about = "a convolution over three axes"},
    {{"conv3d(x, w, b, {.stride = {1, 2, 1}, .padding = {1, 0, 1}})",
      {{1, 2, 3, 3, 2}, {2, 2, 2, 2, 3}, {2}},
      [](auto& in) {
        return xtape::conv3d(in[0], in[1], in[2], {.stride = {1, 2, 1}, .padding = {1, 0, 1}});
      }}}};
inline const ArrayOperation conv_transpose1d_record{
    {.name = "conv_transpose1d", .about = "the transpose of conv1d"},
    {{"conv_transpose1d(x, w, b, {.stride = 2, .padding = 1, .output_padding = 1})",
      {{2, 3, 4}, {3, 2, 4}, {2}},
      [](auto& in) {
        return xtape::conv_transpose1d(in[0], in[1], in[2],
                                       {.stride = 2, .padding = 1, .output_padding = 1});
      }}}};
inline const ArrayOperation conv_transpose2d_record{
    {.name = "conv_transpose2d", .about = "the transpose of conv2d"},
    {{"conv_transpose2d(x, w, b, {.stride = {2, 1}, .groups = 2, .dilation = {1, 2}})",
      {{2, 4, 2, 3}, {4, 1, 3, 2}, {2}},
      [](auto& in) {
        return xtape::conv_transpose2d(in[0], in[1], in[2],
                                       {.stride = {2, 1}, .groups = 2, .dilation = {1, 2}});
      }},
     {"conv_transpose2d(x, w)", {{2, 3, 2, 2}, {3, 2, 1, 1}}, [](auto& in) {
        return xtape::conv_transpose2d(in[0], in[1]);
      }}}};
inline const ArrayOperation conv_transpose3d_record{
    {.name = "conv_transpose3d", .about = "the transpose of conv3d"},
    {{"conv_transpose3d(x, w)", {{1, 2, 2, 1, 2}, {2, 2, 2, 2, 2}}, [](auto& in) {
        return xtape::conv_transpose3d(in[0], in[1]);
      }}}};
inline const ArrayOperation unfold_record{
    {.name = "unfold", .about = "the patches of images as columns"},
    {{"unfold(x, {2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = {1, 2}})",
      {{2, 2, 4, 5}},
      [](auto& in) {
        return xtape::unfold(in[0], {2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = {1, 2}});
      }}}};
inline const ArrayOperation fold_record{{.name = "fold", .about = "columns added up to images"},
                                        {{"fold(x, {4, 3}, 2)", {{2, 8, 6}}, [](auto& in) {
                                            return xtape::fold(in[0], {4, 3}, 2);
                                          }}}};

}  // namespace formulas

}  // namespace xtape
