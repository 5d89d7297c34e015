// What is done to gradients between backward() and step(), and to parameters after it. A parameter
// without a gradient is passed over.
#pragma once

#include <vector>
#include <xtape/autograd/tensor.hpp>

namespace xtape::optim {

/// Scales all gradients by min(1, max_norm / (n + 1e-6)), where n is the norm of all of them taken
/// as one vector, and returns n. `norm_type` is the p of the norm; infinity is the largest element
/// (Pascanu, Mikolov and Bengio 2013). Throws ValueError for NaN.
double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm, double norm_type = 2,
                      Location where = {});

/// Clamps each element of the gradients to [-clip_value, clip_value]. NaN stays.
/// Throws ValueError unless clip_value >= 0.
void clip_grad_value(const std::vector<Tensor>& parameters, double clip_value, Location where = {});

/// Adds the slope of the penalty l1 sum|p| + l2/2 sum p^2 to the gradients.
void add_penalty(const std::vector<Tensor>& parameters, double l1, double l2, Location where = {});

/// p <- (1 - rate) p: decay that does not go through an optimizer's scaling of gradients
/// (Loshchilov and Hutter 2019); the rate is lr weight_decay there.
void decay(const std::vector<Tensor>& parameters, double rate, Location where = {});

/// Scales each slice of a weight along `axis` whose 2-norm is above max_norm down to it, for
/// example the weights that lead to each unit (Hinton et al. 2012). Throws ValueError unless
/// max_norm >= 0, IndexError for an axis that is not there.
void limit_norm(const Tensor& weight, double max_norm, std::int64_t axis = 0, Location where = {});

}  // namespace xtape::optim
