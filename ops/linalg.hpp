// Linear algebra: products, sums of products over named axes, solutions and decompositions.
#pragma once

#include <xtape/ops/decompositions.hpp>
#include <xtape/ops/einsum.hpp>
#include <xtape/ops/products.hpp>
