// Data brought to a common scale: fitted on the training set, then applied to any samples, with
// scikit-learn's conventions. Fitting is not recorded on the tape; apply() and invert() are made of
// operations, so gradients flow through them to the samples. All fits throw ShapeError for fewer
// than two axes or no samples and DTypeError for integers; apply() and invert() throw ShapeError
// for samples of another shape.
#pragma once

#include <xtape/autograd/tensor.hpp>

namespace xtape::nn {

/// (x - mean) / scale, where both broadcast.
struct Scaler {
  Tensor mean, scale;

  Tensor apply(const Arg& x) const;
  /// apply() undone.
  Tensor invert(const Arg& x) const;
};

/// Mean 0 and variance 1 (with divisor n) for each feature of x [n, ...]. The scale of a constant
/// feature, as far as rounding can tell, is 1.
Scaler standard_scaler(const Arg& x);

struct ChannelScalerOptions {
  bool scale = false;  ///< to variance 1, too
};
/// Mean 0 for each channel of images x [n, channels, ...], over all samples and places.
Scaler channel_scaler(const Arg& x, const ChannelScalerOptions& options = {});
/// Less the mean of all images x [n, ...]; the scale is 1.
Scaler mean_image(const Arg& x);

struct PcaOptions {
  std::int64_t n_components = 0;  ///< 0 is all: the less of samples and features
  bool whiten = false;            ///< scale the components to variance 1
};
/// Samples x [n, features] in the axes of their largest variance (Hotelling 1933).
struct Pca {
  Tensor mean;                ///< [features]
  Tensor components;          ///< [k, features], orthonormal rows, the largest variance first; of
                              ///< each row the element of the largest size is positive
  Tensor explained_variance;  ///< [k], with divisor n - 1
  Tensor explained_variance_ratio;  ///< [k], relative to the variance of all features
  Tensor scale;  ///< [k], 1, or if whitening the deviations, as far as they exceed rounding

  /// (x - mean) components^T / scale: [m, k].
  Tensor apply(const Arg& x) const;
  /// The samples [m, features] that apply() takes to z [m, k]; nearest to the original ones if
  /// components are missing.
  Tensor invert(const Arg& z) const;
};
/// Computed in double from the covariance, or from the samples where these are fewer than the
/// features. Throws ValueError for a number of components outside 0 ... min(samples, features),
/// ShapeError unless x is [n, features] with n > 1, and as svd().
Pca fit_pca(const Arg& x, const PcaOptions& options = {});

struct ZcaOptions {
  double eps = 1e-5;  ///< added to the variances before they are divided by
};
/// Whitening that changes the samples as little as possible: (x - mean) W with the symmetric
/// W = U (D + eps)^(-1/2) U^T, where U D U^T is the covariance with divisor n - 1 (Bell and
/// Sejnowski 1997). Takes x [n, ...] as n rows and keeps its shape.
struct Zca {
  Tensor mean, matrix, inverse;  ///< [features], [features, features] twice

  Tensor apply(const Arg& x) const;
  /// apply() undone.
  Tensor invert(const Arg& x) const;
};
/// Computed in double. Throws ValueError for a negative eps, ShapeError for fewer than two samples,
/// and as eigh().
Zca fit_zca(const Arg& x, const ZcaOptions& options = {});

}  // namespace xtape::nn
