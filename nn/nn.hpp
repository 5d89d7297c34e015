// Networks: activations, losses, layers, initialisation and data.
#pragma once

#include <xtape/nn/activations.hpp>
#include <xtape/nn/digits.hpp>
#include <xtape/nn/idx.hpp>
#include <xtape/nn/loader.hpp>
#include <xtape/nn/synthetic.hpp>
