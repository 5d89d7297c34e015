// Compiles the recorded gradients of every formula in nn/. Not inlined, or other files would not
// find them.
#include <xtape/nn/layer_formulas.hpp>
#include <xtape/nn/loss_formulas.hpp>
#include <xtape/nn/nn.hpp>
#include <xtape/ops/ops.hpp>

namespace xtape::detail {

template <class F, bool FromResult>
[[gnu::noinline]] GraphVjp NnKernels::graph() {
  return &graph_vjp<F, FromResult>;
}

}  // namespace xtape::detail
