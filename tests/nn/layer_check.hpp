// What the tests of layers share.
#pragma once

#include "../blames.hpp"

namespace check {

/// "weight [3, 5], bias [3]": the parameters with their shapes, then the buffers after a bar.
inline std::string listing(const nn::Module& module) {
  std::string text;
  const auto list = [&](const std::vector<nn::NamedTensor>& all) {
    for (std::size_t i = 0; i < all.size(); ++i)
      text += (i > 0 ? ", " : "") + all[i].name + " " + all[i].tensor.shape().str();
  };
  list(module.named_parameters());
  if (!module.buffers().empty()) text += " | ";
  list(module.named_buffers());
  return text;
}

/// Whether all elements lie within [-bound, bound] and fill most of it, as a uniform draw does.
inline bool fills(const Tensor& tensor, double bound) {
  double most = 0;
  for (const double x : numbers(tensor)) most = std::max(most, std::abs(x));
  return most <= bound && most > 0.8 * bound;
}

/// Whether every parameter of the module gets a gradient.
inline bool all_learn(const nn::Module& module) {
  for (const Tensor& parameter : module.parameters())
    if (!parameter.grad().defined()) return false;
  return true;
}

}  // namespace check
