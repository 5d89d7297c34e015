#include <fmt/format.h>

#include <cmath>
#include <xtape/nn/convolutions.hpp>
#include <xtape/nn/init.hpp>

namespace xtape::nn {

namespace {

void check_channels(std::int64_t in, std::int64_t out, std::int64_t groups, const char* layer,
                    const Location& where) {
  if (in < 1 || out < 1)
    raise<ValueError>(where, layer,
                      fmt::format("channels of at least 1 wanted: {} to {}", in, out));
  if (groups < 1 || in % groups != 0 || out % groups != 0)
    raise<ValueError>(where, layer,
                      fmt::format("{} groups do not divide {} and {} channels", groups, in, out));
}

// [first, second, kernel...]
Shape weight_shape(std::int64_t first, std::int64_t second, const PerAxis<std::int64_t>& kernel,
                   int rank, const char* layer, const Location& where) {
  Shape shape{first, second};
  for (int i = 0; i < rank; ++i)
    shape.push_back(xtape::detail::value_for(kernel, i, rank, 1, "kernel_size", {layer, where}));
  return shape;
}

Tensor drawn(const Shape& shape, double bound, DType dtype) {
  return init::uniform(Tensor::empty(shape, dtype), -bound, bound);
}

template <int Rank>
constexpr const char* conv_name = Rank == 1   ? "Conv1d"
                                  : Rank == 2 ? "Conv2d"
                                              : "Conv3d";
template <int Rank>
constexpr const char* conv_transpose_name = Rank == 1   ? "ConvTranspose1d"
                                            : Rank == 2 ? "ConvTranspose2d"
                                                        : "ConvTranspose3d";

// 1 / sqrt(the fan-in) as PyTorch counts it.
double bound_of(const Shape& weight) {
  return 1 / std::sqrt(static_cast<double>(init::fans(weight).in));
}

}  // namespace

template <int Rank>
Conv<Rank>::Conv(std::int64_t in_channels, std::int64_t out_channels,
                 const PerAxis<std::int64_t>& kernel_size, const ConvLayerOptions& options,
                 Location where)
    : options_(options) {
  constexpr const char* layer = conv_name<Rank>;
  const Caller caller(where);
  check_channels(in_channels, out_channels, options.groups, layer, where);
  const Shape shape =
      weight_shape(out_channels, in_channels / options.groups, kernel_size, Rank, layer, where);
  weight = parameter("weight", drawn(shape, bound_of(shape), options.dtype), where);
  if (options.bias)
    bias = parameter("bias", drawn({out_channels}, bound_of(shape), options.dtype), where);
}

template <int Rank>
Tensor Conv<Rank>::forward(const Tensor& x) {
  constexpr auto function = Rank == 1 ? &conv1d : Rank == 2 ? &conv2d : &conv3d;
  return function(
      Arg(x, call_site()), weight, bias,
      {options_.stride, options_.padding, options_.dilation, options_.groups, options_.winograd});
}

template <int Rank>
ConvTranspose<Rank>::ConvTranspose(std::int64_t in_channels, std::int64_t out_channels,
                                   const PerAxis<std::int64_t>& kernel_size,
                                   const ConvTransposeLayerOptions& options, Location where)
    : options_(options) {
  constexpr const char* layer = conv_transpose_name<Rank>;
  const Caller caller(where);
  check_channels(in_channels, out_channels, options.groups, layer, where);
  const Shape shape =
      weight_shape(in_channels, out_channels / options.groups, kernel_size, Rank, layer, where);
  weight = parameter("weight", drawn(shape, bound_of(shape), options.dtype), where);
  if (options.bias)
    bias = parameter("bias", drawn({out_channels}, bound_of(shape), options.dtype), where);
}

template <int Rank>
Tensor ConvTranspose<Rank>::forward(const Tensor& x) {
  constexpr auto function = Rank == 1   ? &conv_transpose1d
                            : Rank == 2 ? &conv_transpose2d
                                        : &conv_transpose3d;
  return function(Arg(x, call_site()), weight, bias,
                  {options_.stride, options_.padding, options_.output_padding, options_.groups,
                   options_.dilation, options_.winograd});
}

template class Conv<1>;
template class Conv<2>;
template class Conv<3>;
template class ConvTranspose<1>;
template class ConvTranspose<2>;
template class ConvTranspose<3>;

}  // namespace xtape::nn
