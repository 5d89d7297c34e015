#include <fmt/format.h>

#include <xtape/ops/arithmetic.hpp>

namespace xtape {

Tensor masked_fill(const Arg& x, const Tensor& mask, const Arg& value) {
  if (mask.dtype(x.where()) != boolean)
    raise<DTypeError>(x.where(), "masked_fill",
                      fmt::format("the mask is boolean, not {}", name_of(mask.dtype())));
  return where(Arg(mask, x.where()), value, x);
}

}  // namespace xtape
