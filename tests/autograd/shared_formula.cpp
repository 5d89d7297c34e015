#include "shared_formula.hpp"

xtape::Tensor elsewhere::apply_shared(const xtape::Tensor& x) { return shared_formula(x); }
xtape::Tensor elsewhere::sum_shared(const xtape::Tensor& x) { return shared_formula.sum({}, x); }
