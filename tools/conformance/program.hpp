// Straight-line programs: steps that call operations of the corpus by name.
#pragma once

#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

/// Runs {"steps": [{"op", "in", "kwargs", "out"}], "outputs": [names]} on inputs named in0, in1,
/// ...
Tensors run_program(const Json& program, const Tensors& inputs, DType dtype);

}  // namespace conformance
