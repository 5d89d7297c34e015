// Weights that are computed from other parameters before every forward():
//
//   nn::Linear fc = add("fc", nn::weight_norm(nn::Linear(4, 3)));
//
// The weight itself is no parameter any more; it is made anew by a hook, so a deep_copy() has one
// of its own.
#pragma once

#include <optional>
#include <xtape/nn/module.hpp>

namespace xtape::nn {

/// weight = g v / |v| with the norm over all axes but `dim`, or over all if there is none (Salimans
/// and Kingma 2016). The parameter `name` becomes two: name_g, the norms, and name_v, the
/// direction. Throws ValueError if there is no such parameter, IndexError for a bad axis.
void apply_weight_norm(Module& module, const std::string& name, std::optional<std::int64_t> dim,
                       Location where = {});
/// The same for a new layer, which is returned.
template <std::derived_from<Module> M>
M weight_norm(M module, const std::string& name = "weight", std::optional<std::int64_t> dim = 0,
              Location where = {}) {
  apply_weight_norm(module, name, dim, where);
  return module;
}

struct SpectralNormOptions {
  int n_power_iterations = 1;  ///< in each forward() in training
  double eps = 1e-12;          ///< of norms that are divided by
  std::int64_t dim = 0;        ///< the axis of the outputs; 1 for transposed convolutions
};
/// weight = weight_orig / s with the largest singular value s = u^T W v of the weight as a matrix
/// of `dim` by all other axes; u and v follow it by power iterations in training (Miyato et al.
/// 2018). The parameter `name` becomes name_orig, the buffers are name_u and name_v. Throws
/// ValueError if there is no such parameter or for a negative number of iterations, ShapeError for
/// fewer than two axes, IndexError for a bad axis.
void apply_spectral_norm(Module& module, const std::string& name,
                         const SpectralNormOptions& options, Location where = {});
/// The same for a new layer, which is returned.
template <std::derived_from<Module> M>
M spectral_norm(M module, const std::string& name = "weight",
                const SpectralNormOptions& options = {}, Location where = {}) {
  apply_spectral_norm(module, name, options, where);
  return module;
}

}  // namespace xtape::nn
