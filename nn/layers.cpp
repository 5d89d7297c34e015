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

Tensor Linear::forward(const Tensor& x) { return linear(Arg(x, call_site()), weight, bias); }

Activation::Activation(std::string_view name, const ActivationOptions& options, Location where)
    : Activation(activation(name, where), options, where) {}

Activation::Activation(const Entry& entry, const ActivationOptions& options, const Location& where)
    : Activation(*entry.formula, entry.parameters, options, where) {}

Activation::Activation(const Formula& formula, const std::vector<Parameter>& parameters,
                       const ActivationOptions& options, const Location& where)
    : formula_(formula), defaults_(parameters) {
  if (formula.arity() != static_cast<int>(parameters.size()) + 1)
    raise<ValueError>(where, "Activation",
                      fmt::format("{} takes {} arguments of which {} have defaults; all but the "
                                  "first must",
                                  formula.name, formula.arity(), parameters.size()));
  if (options.channels < 1)
    raise<ValueError>(where, "Activation",
                      fmt::format("at least 1 channel wanted, got {}", options.channels));
  if (!options.learnable) return;
  for (const Parameter& given : parameters)
    learnt_.push_back(
        parameter(given.name, full({options.channels}, given.value, options.dtype), where));
}

// The shape in which one number for each channel of x broadcasts against x.
Shape Activation::channel_shape(const Tensor& x, std::int64_t channels) const {
  if (channels == 1) return x.rank() == 0 ? Shape{} : Shape{1};
  if (x.rank() == 0 || x.shape()[x.rank() == 1 ? 0 : 1] != channels)
    raise<ShapeError>(call_site(), "Activation",
                      fmt::format("{} has learnt {} channels; they are not axis 1 of x, whose "
                                  "shape is {}",
                                  formula_.name, channels, x.shape().str()));
  Shape shape{channels};
  for (int axis = 2; axis < x.rank(); ++axis) shape.push_back(1);
  return shape;
}

Tensor Activation::forward(const Tensor& x) {
  const Location at = call_site();
  Tensor shaped[max_arguments];
  Arg arguments[max_arguments] = {Arg(x, at), 0, 0, 0, 0, 0, 0, 0};
  for (std::size_t i = 0; i < defaults_.size(); ++i) {
    if (learnt_.empty()) {
      arguments[i + 1] = Arg(defaults_[i].value, at);
    } else {
      shaped[i] = reshape(Arg(learnt_[i], at), channel_shape(x, learnt_[i].numel()));
      arguments[i + 1] = Arg(shaped[i], at);
    }
  }
  return formula_.apply(std::span<const Arg>(arguments, defaults_.size() + 1));
}

Sequential& Sequential::append(const Step& step) {
  add_child(std::to_string(size()), step.module, step.copy, step.where);
  return *this;
}

Tensor Sequential::forward(const Tensor& x) {
  const Location at = call_site();
  Tensor y = x;
  for (std::size_t i = 0; i < size(); ++i) y = child(i)(Arg(y, at));
  return y;
}

}  // namespace xtape::nn
