#include <fmt/format.h>

#include <xtape/nn/reparametrize.hpp>
#include <xtape/nn/shared.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/math.hpp>
#include <xtape/ops/random.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

Tensor norm_but(const Tensor& v, const std::vector<std::int64_t>& axes) {
  return sqrt(sum(square(v), Dims(axes), true));
}

// A leaf of its own with the values of another.
Tensor separate(const Tensor& tensor) { return tensor.detach().copy(); }

// A module's own parameter of that name, which stays one as long as something may be wrong.
Tensor look_up(const Module& module, const std::string& name, const char* op,
               const Location& where) {
  for (const NamedTensor& named : module.named_parameters())
    if (named.name == name && name.find('.') == std::string::npos) return named.tensor;
  raise<ValueError>(where, op, fmt::format("there is no parameter '{}'", name));
}

}  // namespace

void apply_weight_norm(Module& module, const std::string& name, std::optional<std::int64_t> dim,
                       Location where) {
  const Tensor weight = look_up(module, name, "weight_norm", where);
  std::vector<std::int64_t> axes;
  const int kept = dim ? normalize_axis(*dim, weight.rank(), "weight_norm", where) : -1;
  for (int axis = 0; axis < weight.rank(); ++axis)
    if (axis != kept) axes.push_back(axis);
  Opened opened(module);
  opened.remove_parameter(name, where);
  const Tensor v = separate(weight);
  const Tensor g = opened.parameter(name + "_g", axes.empty() ? abs(v) : norm_but(v, axes), where);
  opened.parameter(name + "_v", v, where);
  const auto remake = [weight, g, v, axes](Module&, const Tensor&) {
    weight.become(v * (g / (axes.empty() ? abs(v) : norm_but(v, axes))));
    return Tensor();
  };
  remake(module, {});
  module.register_forward_pre_hook(remake);
}

void apply_spectral_norm(Module& module, const std::string& name,
                         const SpectralNormOptions& options, Location where) {
  if (options.n_power_iterations < 0)
    raise<ValueError>(where, "spectral_norm",
                      fmt::format("{} power iterations", options.n_power_iterations));
  const Tensor weight = look_up(module, name, "spectral_norm", where);
  const Tensor original = separate(weight);
  if (original.rank() < 2)
    raise<ShapeError>(
        where, "spectral_norm",
        fmt::format("a weight of 2 axes or more wanted, its shape is {}", original.shape().str()));
  const int axis = normalize_axis(options.dim, original.rank(), "spectral_norm", where);
  const std::int64_t rows = original.shape()[axis], columns = original.numel() / rows;
  const double eps = options.eps;
  const auto unit = [eps](const Tensor& x) { return x / maximum(sqrt(sum(square(x))), eps); };
  const auto matrix = [axis, rows, columns](const Tensor& x) {
    return reshape(movedim(x, axis, 0), {rows, columns});
  };
  Opened opened(module);
  opened.remove_parameter(name, where);
  const Tensor u = opened.buffer(name + "_u", unit(randn({rows}, original.dtype())), true, where);
  const Tensor v =
      opened.buffer(name + "_v", unit(randn({columns}, original.dtype())), true, where);
  opened.parameter(name + "_orig", original, where);
  const int iterations = options.n_power_iterations;
  const auto remake = [=](Module& called, const Tensor&) {
    if (called.is_training()) {
      const NoGrad no_grad;
      const Tensor w = matrix(original.detach());
      for (int i = 0; i < iterations; ++i) {
        assign(v, {ellipsis}, unit(matmul(u, w)));
        assign(u, {ellipsis}, unit(matmul(w, v)));
      }
    }
    // copies: the next iterations change u and v, the tape may still need them
    weight.become(original / dot(u.copy(), mv(matrix(original), v.copy())));
    return Tensor();
  };
  {
    const NoGrad no_grad;
    weight.become(original / dot(u, mv(matrix(original), v)));
  }
  module.register_forward_pre_hook(remake);
}

}  // namespace xtape::nn
