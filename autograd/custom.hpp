// Functions whose backward the user writes, for what cannot be said in operations or has a better
// gradient than the derived one.
//
//   const CustomFunction clipped{
//       "clipped",
//       [](CustomContext& context, const std::vector<Tensor>& in) { return in[0] * 1; },
//       [](const CustomContext& context, const Tensor& grad) -> std::vector<Tensor> {
//         return {minimum(maximum(grad, -1), 1)}; }};
//   Tensor y = clipped({x});
#pragma once

#include <functional>
#include <string>
#include <vector>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

/// What the forward of a custom function hands to its backward.
class CustomContext {
 public:
  /// Keeps a tensor that the forward has computed for the backward.
  void save(const Tensor& tensor) { saved_.push_back(tensor); }
  /// What was saved, by its number. Throws IndexError if there is no such.
  const Tensor& saved(std::size_t index) const;
  /// An input of the function. Throws IndexError if there is no such.
  const Tensor& input(std::size_t index) const;
  /// The function's result.
  const Tensor& output() const { return output_; }

 private:
  friend struct CustomFunction;
  friend struct CustomRun;
  std::vector<Tensor> inputs_, saved_;
  Tensor output_;
};

/// A function with a backward of its own. `forward` runs unrecorded. `backward` gets the gradient
/// of the result and returns one for each input, Tensor() for none.
///
/// Higher derivatives are those of the backward, if it is made of operations on the context's
/// tensors and the gradient: then the forward is run again, recorded, so that what it saved has its
/// own gradient. A backward or a saved tensor that was not computed by operations throws GradError
/// when a higher derivative is asked for. A tensor that the lambdas capture is a constant to both.
struct CustomFunction {
  std::string name;
  std::function<Tensor(CustomContext&, const std::vector<Tensor>&)> forward;
  std::function<std::vector<Tensor>(const CustomContext&, const Tensor&)> backward;

  /// Throws what `forward` throws, and ValueError if it returns no tensor.
  Tensor operator()(const std::vector<Tensor>& inputs, Location where = {}) const;
};

}  // namespace xtape
