// Compiles the float32 kernels of every formula in nn/. Not inlined, or other files would not find
// them.
#include <xtape/nn/layer_formulas.hpp>
#include <xtape/nn/loss_formulas.hpp>
#include <xtape/nn/nn.hpp>

namespace xtape::detail {

template <class F, Keeps keeps>
[[gnu::noinline]] const Kernels* NnKernels::float32() {
  return make_kernels<F, float, keeps>();
}

}  // namespace xtape::detail
