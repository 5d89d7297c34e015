// What the gradient checker does to a function: evaluates it at displaced inputs with its random
// numbers frozen, and takes its gradients. Both the function x -> f(x) and, for the second order,
// its gradient (x, u) -> d(sum(u f(x)))/dx are Subjects.
#pragma once

#include <string>
#include <vector>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/gradcheck.hpp>
#include <xtape/autograd/tape.hpp>

namespace xtape::detail {

using Numbers = std::vector<double>;

/// While one lives, random numbers start from a given state, operations are recorded, and a NaN at
/// a difference's far end is no anomaly. Puts everything back at its end.
class Frozen {
 public:
  explicit Frozen(const Generator& start);
  ~Frozen();
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  Generator before_;
  bool anomaly_;
  EnableGrad recording_;
};

/// `count` random numbers of magnitude 1/2 to 3/2 and either sign: none is negligible.
Numbers random_weights(std::uint64_t seed, std::uint64_t stream, std::size_t count);

/// The elements of all floating outputs in a row, and what is to be known about them.
struct Outputs {
  Numbers values;
  Numbers rounding;  ///< the relative rounding error of each value
  std::vector<Shape> shapes;
  std::string op;  ///< what made the first one

  Outputs(const std::vector<Tensor>& tensors, const Location& where);
};

/// A change of one input by t: of one element, or of all in a random direction.
struct Direction {
  std::size_t input = 0;
  std::int64_t element = -1;  ///< -1: a direction
  Numbers along;              ///< the direction
};

/// The gradients of sum(weights * outputs): one for each input, empty if none arrived there.
struct Gradients {
  Numbers weights;
  std::vector<Numbers> of;
  Numbers values;  ///< of the recorded evaluation
};

struct Subject {
  int order = 1;
  TensorFunction plain;     ///< for the differences
  TensorFunction recorded;  ///< for the gradients; the same values
  std::vector<Tensor> inputs;
  std::vector<bool> wanted;  ///< whose gradients are checked
  std::vector<std::string> names;
  Generator start;  ///< the state of the global generator at every evaluation
  Location where;

  /// f with copies of `inputs`, the floating ones as float64.
  Subject(const TensorFunction& f, const std::vector<Tensor>& inputs,
          const std::vector<int>& constants, const Location& where);
  /// The gradient of this function at random upstream gradients, itself a function.
  Subject gradient(const Outputs& outputs, std::uint64_t seed) const;

  Outputs evaluate() const { return evaluate({}, 0); }
  Outputs evaluate(const Direction& direction, double t) const;
  Gradients differentiate(const Numbers& weights) const;
};

}  // namespace xtape::detail
