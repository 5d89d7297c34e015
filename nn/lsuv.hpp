// Initial values that follow from data: layer-sequential unit variance.
#pragma once

#include <xtape/nn/module.hpp>

namespace xtape::nn::init {

struct LsuvOptions {
  double tolerance = 0.1;   ///< by how much the variance may be off 1
  int max_iterations = 10;  ///< for each layer
  bool orthogonal = true;   ///< start from orthogonal weights; false: from those there are
  Generator* generator = &Generator::global();
};

/// Divides the weight of every linear layer and convolution below (or itself), one after the other
/// in the order in which forward() calls them, by the deviation of its output for this batch, until
/// that has variance 1 (Mishkin and Matas 2015). The module runs as it is set, in training or in
/// evaluation. Throws ValueError if an output has no positive finite variance, and what forward()
/// throws.
void lsuv(Module& module, const Tensor& batch, const LsuvOptions& options = {},
          Location where = {});

}  // namespace xtape::nn::init
