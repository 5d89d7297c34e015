// Networks: activations, losses, layers, initialisation and data.
#pragma once

#include <xtape/nn/activations.hpp>
