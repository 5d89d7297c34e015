#include <fmt/format.h>

#include <xtape/ops/convolution.hpp>
#include <xtape/ops/correlate.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/matrices.hpp>
#include <xtape/ops/patches.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

// What a convolution and its transpose want alike of their arguments.
void check_arguments(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups,
                     std::int64_t out, int rank, const Asked& asked) {
  check_floating_pair(x, weight, asked.op, asked.at);
  if (bias.defined() && (bias.shape() != Shape{out} || bias.dtype() != x.dtype()))
    raise<ShapeError>(asked.at, asked.op,
                      fmt::format("bias is {} {}, {} [{}] wanted", name_of(bias.dtype()),
                                  bias.shape().str(), name_of(x.dtype()), out));
  for (int i = 2; i < rank + 2; ++i)
    if (weight.shape()[i] == 0)
      raise<ShapeError>(asked.at, asked.op,
                        fmt::format("a kernel without taps: weight is {}", weight.shape().str()));
  if (groups < 1)
    raise<ValueError>(asked.at, asked.op, fmt::format("groups is {}, at least 1 wanted", groups));
}

void check_weight_rank(const Tensor& weight, int rank, const Asked& asked) {
  if (weight.rank(asked.at) != rank + 2)
    raise<ShapeError>(asked.at, asked.op,
                      fmt::format("weight is {}; two axes of channels and {} of the kernel wanted",
                                  weight.shape().str(), rank));
}

void check_sizes(const Convolution& sizes, const Asked& asked) {
  for (std::int64_t size :
       {sizes.depth(), sizes.filters, sizes.windows.points(), sizes.windows.positions()})
    if (size > std::numeric_limits<std::int32_t>::max())
      raise<ShapeError>(
          asked.at, asked.op,
          fmt::format("sizes of at most 2^31 - 1 wanted, one of the product is {}", size));
}

// The padding before the first point and the number of points it adds on both sides.
struct Margin {
  std::int64_t before, both;
};
Margin margin(const Padding& padding, const WindowAxis& axis, int i, int rank, const Asked& asked) {
  if (padding.word().empty()) {
    const std::int64_t size = value_for(padding, i, rank, 0, "padding", asked);
    return {size, 2 * size};
  }
  if (padding.word() == "valid") return {0, 0};
  if (padding.word() != "same")
    raise<ValueError>(
        asked.at, asked.op,
        fmt::format("padding is '{}'; sizes, 'same' or 'valid' wanted", padding.word()));
  if (axis.stride != 1)
    raise<ValueError>(asked.at, asked.op,
                      fmt::format("padding 'same' with stride {}, 1 wanted", axis.stride));
  return {(axis.reach() - 1) / 2, axis.reach() - 1};
}

// How many positions a window has in `points` points. Throws ShapeError if it does not fit.
std::int64_t positions(const WindowAxis& axis, std::int64_t points, const Tensor& x,
                       const Asked& asked) {
  if (axis.reach() > points)
    raise<ShapeError>(asked.at, asked.op,
                      fmt::format("a window of {} points does not fit into {}, padding included; "
                                  "x is {}",
                                  axis.reach(), points, x.shape().str()));
  return (points - axis.reach()) / axis.stride + 1;
}

