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
  std::int64_t channels = 1;  ///< how many of each: 1, or as many as axis 1 of the input has
  DType dtype = float32;
};

/// Any activation as a layer, by name or by itself: Activation("mish"), Activation(my_rectifier).
/// Its parameters are the defaults of the record, or learnable. Throws ValueError for an unknown
/// name.
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
  Activation(const Formula& formula, const std::vector<Parameter>& parameters,
             const ActivationOptions& options, const Location& where);

  Formula formula_;
  std::vector<Parameter> defaults_;
  std::vector<Tensor> learnt_;
};

/// One after the other: modules and activations. Children are named "0", "1", ... as in PyTorch.
class Sequential : public Module {
 public:
  template <class... Item>
  explicit Sequential(const Item&... items) {
    (append(items), ...);
  }
  template <std::derived_from<Module> M>
  Sequential& append(const M& module, Location where = {}) {
    steps_.push_back(std::make_shared<M>(add(std::to_string(steps_.size()), module, where)));
    return *this;
  }
  template <class F, int Defaults>
  Sequential& append(const Elementwise<F, Defaults>& function, Location where = {}) {
    return append(Activation(function), where);
  }
  std::size_t size() const { return steps_.size(); }
  Tensor forward(const Tensor& x) override;

 private:
  std::vector<std::shared_ptr<Module>> steps_;
};

}  // namespace xtape::nn
