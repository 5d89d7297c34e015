// Compiles the float64 kernels of every formula in ops/. Not inlined, or other files would not find
// them.
#include <xtape/ops/math.hpp>

namespace xtape::detail {

template <class F>
[[gnu::noinline]] const Kernels* OpsKernels::float64() {
  return make_kernels<F, double>();
}

}  // namespace xtape::detail
