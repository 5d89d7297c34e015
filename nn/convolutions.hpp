// Convolutions and their transposes as layers.
#pragma once

#include <xtape/nn/module.hpp>
#include <xtape/ops/convolution.hpp>

namespace xtape::nn {

/// Those of ConvOptions, and whether there is a bias.
struct ConvLayerOptions {
  PerAxis<std::int64_t> stride = 1;
  Padding padding = 0;
  PerAxis<std::int64_t> dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  DType dtype = float32;
  bool winograd = true;
};

/// conv1d(), conv2d() or conv3d() by Rank. Parameters: weight [out, in / groups, kernel...] and
/// bias [out], both drawn from U(-b, b) with b = 1 / sqrt(in / groups prod(kernel)) as PyTorch
/// does. Throws ValueError for sizes below 1 and groups that do not divide the channels; what the
/// options say of the image is checked by forward().
template <int Rank>
class Conv : public Module {
 public:
  Conv(std::int64_t in_channels, std::int64_t out_channels,
       const PerAxis<std::int64_t>& kernel_size, const ConvLayerOptions& options = {},
       Location where = {});
  Tensor forward(const Tensor& x) override;

  const ConvLayerOptions& options() const { return options_; }
  Tensor weight, bias;

 private:
  ConvLayerOptions options_;
};
using Conv1d = Conv<1>;
using Conv2d = Conv<2>;
using Conv3d = Conv<3>;

/// Those of ConvTransposeOptions, and whether there is a bias.
struct ConvTransposeLayerOptions {
  PerAxis<std::int64_t> stride = 1, padding = 0, output_padding = 0;
  std::int64_t groups = 1;
  bool bias = true;
  PerAxis<std::int64_t> dilation = 1;
  DType dtype = float32;
  bool winograd = true;
};

/// conv_transpose1d(), conv_transpose2d() or conv_transpose3d() by Rank. Parameters: weight
/// [in, out / groups, kernel...] and bias [out], both drawn from U(-b, b) with
/// b = 1 / sqrt(out / groups prod(kernel)) as PyTorch does. Throws as Conv.
template <int Rank>
class ConvTranspose : public Module {
 public:
  ConvTranspose(std::int64_t in_channels, std::int64_t out_channels,
                const PerAxis<std::int64_t>& kernel_size,
                const ConvTransposeLayerOptions& options = {}, Location where = {});
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;

 private:
  ConvTransposeLayerOptions options_;
};
using ConvTranspose1d = ConvTranspose<1>;
using ConvTranspose2d = ConvTranspose<2>;
using ConvTranspose3d = ConvTranspose<3>;

extern template class Conv<1>;
extern template class Conv<2>;
extern template class Conv<3>;
extern template class ConvTranspose<1>;
extern template class ConvTranspose<2>;
extern template class ConvTranspose<3>;

}  // namespace xtape::nn
