// Normalisations as layers; what they compute is in <xtape/nn/normalisation.hpp>.
#pragma once

#include <functional>
#include <optional>
#include <xtape/nn/module.hpp>
#include <xtape/nn/normalisation.hpp>

namespace xtape::nn {

struct BatchNormLayerOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  ///< the weight of a new batch; none: a running average
  bool affine = true;                    ///< weight and bias are learnt
  bool track_running_stats = true;       ///< false: batches are normalised by themselves always
  DType dtype = float32;
};

/// batch_norm(). Parameters: weight [C] = 1 and bias [C] = 0. Buffers: running_mean [C] = 0,
/// running_var [C] = 1 and num_batches_tracked, int64. Throws ValueError for no channels, and
/// forward() ShapeError for another number of axes or channels.
class BatchNorm : public Module {
 public:
  Tensor forward(const Tensor& x) override;

  std::int64_t num_features() const { return features_; }
  const BatchNormLayerOptions& options() const { return options_; }
  Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 protected:
  BatchNorm(std::int64_t num_features, const BatchNormLayerOptions& options, int least_rank,
            int most_rank, const Location& where);

 private:
  std::int64_t features_;
  BatchNormLayerOptions options_;
  int least_rank_, most_rank_;
};

/// Over [N, C] or [N, C, L].
struct BatchNorm1d : BatchNorm {
  explicit BatchNorm1d(std::int64_t num_features, const BatchNormLayerOptions& options = {},
                       Location where = {})
      : BatchNorm(num_features, options, 2, 3, where) {}
};
/// Over [N, C, H, W].
struct BatchNorm2d : BatchNorm {
  explicit BatchNorm2d(std::int64_t num_features, const BatchNormLayerOptions& options = {},
                       Location where = {})
      : BatchNorm(num_features, options, 4, 4, where) {}
};
/// Over [N, C, D, H, W].
struct BatchNorm3d : BatchNorm {
  explicit BatchNorm3d(std::int64_t num_features, const BatchNormLayerOptions& options = {},
                       Location where = {})
      : BatchNorm(num_features, options, 5, 5, where) {}
};

/// Sets the running statistics of every batch norm in `module` to those of the data, as Ioffe and
/// Szegedy 2015, algorithm 2: the mean of the means of the batches, and the mean of their unbiased
/// variances. Batch norms are in training meanwhile, all else is in evaluation. Throws ValueError
/// for no batches, and what forward() throws.
void reestimate_statistics(Module& module, const std::vector<Tensor>& batches, Location where = {});
/// The same with batches from a callback, until it gives Tensor().
void reestimate_statistics(Module& module, const std::function<Tensor()>& next,
                           Location where = {});

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;  ///< weight and bias are learnt
  DType dtype = float32;
};
/// layer_norm(). Parameters of the normalized shape: weight = 1 and bias = 0.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {},
                     Location where = {});
  explicit LayerNorm(std::int64_t features, const LayerNormOptions& options = {},
                     Location where = {})
      : LayerNorm(Shape({features}, where), options, where) {}
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;

 private:
  Shape shape_;
  double eps_;
};

struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true;  ///< weight and bias are learnt
  DType dtype = float32;
};
/// group_norm(). Parameters: weight [C] = 1 and bias [C] = 0. Throws ValueError unless the groups
/// divide the channels.
class GroupNorm : public Module {
 public:
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels,
            const GroupNormOptions& options = {}, Location where = {});
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;

 private:
  std::int64_t groups_, channels_;
  double eps_;
};

struct InstanceNormOptions {
  double eps = 1e-5;
  bool affine = false;  ///< weight and bias are learnt
  DType dtype = float32;
};
/// instance_norm() over [N, C, spatial...] with Rank spatial axes; the batch may be missing.
/// Parameters, if affine: weight [C] = 1 and bias [C] = 0. forward() throws ShapeError for another
/// number of axes or channels.
template <int Rank>
class InstanceNorm : public Module {
 public:
  explicit InstanceNorm(std::int64_t num_features, const InstanceNormOptions& options = {},
                        Location where = {});
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;

 private:
  std::int64_t features_;
  double eps_;
};
using InstanceNorm1d = InstanceNorm<1>;
using InstanceNorm2d = InstanceNorm<2>;
using InstanceNorm3d = InstanceNorm<3>;

struct RMSNormOptions {
  double eps = 1e-6;
  bool elementwise_affine = true;  ///< the weight is learnt
  DType dtype = float32;
};
/// rms_norm() over the last axis, which has `features` elements. Parameter: weight [features] = 1.
class RMSNorm : public Module {
 public:
  explicit RMSNorm(std::int64_t features, const RMSNormOptions& options = {}, Location where = {});
  Tensor forward(const Tensor& x) override;

  Tensor weight;

 private:
  std::int64_t features_;
  double eps_;
};

/// local_response_norm() over `size` channels.
class LocalResponseNorm : public Module {
 public:
  explicit LocalResponseNorm(std::int64_t size, const ResponseOptions& options = {})
      : size_(size), options_(options) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t size_;
  ResponseOptions options_;
};

}  // namespace xtape::nn
