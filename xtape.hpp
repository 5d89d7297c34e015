// Everything: tensors, the tape, operations, networks and optimizers.
#pragma once

#include <xtape/autograd/autograd.hpp>
#include <xtape/nn/nn.hpp>
#include <xtape/ops/ops.hpp>
#include <xtape/optim/optim.hpp>
