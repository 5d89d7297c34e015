#include <fmt/format.h>

#include <limits>
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/math.hpp>
#include <xtape/ops/pooled.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/statistics.hpp>

namespace xtape {

using namespace detail;

namespace {

void check_points(const Tensor& x, int rank, const Asked& asked) {
  std::int64_t points = 1;
  for (int i = 0; i < rank; ++i) {
    if (x.shape()[i + 2] == 0)
      raise<ShapeError>(
          asked.at, asked.op,
          fmt::format("nothing to pool in an image without points: x is {}", x.shape().str()));
    if (x.shape()[i + 2] > std::numeric_limits<int>::max() / points)
      raise<ShapeError>(
          asked.at, asked.op,
          fmt::format("an image of at most 2^31 - 1 points wanted: x is {}", x.shape().str()));
    points *= x.shape()[i + 2];
  }
}

// Windows of a fixed size, with PyTorch's rule for how many there are.
Pooling sliding(const Tensor& x, int rank, const PerAxis<std::int64_t>& kernel_size,
                const PerAxis<std::int64_t>& stride, const PerAxis<std::int64_t>& padding,
                const PerAxis<std::int64_t>& dilation, bool ceil_mode, const Asked& asked) {
  check_points(x, rank, asked);
  Pooling pooling;
  pooling.windows.rank = rank;
  for (int i = 0; i < rank; ++i) {
    WindowAxis& axis = pooling.windows[i];
    axis.in = x.shape()[i + 2];
    axis.kernel = value_for(kernel_size, i, rank, 1, "kernel_size", asked);
    axis.stride = value_for(stride.given() ? stride : kernel_size, i, rank, 1, "stride", asked);
    axis.before = value_for(padding, i, rank, 0, "padding", asked);
    axis.dilation = value_for(dilation, i, rank, 1, "dilation", asked);
    if (2 * axis.before > axis.reach())
      raise<ValueError>(asked.at, asked.op,
                        fmt::format("padding {} is more than half of a window of {} points",
                                    axis.before, axis.reach()));
    const std::int64_t room = axis.in + 2 * axis.before - axis.reach();
    const std::int64_t whole = room + (ceil_mode ? axis.stride - 1 : 0);
    axis.out = whole < 0 ? 0 : whole / axis.stride + 1;
    if (ceil_mode && (axis.out - 1) * axis.stride >= axis.in + axis.before) --axis.out;
    if (axis.out < 1)
      raise<ShapeError>(asked.at, asked.op,
                        fmt::format("a window of {} points does not fit into {}, padding "
                                    "included; x is {}",
                                    axis.reach(), axis.in + 2 * axis.before, x.shape().str()));
  }
  return pooling;
}

// Windows that make a given number of positions.
Pooling adapted(const Tensor& x, int rank, const PerAxis<std::int64_t>& output_size,
                const Asked& asked) {
  check_points(x, rank, asked);
  Pooling pooling;
  pooling.windows.rank = rank;
  pooling.adaptive = true;
  for (int i = 0; i < rank; ++i) {
    pooling.windows[i].in = x.shape()[i + 2];
    pooling.windows[i].out = value_for(output_size, i, rank, 0, "output_size", asked);
  }
  return pooling;
}

Pooled max_pool(const Arg& argument, int rank, const char* op,
                const PerAxis<std::int64_t>& kernel_size, const MaxPoolOptions& options) {
  const Asked asked{op, Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor given = argument.as_tensor(float32), x = as_batch(given, rank, asked);
  const Pooled pooled = maxima(x,
                               sliding(x, rank, kernel_size, options.stride, options.padding,
                                       options.dilation, options.ceil_mode, asked),
                               asked);
  return {as_given(pooled.values, given, rank), as_given(pooled.indices, given, rank)};
}

Tensor avg_pool(const Arg& argument, int rank, const char* op,
                const PerAxis<std::int64_t>& kernel_size, const AvgPoolOptions& options) {
  const Asked asked{op, Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor given = argument.as_tensor(float32), x = as_batch(given, rank, asked);
  Pooling pooling =
      sliding(x, rank, kernel_size, options.stride, options.padding, 1, options.ceil_mode, asked);
  pooling.count_include_pad = options.count_include_pad;
  pooling.divisor = options.divisor_override;
  if (pooling.divisor < 0)
    raise<ValueError>(
        asked.at, op,
        fmt::format("divisor_override is {}, a number of points wanted", pooling.divisor));
  return as_given(means(x, pooling, asked), given, rank);
}

Pooled adaptive_max_pool(const Arg& argument, int rank, const char* op,
                         const PerAxis<std::int64_t>& output_size) {
  const Asked asked{op, Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor given = argument.as_tensor(float32), x = as_batch(given, rank, asked);
  const Pooled pooled = maxima(x, adapted(x, rank, output_size, asked), asked);
  return {as_given(pooled.values, given, rank), as_given(pooled.indices, given, rank)};
}

Tensor adaptive_avg_pool(const Arg& argument, int rank, const char* op,
                         const PerAxis<std::int64_t>& output_size) {
  const Asked asked{op, Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor given = argument.as_tensor(float32), x = as_batch(given, rank, asked);
  return as_given(means(x, adapted(x, rank, output_size, asked), asked), given, rank);
}

Tensor lp_pool(const Arg& argument, int rank, const char* op, double norm_type,
               const PerAxis<std::int64_t>& kernel_size, const LpPoolOptions& options) {
  const Asked asked{op, Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  double taps = 1;
  for (int i = 0; i < rank; ++i)
    taps *= static_cast<double>(value_for(kernel_size, i, rank, 1, "kernel_size", asked));
  const Tensor mean = avg_pool(pow(argument, norm_type), rank, op, kernel_size,
                               {.stride = options.stride, .ceil_mode = options.ceil_mode});
  return formulas::root(mean * taps, 1 / norm_type);
}

}  // namespace

Tensor max_pool1d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const MaxPoolOptions& options) {
  return max_pool(x, 1, "max_pool1d", kernel_size, options).values;
}
Tensor max_pool2d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const MaxPoolOptions& options) {
  return max_pool(x, 2, "max_pool2d", kernel_size, options).values;
}
Tensor max_pool3d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const MaxPoolOptions& options) {
  return max_pool(x, 3, "max_pool3d", kernel_size, options).values;
}
Pooled max_pool1d_with_indices(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                               const MaxPoolOptions& options) {
  return max_pool(x, 1, "max_pool1d", kernel_size, options);
}
Pooled max_pool2d_with_indices(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                               const MaxPoolOptions& options) {
  return max_pool(x, 2, "max_pool2d", kernel_size, options);
}
Pooled max_pool3d_with_indices(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                               const MaxPoolOptions& options) {
  return max_pool(x, 3, "max_pool3d", kernel_size, options);
}

Tensor avg_pool1d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const AvgPoolOptions& options) {
  return avg_pool(x, 1, "avg_pool1d", kernel_size, options);
}
Tensor avg_pool2d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const AvgPoolOptions& options) {
  return avg_pool(x, 2, "avg_pool2d", kernel_size, options);
}
Tensor avg_pool3d(const Arg& x, const PerAxis<std::int64_t>& kernel_size,
                  const AvgPoolOptions& options) {
  return avg_pool(x, 3, "avg_pool3d", kernel_size, options);
}

Tensor adaptive_avg_pool1d(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_avg_pool(x, 1, "adaptive_avg_pool1d", output_size);
}
Tensor adaptive_avg_pool2d(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_avg_pool(x, 2, "adaptive_avg_pool2d", output_size);
}
Tensor adaptive_avg_pool3d(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_avg_pool(x, 3, "adaptive_avg_pool3d", output_size);
}

Tensor adaptive_max_pool1d(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_max_pool(x, 1, "adaptive_max_pool1d", output_size).values;
}
Tensor adaptive_max_pool2d(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_max_pool(x, 2, "adaptive_max_pool2d", output_size).values;
}
Tensor adaptive_max_pool3d(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_max_pool(x, 3, "adaptive_max_pool3d", output_size).values;
}
Pooled adaptive_max_pool1d_with_indices(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_max_pool(x, 1, "adaptive_max_pool1d", output_size);
}
Pooled adaptive_max_pool2d_with_indices(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_max_pool(x, 2, "adaptive_max_pool2d", output_size);
}
Pooled adaptive_max_pool3d_with_indices(const Arg& x, const PerAxis<std::int64_t>& output_size) {
  return adaptive_max_pool(x, 3, "adaptive_max_pool3d", output_size);
}

Tensor lp_pool1d(const Arg& x, double norm_type, const PerAxis<std::int64_t>& kernel_size,
                 const LpPoolOptions& options) {
  return lp_pool(x, 1, "lp_pool1d", norm_type, kernel_size, options);
}
Tensor lp_pool2d(const Arg& x, double norm_type, const PerAxis<std::int64_t>& kernel_size,
                 const LpPoolOptions& options) {
  return lp_pool(x, 2, "lp_pool2d", norm_type, kernel_size, options);
}

// What the catalogue says of them.
namespace {

const ArrayOperation max_pool1d_record{
    {.name = "max_pool1d", .about = "the maxima of windows over one axis"},
    {{"max_pool1d(x, 2, {.dilation = 3})", {{2, 2, 7}}, [](auto& in) {
        return xtape::max_pool1d(in[0], 2, {.dilation = 3});
      }}}};
const ArrayOperation max_pool2d_record{
    {.name = "max_pool2d", .about = "the maxima of windows over two axes"},
    {{"max_pool2d(x, 2)", {{2, 2, 4, 5}}, [](auto& in) { return xtape::max_pool2d(in[0], 2); }},
     {"max_pool2d(x, 3, {.stride = 2, .padding = 1, .ceil_mode = true})",
      {{1, 2, 4, 6}},
      [](auto& in) {
        return xtape::max_pool2d(in[0], 3, {.stride = 2, .padding = 1, .ceil_mode = true});
      }}}};
const ArrayOperation max_pool3d_record{
    {.name = "max_pool3d", .about = "the maxima of windows over three axes"},
    {{"max_pool3d(x, 2, {.stride = 1})", {{1, 2, 2, 3, 3}}, [](auto& in) {
        return xtape::max_pool3d(in[0], 2, {.stride = 1});
      }}}};
const ArrayOperation avg_pool1d_record{
    {.name = "avg_pool1d", .about = "the means of windows over one axis"},
    {{"avg_pool1d(x, 3, {.stride = 2, .padding = 1})", {{2, 2, 7}}, [](auto& in) {
        return xtape::avg_pool1d(in[0], 3, {.stride = 2, .padding = 1});
      }}}};
const ArrayOperation avg_pool2d_record{
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
const ArrayOperation avg_pool3d_record{
    {.name = "avg_pool3d", .about = "the means of windows over three axes"},
    {{"avg_pool3d(x, 2, {.divisor_override = 3})", {{1, 2, 2, 4, 3}}, [](auto& in) {
        return xtape::avg_pool3d(in[0], 2, {.divisor_override = 3});
      }}}};
const ArrayOperation adaptive_avg_pool1d_record{
    {.name = "adaptive_avg_pool1d", .about = "the means of windows that make a given size"},
    {{"adaptive_avg_pool1d(x, 3)", {{2, 2, 5}}, [](auto& in) {
        return xtape::adaptive_avg_pool1d(in[0], 3);
      }}}};
const ArrayOperation adaptive_avg_pool2d_record{
    {.name = "adaptive_avg_pool2d", .about = "the means of windows that make a given size"},
    {{"adaptive_avg_pool2d(x, {2, 5})", {{2, 2, 3, 4}}, [](auto& in) {
        return xtape::adaptive_avg_pool2d(in[0], {2, 5});
      }}}};
const ArrayOperation adaptive_avg_pool3d_record{
    {.name = "adaptive_avg_pool3d", .about = "the means of windows that make a given size"},
    {{"adaptive_avg_pool3d(x, {2, 1, 3})", {{1, 2, 3, 2, 4}}, [](auto& in) {
        return xtape::adaptive_avg_pool3d(in[0], {2, 1, 3});
      }}}};
const ArrayOperation adaptive_max_pool1d_record{
    {.name = "adaptive_max_pool1d", .about = "the maxima of windows that make a given size"},
    {{"adaptive_max_pool1d(x, 3)", {{2, 2, 5}}, [](auto& in) {
        return xtape::adaptive_max_pool1d(in[0], 3);
      }}}};
const ArrayOperation adaptive_max_pool2d_record{
    {.name = "adaptive_max_pool2d", .about = "the maxima of windows that make a given size"},
    {{"adaptive_max_pool2d(x, {2, 5})", {{2, 2, 3, 4}}, [](auto& in) {
        return xtape::adaptive_max_pool2d(in[0], {2, 5});
      }}}};
const ArrayOperation adaptive_max_pool3d_record{
    {.name = "adaptive_max_pool3d", .about = "the maxima of windows that make a given size"},
    {{"adaptive_max_pool3d(x, {2, 1, 3})", {{1, 2, 3, 2, 4}}, [](auto& in) {
        return xtape::adaptive_max_pool3d(in[0], {2, 1, 3});
      }}}};

}  // namespace
}  // namespace xtape
