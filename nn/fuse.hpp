// Batch norms folded into the layers before them, for networks that are trained.
#pragma once

#include <xtape/nn/convolutions.hpp>
#include <xtape/nn/layers.hpp>
#include <xtape/nn/norm_layers.hpp>

namespace xtape::nn {

/// A new layer that computes what `layer` and then `norm` do in evaluation:
///
///   weight' = weight s, bias' = (bias - running_mean) s + norm.bias,
///   s = norm.weight / sqrt(running_var + eps)
///
/// Throws ValueError if the batch norm has no running statistics, ShapeError if it has other
/// channels than the layer.
Linear fuse_batch_norm(const Linear& layer, const BatchNorm& norm, Location where = {});
template <int Rank>
Conv<Rank> fuse_batch_norm(const Conv<Rank>& layer, const BatchNorm& norm, Location where = {});

}  // namespace xtape::nn
