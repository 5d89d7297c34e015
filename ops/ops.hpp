// Everything that can be computed.
#pragma once

#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/comparing.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/diagonals.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/joining.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/math.hpp>
#include <xtape/ops/padding.hpp>
#include <xtape/ops/random.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/rounding.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/slicing.hpp>
#include <xtape/ops/special.hpp>
#include <xtape/ops/trigonometry.hpp>
