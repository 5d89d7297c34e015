// The losses that `train` knows by name. All compare scores [n, classes] with classes [n].
#pragma once

#include <xtape/tools/train/settings.hpp>

namespace training {

using Loss = Tensor (*)(const Tensor& scores, const Tensor& classes);

/// Throws UsageError for an unknown name.
Loss find_loss(const std::string& name);
std::string loss_names();

}  // namespace training
