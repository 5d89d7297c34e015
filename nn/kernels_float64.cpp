// Compiles the float64 kernels of every formula in nn/. Not inlined, or other files would not find
// them.
#include <xtape/nn/layer_formulas.hpp>
#include <xtape/nn/loss_formulas.hpp>
#include <xtape/nn/nn.hpp>

namespace xtape::detail {

template <class F, Keeps keeps>
[[gnu::noinline]] const Kernels* NnKernels::float64() {
  return make_kernels<F, double, keeps>();
}

}  // namespace xtape::detail