Tensor convolve(const Arg& argument, const Tensor& weight, const Tensor& bias,
                const ConvOptions& options, int rank, const char* op) {
  const Asked asked{op, Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor given = argument.as_tensor(float32), x = as_batch(given, rank, asked);
  check_weight_rank(weight, rank, asked);
  const std::int64_t groups = options.groups, out = weight.shape()[0];
  check_arguments(x, weight, bias, groups, out, rank, asked);
  if (x.shape()[1] != weight.shape()[1] * groups || out % groups != 0)
    raise<ShapeError>(asked.at, op,
                      fmt::format("channels do not fit: x is {}, weight {} with {} groups",
                                  given.shape().str(), weight.shape().str(), groups));
  Convolution sizes{{}, x.shape()[0], groups, weight.shape()[1], out / groups, options.winograd};
  sizes.windows.rank = rank;
  for (int i = 0; i < rank; ++i) {
    WindowAxis& axis = sizes.windows[i];
    axis.in = x.shape()[i + 2];
    axis.kernel = weight.shape()[i + 2];
    axis.stride = value_for(options.stride, i, rank, 1, "stride", asked);
    axis.dilation = value_for(options.dilation, i, rank, 1, "dilation", asked);
    const Margin around = margin(options.padding, axis, i, rank, asked);
    axis.before = around.before;
    axis.out = positions(axis, axis.in + around.both, given, asked);
  }
  check_sizes(sizes, asked);
  return as_given(correlate(x, weight, bias, sizes, asked), given, rank);
}

Tensor convolve_transposed(const Arg& argument, const Tensor& weight, const Tensor& bias,
                           const ConvTransposeOptions& options, int rank, const char* op) {
  const Asked asked{op, Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor given = argument.as_tensor(float32), x = as_batch(given, rank, asked);
  check_weight_rank(weight, rank, asked);
  const std::int64_t groups = options.groups, in = weight.shape()[0];
  check_arguments(x, weight, bias, groups, weight.shape()[1] * groups, rank, asked);
  if (x.shape()[1] != in || in % groups != 0)
    raise<ShapeError>(asked.at, op,
                      fmt::format("channels do not fit: x is {}, weight {} with {} groups",
                                  given.shape().str(), weight.shape().str(), groups));
  // the result is what a convolution of x's size would have been made from
  Convolution sizes{{}, x.shape()[0], groups, weight.shape()[1], in / groups, options.winograd};
  sizes.windows.rank = rank;
  for (int i = 0; i < rank; ++i) {
    WindowAxis& axis = sizes.windows[i];
    axis.out = x.shape()[i + 2];
    axis.kernel = weight.shape()[i + 2];
    axis.stride = value_for(options.stride, i, rank, 1, "stride", asked);
    axis.dilation = value_for(options.dilation, i, rank, 1, "dilation", asked);
    axis.before = value_for(options.padding, i, rank, 0, "padding", asked);
    const std::int64_t more =
        value_for(options.output_padding, i, rank, 0, "output_padding", asked);
    if (more >= std::max(axis.stride, axis.dilation))
      raise<ValueError>(asked.at, op,
                        fmt::format("output_padding is {}, less than stride {} or dilation {} "
                                    "wanted",
                                    more, axis.stride, axis.dilation));
    axis.in = (axis.out - 1) * axis.stride - 2 * axis.before + axis.reach() + more;
    if (axis.out < 1 || axis.in < 1)
      raise<ShapeError>(asked.at, op,
                        fmt::format("x is {}, weight {}: axis {} of the result would have size {}",
                                    given.shape().str(), weight.shape().str(), i + 2, axis.in));
  }
  check_sizes(sizes, asked);
  return as_given(spread(x, weight, bias, sizes, asked), given, rank);
}

// The patches of whole images as columns, and their transpose.

Tensor folded(const Tensor& columns, const Windows& windows, const Asked& asked);

Tensor unfolded(const Tensor& x, const Windows& windows, const Asked& asked) {
  const std::int64_t batch = x.shape()[0], channels = x.shape()[1];
  const Tensor out =
      Tensor::empty({batch, channels * windows.taps(), windows.positions()}, x.dtype());
  by_size(x.dtype(), [&]<class T>(T*) {
    const std::int64_t pitch = channels * windows.points();
    for (std::int64_t n = 0; n < batch; ++n)
      gather_patches(windows, {n, 1, 0, windows.axis[0].out * windows.axis[1].out},
                     const_cast<const T*>(x.value()->as<T>()) + n * pitch, pitch, channels,
                     out.value()->as<T>() + n * channels * windows.taps() * windows.positions(),
                     windows.positions());
  });
  return record(asked.op, asked.at, {unsaved(x)}, out, [windows, asked](Backward& backward) {
    backward.give(0, folded(backward.grad(), windows, asked));
  });
}

Tensor folded(const Tensor& columns, const Windows& windows, const Asked& asked) {
  const std::int64_t batch = columns.shape()[0], channels = columns.shape()[1] / windows.taps();
  const Tensor out = zeros_of(windows.with_points({batch, channels}), columns.dtype());
  const Tensor spoilt = columns.copy();
  by_type(columns.dtype(), [&]<class T>(T*) {
    if constexpr (std::is_floating_point_v<T>) {
      const std::int64_t pitch = channels * windows.points();
      for (std::int64_t n = 0; n < batch; ++n)
        add_patches(windows, {n, 1, 0, windows.axis[0].out * windows.axis[1].out},
                    out.value()->as<T>() + n * pitch, pitch, channels,
                    spoilt.value()->as<T>() + n * channels * windows.taps() * windows.positions(),
                    windows.positions());
    }
  });
  return record(asked.op, asked.at, {unsaved(columns)}, out, [windows, asked](Backward& backward) {
    backward.give(0, unfolded(backward.grad(), windows, asked));
  });
}

Windows unfold_windows(std::span<const std::int64_t> points,
                       const PerAxis<std::int64_t>& kernel_size, const UnfoldOptions& options,
                       const Tensor& x, const Asked& asked) {
  Windows windows;
  windows.rank = 2;
  for (int i = 0; i < 2; ++i) {
    WindowAxis& axis = windows[i];
    axis.in = points[i];
    axis.kernel = value_for(kernel_size, i, 2, 1, "kernel_size", asked);
    axis.stride = value_for(options.stride, i, 2, 1, "stride", asked);
    axis.dilation = value_for(options.dilation, i, 2, 1, "dilation", asked);
    axis.before = value_for(options.padding, i, 2, 0, "padding", asked);
    axis.out = positions(axis, axis.in + 2 * axis.before, x, asked);
  }
  return windows;
}

}  // namespace

Tensor conv1d(const Arg& x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return convolve(x, weight, bias, options, 1, "conv1d");
}
Tensor conv2d(const Arg& x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return convolve(x, weight, bias, options, 2, "conv2d");
}
Tensor conv3d(const Arg& x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return convolve(x, weight, bias, options, 3, "conv3d");
}

Tensor conv_transpose1d(const Arg& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return convolve_transposed(x, weight, bias, options, 1, "conv_transpose1d");
}
Tensor conv_transpose2d(const Arg& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return convolve_transposed(x, weight, bias, options, 2, "conv_transpose2d");
}
Tensor conv_transpose3d(const Arg& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return convolve_transposed(x, weight, bias, options, 3, "conv_transpose3d");
}

Tensor unfold(const Arg& argument, const PerAxis<std::int64_t>& kernel_size,
              const UnfoldOptions& options) {
  const Asked asked{"unfold", Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor given = argument.as_tensor(float32), x = as_batch(given, 2, asked);
  const Windows windows =
      unfold_windows({x.shape().begin() + 2, 2}, kernel_size, options, given, asked);
  return as_given(unfolded(x, windows, asked), given, 2);
}

Tensor fold(const Arg& argument, const PerAxis<std::int64_t>& output_size,
            const PerAxis<std::int64_t>& kernel_size, const UnfoldOptions& options) {
  const Asked asked{"fold", Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor given = argument.as_tensor(float32), x = as_batch(given, 1, asked);
  std::int64_t points[2];
  for (int i = 0; i < 2; ++i) points[i] = value_for(output_size, i, 2, 1, "output_size", asked);
  const Windows windows = unfold_windows(points, kernel_size, options, given, asked);
  if (x.shape()[1] % windows.taps() != 0 || x.shape()[2] != windows.positions())
    raise<ShapeError>(asked.at, "fold",
                      fmt::format("x is {}; [batch, a multiple of {} taps, {} positions] wanted",
                                  given.shape().str(), windows.taps(), windows.positions()));
  return as_given(folded(x, windows, asked), given, 1);
}

// What the catalogue says of them.
namespace {

const ArrayOperation conv1d_record{
    {.name = "conv1d", .about = "a convolution over one axis"},
    {{"conv1d(x, w, b, {.stride = 2, .padding = 1})",
      {{2, 3, 7}, {4, 3, 3}, {4}},
      [](auto& in) { return xtape::conv1d(in[0], in[1], in[2], {.stride = 2, .padding = 1}); }},
     {"conv1d(x, w, {}, {.padding = \"same\", .dilation = 3, .groups = 2})",
      {{2, 4, 6}, {2, 2, 2}},
      [](auto& in) {
        return xtape::conv1d(in[0], in[1], {}, {.padding = "same", .dilation = 3, .groups = 2});
      }}}};
const ArrayOperation conv2d_record{
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
const ArrayOperation conv3d_record{
    {.name = "conv3d", .about = "a convolution over three axes"},
    {{"conv3d(x, w, b, {.stride = {1, 2, 1}, .padding = {1, 0, 1}})",
      {{1, 2, 3, 3, 2}, {2, 2, 2, 2, 3}, {2}},
      [](auto& in) {
        return xtape::conv3d(in[0], in[1], in[2], {.stride = {1, 2, 1}, .padding = {1, 0, 1}});
      }}}};
const ArrayOperation conv_transpose1d_record{
    {.name = "conv_transpose1d", .about = "the transpose of conv1d"},
    {{"conv_transpose1d(x, w, b, {.stride = 2, .padding = 1, .output_padding = 1})",
      {{2, 3, 4}, {3, 2, 4}, {2}},
      [](auto& in) {
        return xtape::conv_transpose1d(in[0], in[1], in[2],
                                       {.stride = 2, .padding = 1, .output_padding = 1});
      }}}};
const ArrayOperation conv_transpose2d_record{
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
const ArrayOperation conv_transpose3d_record{
    {.name = "conv_transpose3d", .about = "the transpose of conv3d"},
    {{"conv_transpose3d(x, w)", {{1, 2, 2, 1, 2}, {2, 2, 2, 2, 2}}, [](auto& in) {
        return xtape::conv_transpose3d(in[0], in[1]);
      }}}};
const ArrayOperation unfold_record{
    {.name = "unfold", .about = "the patches of images as columns"},
    {{"unfold(x, {2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = {1, 2}})",
      {{2, 2, 4, 5}},
      [](auto& in) {
        return xtape::unfold(in[0], {2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = {1, 2}});
      }}}};
const ArrayOperation fold_record{{.name = "fold", .about = "columns added up to images"},
                                 {{"fold(x, {4, 3}, 2)", {{2, 8, 6}}, [](auto& in) {
                                     return xtape::fold(in[0], {4, 3}, 2);
                                   }}}};

}  // namespace
}  // namespace xtape
