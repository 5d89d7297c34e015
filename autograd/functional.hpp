// Derivatives of functions, of any order, after torch.autograd.functional. With f: x -> y and
// J = dy/dx:
//
//   jvp       y, J t          forward mode: no tape; one pass for one direction t
//   vjp       y, J^T v        reverse mode: one pass for one seed v
//   jacobian  J               of shape shape(y) + shape(x)
//   hvp       y, H v          for y with one element, H = d^2 y / dx^2
//   hessian   H               of shape shape(x) + shape(x)
//
// f takes a tensor or a vector of tensors and is called with tensors that stand for the inputs;
// other tensors that it reads are constants. Results do not depend on each other's memory.
#pragma once

#include <functional>
#include <utility>
#include <vector>
#include <xtape/autograd/tape.hpp>

namespace xtape {

/// The gradient of one input: dy = grad(y, x).
template <std::same_as<Tensor> T>
Tensor grad(const Tensor& root, const T& input, const GradOptions& options = {},
            Location where = {}) {
  const Tensor unit;
  return grad({&root, 1}, {&input, 1}, {&unit, 1}, options, where)[0];
}
/// The gradients of sum(seed * root).
inline std::vector<Tensor> grad(const Tensor& root, const std::vector<Tensor>& inputs,
                                const Tensor& seed, const GradOptions& options = {},
                                Location where = {}) {
  return grad({&root, 1}, inputs, {&seed, 1}, options, where);
}
/// The gradients of the sum of all sum(seed * root).
inline std::vector<Tensor> grad(const std::vector<Tensor>& roots, const std::vector<Tensor>& inputs,
                                const std::vector<Tensor>& seeds, const GradOptions& options = {},
                                Location where = {}) {
  return grad(std::span<const Tensor>(roots), std::span<const Tensor>(inputs),
              std::span<const Tensor>(seeds), options, where);
}

/// Whether results can be differentiated again, with respect to the inputs and all else that f
/// reads. Those of jvp() can, wherever operations are recorded.
struct DerivativeOptions {
  bool create_graph = false;
};

using UnaryFunction = std::function<Tensor(const Tensor&)>;
using NaryFunction = std::function<Tensor(const std::vector<Tensor>&)>;
using VectorFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// The value of f and its change along the tangents, by forward mode: each operation computes its
/// tangent beside its result and forgets both, so that memory does not grow with the length of f.
/// A result that does not depend on the inputs has tangent 0. Throws ValueError unless there is a
/// tangent for every input, ShapeError or DTypeError if one has another shape or element type.
std::pair<Tensor, Tensor> jvp(const UnaryFunction& f, const Tensor& input, const Tensor& tangent,
                              Location where = {});
std::pair<Tensor, Tensor> jvp(const NaryFunction& f, const std::vector<Tensor>& inputs,
                              const std::vector<Tensor>& tangents, Location where = {});
std::pair<std::vector<Tensor>, std::vector<Tensor>> jvp(const VectorFunction& f,
                                                        const std::vector<Tensor>& inputs,
                                                        const std::vector<Tensor>& tangents,
                                                        Location where = {});

/// The value of f and the gradients of sum(seed * f), 0 where an input has no influence. Without a
/// seed f must have one element. Throws as backward() and, for inputs that are not floating,
/// DTypeError.
std::pair<Tensor, Tensor> vjp(const UnaryFunction& f, const Tensor& input, const Tensor& seed = {},
                              const DerivativeOptions& options = {}, Location where = {});
std::pair<Tensor, std::vector<Tensor>> vjp(const NaryFunction& f, const std::vector<Tensor>& inputs,
                                           const Tensor& seed = {},
                                           const DerivativeOptions& options = {},
                                           Location where = {});
std::pair<std::vector<Tensor>, std::vector<Tensor>> vjp(const VectorFunction& f,
                                                        const std::vector<Tensor>& inputs,
                                                        const std::vector<Tensor>& seeds,
                                                        const DerivativeOptions& options = {},
                                                        Location where = {});

/// All derivatives of f, each of shape shape(f) + shape(input): of a function of several tensors
/// one for each, of one with several results a vector of these for each result. Row by row with one
/// call of f; where the inputs have fewer than half as many elements as the results, column by
/// column by forward mode, with a call of f for each: f must always give the same.
/// Throws as vjp(), and ShapeError if the shapes have more than ten axes together.
Tensor jacobian(const UnaryFunction& f, const Tensor& input, const DerivativeOptions& options = {},
                Location where = {});
std::vector<Tensor> jacobian(const NaryFunction& f, const std::vector<Tensor>& inputs,
                             const DerivativeOptions& options = {}, Location where = {});
std::vector<std::vector<Tensor>> jacobian(const VectorFunction& f,
                                          const std::vector<Tensor>& inputs,
                                          const DerivativeOptions& options = {},
                                          Location where = {});

/// The value of an f with one element and the product of its Hessian with v. Throws as vjp();
/// ValueError, ShapeError or DTypeError if v does not fit the inputs.
std::pair<Tensor, Tensor> hvp(const UnaryFunction& f, const Tensor& input, const Tensor& v,
                              const DerivativeOptions& options = {}, Location where = {});
std::pair<Tensor, std::vector<Tensor>> hvp(const NaryFunction& f, const std::vector<Tensor>& inputs,
                                           const std::vector<Tensor>& v,
                                           const DerivativeOptions& options = {},
                                           Location where = {});

/// The second derivatives of an f with one element; [i][j] of several inputs is of shape
/// shape(inputs[i]) + shape(inputs[j]). Throws as jacobian().
Tensor hessian(const UnaryFunction& f, const Tensor& input, const DerivativeOptions& options = {},
               Location where = {});
std::vector<std::vector<Tensor>> hessian(const NaryFunction& f, const std::vector<Tensor>& inputs,
                                         const DerivativeOptions& options = {},
                                         Location where = {});

}  // namespace xtape
