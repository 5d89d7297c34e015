// Compiles the recorded gradients of every formula in ops/.
#include <xtape/ops/ops.hpp>

namespace xtape::detail {

template <class F, bool FromResult>
void OpsKernels::graph_vjp(Backward& backward, const Shape& space, const Shape& folded,
                           double scale) {
  detail::graph_vjp<F, FromResult>(backward, space, folded, scale);
}

}  // namespace xtape::detail
