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

namespace formulas {

inline const ArrayOperation max_pool1d_record{
    {.name = "max_pool1d", .about = "the maxima of windows over one axis"},
    {{"max_pool1d(x, 2, {.dilation = 3})", {{2, 2, 7}}, [](auto& in) {
        return xtape::max_pool1d(in[0], 2, {.dilation = 3});
      }}}};
inline const ArrayOperation max_pool2d_record{
    {.name = "max_pool2d", .about = "the maxima of windows over two axes"},
    {{"max_pool2d(x, 2)", {{2, 2, 4, 5}}, [](auto& in) { return xtape::max_pool2d(in[0], 2); }},
     {"max_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true})",
      {{1, 2, 4, 6}},
      [](auto& in) {
        return xtape::max_pool2d(in[0], 3, {.stride = 2, .padding = 1, .ceil_mode = true});
      }}}};
inline const ArrayOperation max_pool3d_record{
    {.name = "max_pool3d", .about = "the maxima of windows over three axes"},
    {{"max_pool3d(x, 2, {.stride = 1})", {{1, 2, 2, 3, 3}}, [](auto& in) {
        return xtape::max_pool3d(in[0], 2, {.stride = 1});
      }}}};
inline const ArrayOperation avg_pool1d_record{
    {.name = "avg_pool1d", .about = "the means of windows over one axis"},
    {{"avg_pool1d(x, 3, {.stride = 2, .padding = 1})", {{2, 2, 7}}, [](auto& in) {
        return xtape::avg_pool1d(in[0], 3, {.stride = 2, .padding = 1});
      }}}};
inline const ArrayOperation avg_pool2d_record{
    {.name = "avg_pool2d", .about = "the means of windows over two axes"},
    {{"avg_pool2d(x, 2)", {{2, 2, 4, 5}}, [](auto& in) { return xtape::avg_pool2d(in[0], 2); }},
     {"avg_pool2d(x, {3, 2}, {.stride = 2, .padding = 1, .ceil_mode = true, "
      ".count_include_pad = false})",
      {{1, 2, 4, 5}},
      [](auto& in) {
        return xtape::avg_pool2d(
            in[0], {3, 2},
            {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
      }}}};
inline const ArrayOperation avg_pool3d_record{
    {.name = "avg_pool3d", .about = "the means of windows over three axes"},
    {{"avg_pool3d(x, 2, {.divisor_override = 3})", {{1, 2, 2, 4, 3}}, [](auto& in) {
        return xtape::avg_pool3d(in[0], 2, {.divisor_override = 3});
      }}}};
inline const ArrayOperation adaptive_avg_pool1d_record{
    {.name = "adaptive_avg_pool1d", .about = "the means of windows that make a given size"},
    {{"adaptive_avg_pool1d(x, 3)", {{2, 2, 5}}, [](auto& in) {
        return xtape::adaptive_avg_pool1d(in[0], 3);
      }}}};
inline const ArrayOperation adaptive_avg_pool2d_record{
    {.name = "adaptive_avg_pool2d", .about = "the means of windows that make a given size"},
    {{"adaptive_avg_pool2d(x, {2, 5})", {{2, 2, 3, 4}}, [](auto& in) {
        return xtape::adaptive_avg_pool2d(in[0], {2, 5});
      }}}};
inline const ArrayOperation adaptive_avg_pool3d_record{
    {.name = "adaptive_avg_pool3d", .about = "the means of windows that make a given size"},
    {{"adaptive_avg_pool3d(x, {2, 1, 3})", {{1, 2, 3, 2, 4}}, [](auto& in) {
        return xtape::adaptive_avg_pool3d(in[0], {2, 1, 3});
      }}}};
inline const ArrayOperation adaptive_max_pool1d_record{
    {.name = "adaptive_max_pool1d", .about = "the maxima of windows that make a given size"},
    {{"adaptive_max_pool1d(x, 3)", {{2, 2, 5}}, [](auto& in) {
        return xtape::adaptive_max_pool1d(in[0], 3);
      }}}};
inline const ArrayOperation adaptive_max_pool2d_record{
    {.name = "adaptive_max_pool2d", .about = "the maxima of windows that make a given size"},
    {{"adaptive_max_pool2d(x, {2, 5})", {{2, 2, 3, 4}}, [](auto& in) {
        return xtape::adaptive_max_pool2d(in[0], {2, 5});
      }}}};
inline const ArrayOperation adaptive_max_pool3d_record{
    {.name = "adaptive_max_pool3d", .about = "the maxima of windows that make a given size"},
    {{"adaptive_max_pool3d(x, {2, 1, 3})", {{1, 2, 3, 2, 4}}, [](auto& in) {
        return xtape::adaptive_max_pool3d(in[0], {2, 1, 3});
      }}}};

}  // namespace formulas

}  // namespace xtape
