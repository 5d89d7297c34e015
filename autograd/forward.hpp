// Forward mode: tensors that carry a tangent through every operation.
//
//   x, dx   ->   y = op(x), dy = J(x) dx
//
// The slopes of a formula meet a tangent as they meet a gradient, in the same fused pass. An array
// operation has its vjp only. That is linear in the gradient u, so
//
//   J dx = d/du <vjp(u), dx>
//
// and recording this one operation is enough to find it: no tape grows with the program.
// Modes nest, in each other and in recording: tangents of tangents, the gradient of a tangent and
// the tangent of a gradient are all there. Most callers want jvp() of functional.hpp.
#pragma once

#include <unordered_map>
#include <xtape/autograd/tape.hpp>

namespace xtape {

/// While one lives, what dual() returns carries a tangent through the operations of this thread.
/// Changing elements in place changes no tangent. Modes end in the order opposite to their start.
class ForwardMode {
 public:
  ForwardMode();
  ~ForwardMode();
  ForwardMode(const ForwardMode&) = delete;
  ForwardMode& operator=(const ForwardMode&) = delete;

  /// x carrying a tangent of its shape and element type; shares memory and the place on the tape.
  /// Throws ShapeError or DTypeError if it has another, DTypeError unless x is floating.
  Tensor dual(const Tensor& x, const Tensor& tangent, Location where = {});
  /// The tangent of this mode that y carries; not defined() if it does not depend on a dual.
  Tensor tangent(const Tensor& y, Location where = {}) const;
  /// y without the tangent of this mode.
  Tensor primal(const Tensor& y, Location where = {}) const;

  // For the tape.

  /// Whether an operation has to look for tangents.
  static bool on() { return visible != nullptr; }
  /// Whether a tangent is being computed.
  static bool pushing() { return visible != newest; }
  /// Gives the outputs of an operation their tangents.
  static void push(Node& node, std::span<const Operand> inputs, std::span<const Tensor> outputs);

 private:
  const Tensor* find(const Tensor& x) const;
  bool any(std::span<const Operand> inputs) const;
  void push_one(Node& node, std::span<const Operand> inputs, std::span<const Tensor> outputs);
  void carry(const Tensor& y, Tensor tangent);

  std::unordered_map<const Value*, Tensor> tangents_;
  ForwardMode* outer_;   // the next one whose tangents have tangents of this one
  ForwardMode* before_;  // the one that began before
  static thread_local ForwardMode* newest;
  static thread_local ForwardMode* visible;  // hides the modes whose tangents are being computed
  friend bool detail::carries_tangent(std::span<const Operand> inputs);
  friend void detail::forget_tangents(const Value* value) noexcept;
};

}  // namespace xtape
