// Compiles the float64 kernels of every formula in ops/. Not inlined, or other files would not find
// them.
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/ops.hpp>

namespace xtape::detail {

template <class F, Keeps keeps>
[[gnu::noinline]] const Kernels* OpsKernels::float64() {
  return make_kernels<F, double, keeps>();
}

}  // namespace xtape::detail
