// Compiles the recorded gradients of every formula in nn/.
#include <xtape/nn/activations.hpp>
#include <xtape/ops/ops.hpp>

namespace xtape::detail {

template <class F>
void NnKernels::graph_vjp(Backward& backward, const Shape& space, const Shape& folded,
                          double scale) {
  detail::graph_vjp<F>(backward, space, folded, scale);
}

}  // namespace xtape::detail
