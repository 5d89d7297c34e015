// Sums of products with named axes:  einsum("ij,jk->ik", {a, b})  is  c_ik = sum_j a_ij b_jk.
#pragma once

#include <string_view>
#include <vector>
#include <xtape/ops/builtin.hpp>

namespace xtape {

/// The sum of products of the operands over the letters that the output does not have. Each comma
/// separated part names the axes of one operand; a letter twice in a part takes the diagonal; "..."
/// stands for axes without names, which broadcast. Without "->" the output has the letters that
/// occur once, in alphabetical order, after the axes of "...". A size of 1 broadcasts. Operands are
/// multiplied two at a time, the cheapest pair first, as matrices where anything is summed.
/// Throws ValueError for an equation that makes no sense, ShapeError for operands that do not fit
/// it, and DTypeError for different element types.
Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands, Location where = {});

}  // namespace xtape
