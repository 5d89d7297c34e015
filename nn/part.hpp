// How the formulas are made of which losses and layers consist.
#pragma once

#include <xtape/nn/activations.hpp>

namespace xtape::detail {

/// A formula whose kernels nn/ provides.
template <class F, class... P>
auto part(const Record& record, F formula, P... parameters) {
  return builtin<NnKernels, Entry::Kind::function>(record, formula, parameters...);
}

}  // namespace xtape::detail
