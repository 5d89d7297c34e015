// Compiles the recorded gradients of every formula in ops/.
#include <xtape/ops/math.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::detail {

template <class F>
void OpsKernels::graph_vjp(Backward& backward, const Shape& space, const Shape& folded,
                           double scale) {
  detail::graph_vjp<F>(backward, space, folded, scale);
}

}  // namespace xtape::detail
