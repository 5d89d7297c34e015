// Everything that can be computed.
#pragma once

#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/convolution.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/math.hpp>
#include <xtape/ops/pooling.hpp>
#include <xtape/ops/random.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/sampling.hpp>
#include <xtape/ops/shaping.hpp>
