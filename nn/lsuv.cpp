#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <xtape/nn/convolutions.hpp>
#include <xtape/nn/init.hpp>
#include <xtape/nn/layers.hpp>
#include <xtape/nn/lsuv.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/moments.hpp>
#include <xtape/ops/slicing.hpp>

namespace xtape::nn::init {

namespace {

template <class... Layers>
Tensor weight_as(Module& module) {
  Tensor weight;
  const auto look = [&]<class Layer>(Layer* layer) {
    if (layer) weight = layer->weight;
  };
  (look(dynamic_cast<Layers*>(&module)), ...);
  return weight;
}

// The weight of a layer that is a product, if it is a parameter; else no tensor.
Tensor weight_of(Module& module) {
  const Tensor weight =
      weight_as<Linear, Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d>(
          module);
  const std::vector<NamedTensor> all = module.named_parameters();
  const bool learnt = std::any_of(all.begin(), all.end(), [&](const NamedTensor& named) {
    return named.tensor.same_as(weight);
  });
  return learnt ? weight : Tensor();
}

// Scales the weight of a layer until its output for x has variance 1; gives that output.
Tensor scaled(Module& layer, const Tensor& weight, const Tensor& x, const LsuvOptions& options,
              const Location& where) {
  if (options.orthogonal) orthogonal(weight, 1, *options.generator, where);
  Tensor y = layer.forward(x);
  for (int i = 0; i < options.max_iterations; ++i) {
    const double variance = moments(cast(y, float64)).var.item<double>();
    if (!(variance > 0 && std::isfinite(variance)))
      raise<ValueError>(where, "lsuv",
                        fmt::format("the output of a layer with a weight {} has variance {}",
                                    weight.shape().str(), variance));
    if (std::abs(variance - 1) <= options.tolerance) break;
    assign(weight, {ellipsis}, weight / std::sqrt(variance));
    y = layer.forward(x);
  }
  return y;
}

}  // namespace

void lsuv(Module& module, const Tensor& batch, const LsuvOptions& options, Location where) {
  const NoGrad no_grad;
  struct Hooks {
    std::vector<std::pair<Module, std::uint64_t>> all;
    ~Hooks() {
      for (auto& [layer, id] : all) layer.remove_hook(id);
    }
  } hooks;
  std::vector<Tensor> done;
  const auto watch = [&](Module& layer) {
    const bool known = std::any_of(hooks.all.begin(), hooks.all.end(),
                                   [&](const auto& hook) { return hook.first.same_as(layer); });
    if (known || !weight_of(layer).defined()) return;
    const std::uint64_t id =
        layer.register_forward_hook([&](Module& called, const Tensor& x, const Tensor&) -> Tensor {
          const Tensor weight = weight_of(called);
          for (const Tensor& other : done)
            if (other.same_as(weight)) return {};  // a layer that is used again
          done.push_back(weight);
          return scaled(called, weight, x, options, where);
        });
    hooks.all.emplace_back(layer, id);
  };
  watch(module);
  for (const NamedModule& below : module.named_modules()) watch(*below.module);
  module(Arg(batch, where));
}

}  // namespace xtape::nn::init
