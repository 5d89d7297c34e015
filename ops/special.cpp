#include <fmt/format.h>

#include <cmath>
#include <xtape/ops/special.hpp>

namespace xtape {

Tensor polygamma(const Arg& n, const Arg& x) {
  if (!n.is_tensor() && !(n.number() >= 0 && n.number() == std::floor(n.number())))
    raise<ValueError>(n.where(), "polygamma",
                      fmt::format("the order is 0, 1, 2, ..., not {}", n.number()));
  return formulas::polygamma(n, x);
}

}  // namespace xtape
