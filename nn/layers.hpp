// Layers: modules with a forward of their own, and sequences of them.
#pragma once

#include <string_view>
#include <xtape/nn/activations.hpp>
#include <xtape/nn/module.hpp>

namespace xtape::nn {

struct LinearOptions {
  bool bias = true;
  DType dtype = float32;
};

/// x W^T + b on the last axis: [..., in] to [..., out]. Parameters: weight [out, in], bias [out],
/// both drawn from U(-1/sqrt(in), 1/sqrt(in)) as PyTorch does. Throws ValueError for sizes below 1.
class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, const LinearOptions& options = {}, Location where = {});
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;
};

struct ActivationOptions {
  bool learnable = false;     ///< the activation's parameters become parameters of the layer
  std::int64_t channels = 1;  ///< how many of each: 1, or as many as the input has along axis 1
  DType dtype = float32;
};

/// Any activation as a layer, by name or by itself: Activation("mish"), Activation(my_rectifier).
/// Its parameters are the defaults of the record, or learnable, for each channel if wanted; an
/// input of one axis is all channels. Throws ValueError for an unknown name, a formula with
/// arguments that have no default, and no channels; ShapeError for an input with other channels.
class Activation : public Module {
 public:
  explicit Activation(std::string_view name, const ActivationOptions& options = {},
                      Location where = {});
  template <class F, int Defaults>
  explicit Activation(const Elementwise<F, Defaults>& function,
                      const ActivationOptions& options = {}, Location where = {})
      : Activation(function.formula(), function.parameters(), options, where) {}
  Tensor forward(const Tensor& x) override;

 private:
  Activation(const Entry& entry, const ActivationOptions& options, const Location& where);
  Activation(const Formula& formula, const std::vector<Parameter>& parameters,
             const ActivationOptions& options, const Location& where);
  Shape channel_shape(const Tensor& x, std::int64_t channels) const;

  Formula formula_;
  std::vector<Parameter> defaults_;
  std::vector<Tensor> learnt_;
};

/// A module, or an element-wise function as a layer, and the line that put it into a sequence.
struct Step {
  template <std::derived_from<Module> M>
  Step(const M& module, Location where = {})
      : module(std::make_shared<M>(module)), where(where), copy([](const Module& from) {
          return std::shared_ptr<Module>(std::make_shared<M>(static_cast<const M&>(from)));
        }) {}
  template <class F, int Defaults>
  Step(const Elementwise<F, Defaults>& function, Location where = {})
      : Step(Activation(function, {}, where), where) {}

  std::shared_ptr<Module> module;
  Location where;
  std::shared_ptr<Module> (*copy)(const Module&);  ///< makes another object of the same type
};

/// One after the other: modules and activations. Children are named "0", "1", ... as in PyTorch.
class Sequential : public Module {
 public:
  Sequential() = default;
  template <class... Rest>
  explicit Sequential(const Step& first, const Rest&... rest) {
    append(first);
    (append(Step(rest, first.where)), ...);
  }
  /// Throws ValueError for a function with arguments that have no default.
  Sequential& append(const Step& step);
  std::size_t size() const { return child_count(); }
  Tensor forward(const Tensor& x) override;
};

}  // namespace xtape::nn
