// Compiles the recorded gradients of every formula in nn/. Not inlined, or other files would not
// find them.
#include <xtape/nn/layer_formulas.hpp>
#include <xtape/nn/loss_formulas.hpp>
#include <xtape/nn/nn.hpp>
#include <xtape/ops/ops.hpp>

namespace xtape::detail {

template <class F, Keeps keeps>
[[gnu::noinline]] RecordedVjp NnKernels::graph() {
  return {&graph_vjp<F, keeps>};
}

}  // namespace xtape::detail
