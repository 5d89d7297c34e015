// What changes parameters.
#pragma once

#include <xtape/optim/sgd.hpp>
