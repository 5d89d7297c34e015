// Compiles the recorded gradients of every formula in ops/. Not inlined, or other files would not
// find them.
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/ops.hpp>

namespace xtape::detail {

template <class F, Keeps keeps>
[[gnu::noinline]] RecordedVjp OpsKernels::graph() {
  return {&graph_vjp<F, keeps>};
}

}  // namespace xtape::detail
