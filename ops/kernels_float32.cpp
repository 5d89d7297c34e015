// Compiles the float32 kernels of every formula in ops/. Not inlined, or other files would not find
// them.
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/ops.hpp>

namespace xtape::detail {

template <class F, Keeps keeps>
[[gnu::noinline]] const Kernels* OpsKernels::float32() {
  return make_kernels<F, float, keeps>();
}

}  // namespace xtape::detail
