// Functions of two integers that give integers, where the floating function is another one.
#pragma once

#include <functional>
#include <xtape/autograd/tensor.hpp>

namespace xtape::detail {

using IntegerFunction = std::int64_t (*)(std::int64_t, std::int64_t);

/// Whether one is a tensor, and neither is a floating tensor or a fraction.
bool are_integers(const Arg& a, const Arg& b);

/// f of every element; the arguments broadcast. `check` sees every second argument first. Throws
/// ShapeError if the shapes do not broadcast.
Tensor on_integers(const char* op, const Arg& a, const Arg& b, IntegerFunction f,
                   const std::function<void(std::int64_t)>& check);

}  // namespace xtape::detail
