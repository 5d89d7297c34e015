// Everything that can be computed.
#pragma once

#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/comparing.hpp>
#include <xtape/ops/convolution.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/diagonals.hpp>
#include <xtape/ops/dropping.hpp>
#include <xtape/ops/extrema.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/joining.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/math.hpp>
#include <xtape/ops/moments.hpp>
#include <xtape/ops/padding.hpp>
#include <xtape/ops/pooling.hpp>
#include <xtape/ops/random.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/rounding.hpp>
#include <xtape/ops/sampling.hpp>
#include <xtape/ops/scan.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/slicing.hpp>
#include <xtape/ops/sorting.hpp>
#include <xtape/ops/special.hpp>
#include <xtape/ops/statistics.hpp>
#include <xtape/ops/trigonometry.hpp>
