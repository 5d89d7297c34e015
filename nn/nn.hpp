// Networks: activations, losses, layers, initialisation and data.
#pragma once

#include <xtape/nn/activations.hpp>
#include <xtape/nn/init.hpp>
#include <xtape/nn/layers.hpp>
#include <xtape/nn/losses.hpp>
#include <xtape/nn/module.hpp>
