// What changes parameters: optimizers, schedules of their rates, clipping and averages.
#pragma once

#include <xtape/optim/adagrad.hpp>
#include <xtape/optim/adam.hpp>
#include <xtape/optim/average.hpp>
#include <xtape/optim/clip.hpp>
#include <xtape/optim/cycles.hpp>
#include <xtape/optim/lbfgs.hpp>
#include <xtape/optim/schedules.hpp>
#include <xtape/optim/sgd.hpp>
#include <xtape/optim/sign.hpp>
