// Poolings as layers; what they compute is in <xtape/ops/pooling.hpp>, by the number of spatial
// axes Rank.
#pragma once

#include <xtape/nn/module.hpp>
#include <xtape/ops/pooling.hpp>

namespace xtape::nn {

/// max_pool1d(), max_pool2d() or max_pool3d().
template <int Rank>
class MaxPool : public Module {
 public:
  explicit MaxPool(const PerAxis<std::int64_t>& kernel_size, const MaxPoolOptions& options = {})
      : kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  PerAxis<std::int64_t> kernel_size_;
  MaxPoolOptions options_;
};

/// avg_pool1d(), avg_pool2d() or avg_pool3d().
template <int Rank>
class AvgPool : public Module {
 public:
  explicit AvgPool(const PerAxis<std::int64_t>& kernel_size, const AvgPoolOptions& options = {})
      : kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  PerAxis<std::int64_t> kernel_size_;
  AvgPoolOptions options_;
};

/// adaptive_avg_pool1d(), adaptive_avg_pool2d() or adaptive_avg_pool3d().
template <int Rank>
class AdaptiveAvgPool : public Module {
 public:
  explicit AdaptiveAvgPool(const PerAxis<std::int64_t>& output_size) : output_size_(output_size) {}
  Tensor forward(const Tensor& x) override;

 private:
  PerAxis<std::int64_t> output_size_;
};

/// adaptive_max_pool1d(), adaptive_max_pool2d() or adaptive_max_pool3d().
template <int Rank>
class AdaptiveMaxPool : public Module {
 public:
  explicit AdaptiveMaxPool(const PerAxis<std::int64_t>& output_size) : output_size_(output_size) {}
  Tensor forward(const Tensor& x) override;

 private:
  PerAxis<std::int64_t> output_size_;
};

/// lp_pool1d() or lp_pool2d().
template <int Rank>
class LPPool : public Module {
 public:
  LPPool(double norm_type, const PerAxis<std::int64_t>& kernel_size,
         const LpPoolOptions& options = {})
      : norm_type_(norm_type), kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  double norm_type_;
  PerAxis<std::int64_t> kernel_size_;
  LpPoolOptions options_;
};

using MaxPool1d = MaxPool<1>;
using MaxPool2d = MaxPool<2>;
using MaxPool3d = MaxPool<3>;
using AvgPool1d = AvgPool<1>;
using AvgPool2d = AvgPool<2>;
using AvgPool3d = AvgPool<3>;
using AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
using AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
using AdaptiveAvgPool3d = AdaptiveAvgPool<3>;
using AdaptiveMaxPool1d = AdaptiveMaxPool<1>;
using AdaptiveMaxPool2d = AdaptiveMaxPool<2>;
using AdaptiveMaxPool3d = AdaptiveMaxPool<3>;
using LPPool1d = LPPool<1>;
using LPPool2d = LPPool<2>;

}  // namespace xtape::nn
