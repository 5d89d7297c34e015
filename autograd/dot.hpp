// The tape as a picture.
#pragma once

#include <string>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

/// The graph that leads to a tensor in the language of Graphviz: a box for each recorded operation
/// with its name, the shape and element type of what it made and the user's line, an ellipse for
/// each leaf, and an arrow for each way that a gradient will flow, drawn in the forward direction.
/// Throws GradError if the tensor does not require gradients.
std::string to_dot(const Tensor& tensor, Location where = {});

}  // namespace xtape
