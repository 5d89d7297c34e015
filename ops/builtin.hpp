// How the operations of this folder are made: from formulas whose kernels the library compiles
// once.
#pragma once

#include <xtape/autograd/elementwise.hpp>

namespace xtape::detail {

/// Where the kernels of the formulas in ops/ are; the definitions are in ops/kernels_*.cpp.
struct OpsKernels {
  template <class F, Keeps keeps>
  static const Kernels* float32();
  template <class F, Keeps keeps>
  static const Kernels* float64();
  template <class F>
  static const Kernels* int64();
  template <class F, Keeps keeps>
  static RecordedVjp graph();
};

/// A formula that also works on integers.
template <class F, class... P>
auto arithmetic(const Record& record, F formula, P... parameters) {
  return builtin<OpsKernels, Entry::Kind::arithmetic>(record, formula, parameters...);
}
/// A formula for floating tensors; integers are taken as float32.
template <class F, class... P>
auto function(const Record& record, F formula, P... parameters) {
  return builtin<OpsKernels, Entry::Kind::function>(record, formula, parameters...);
}

/// A function that keeps more than its arguments for the backward pass.
template <Entry::Kind kind, Keeps keeps, class F, class... P>
auto function_keeping(const Record& record, F formula, P... parameters) {
  return builtin<OpsKernels, kind, keeps>(record, formula, parameters...);
}

}  // namespace xtape::detail
