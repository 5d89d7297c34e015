#include <fmt/format.h>

#include <cmath>
#include <xtape/nn/init.hpp>
#include <xtape/nn/layers.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

Linear::Linear(std::int64_t in, std::int64_t out, const LinearOptions& options, Location where) {
  if (in < 1 || out < 1)
    raise<ValueError>(where, "Linear",
                      fmt::format("sizes of at least 1 wanted: {} to {}", in, out));
  const Caller caller(where);
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight =
      parameter("weight", init::uniform(Tensor::empty({out, in}, options.dtype), -bound, bound));
  if (options.bias)
    bias = parameter("bias", init::uniform(Tensor::empty({out}, options.dtype), -bound, bound));
}

Tensor Linear::forward(const Tensor& x) { return linear(x, weight, bias); }

Activation::Activation(std::string_view name, const ActivationOptions& options, Location where)
    : Activation(*activation(name, where).formula, activation(name, where).parameters, options,
                 where) {}

Activation::Activation(const Formula& formula, const std::vector<Parameter>& parameters,
                       const ActivationOptions& options, const Location& where)
    : formula_(formula), defaults_(parameters) {
  if (formula.arity != static_cast<int>(parameters.size()) + 1)
    raise<ValueError>(where, "Activation",
                      fmt::format("{} takes {} arguments of which {} have defaults; all but the "
                                  "first must",
                                  formula.name, formula.arity, parameters.size()));
  if (!options.learnable) return;
  const Shape shape = options.channels == 1 ? Shape{1} : Shape{options.channels};
  for (const Parameter& given : parameters)
    learnt_.push_back(parameter(given.name, full(shape, given.value, options.dtype), where));
}

Tensor Activation::forward(const Tensor& x) {
  std::vector<Tensor> shaped;
  for (const Tensor& learnt : learnt_) {
    Shape shape = learnt.shape();  // channels lie along axis 1: [C] becomes [C, 1, ...]
    if (learnt.numel() > 1)
      for (int axis = 2; axis < x.rank(); ++axis) shape.push_back(1);
    shaped.push_back(reshape(learnt, shape));
  }
  std::vector<Arg> arguments{x};
  for (std::size_t i = 0; i < defaults_.size(); ++i)
    arguments.push_back(shaped.empty() ? Arg(defaults_[i].value) : Arg(shaped[i]));
  return formula_.apply(arguments);
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& step : steps_) y = (*step)(y);
  return y;
}

}  // namespace xtape::nn
