// Less memory for more time: what a part of a network computes is forgotten after the forward pass
// and computed again in the backward pass.
#pragma once

#include <functional>
#include <vector>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

/// f(inputs), of which the tape keeps only the inputs: the backward pass calls f again and goes on
/// through what it records then. Gradients, of any order, reach the inputs and whatever f captures;
/// random numbers that f draws from the global generator are drawn again. f must compute the same
/// both times; a tensor that it depends on and that was changed in between throws StaleValueError.
/// (Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost", 2016.)
Tensor checkpoint(const std::function<Tensor(const std::vector<Tensor>&)>& f,
                  const std::vector<Tensor>& inputs, Location where = {});

}  // namespace xtape
