// Compiles the int64 kernels of every formula in ops/. Not inlined, or other files would not find
// them.
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/ops.hpp>

namespace xtape::detail {

template <class F>
[[gnu::noinline]] const Kernels* OpsKernels::int64() {
  return make_kernels<F, std::int64_t>();
}

}  // namespace xtape::detail
