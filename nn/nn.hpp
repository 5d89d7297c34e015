// Networks: activations, losses, layers, initialisation and data.
#pragma once

#include <xtape/nn/activations.hpp>
#include <xtape/nn/attention.hpp>
#include <xtape/nn/classification.hpp>
#include <xtape/nn/digits.hpp>
#include <xtape/nn/distances.hpp>
#include <xtape/nn/dropout.hpp>
#include <xtape/nn/embedding.hpp>
#include <xtape/nn/idx.hpp>
#include <xtape/nn/init.hpp>
#include <xtape/nn/layers.hpp>
#include <xtape/nn/loader.hpp>
#include <xtape/nn/losses.hpp>
#include <xtape/nn/margin_losses.hpp>
#include <xtape/nn/module.hpp>
#include <xtape/nn/normalisation.hpp>
#include <xtape/nn/recurrent.hpp>
#include <xtape/nn/softmax.hpp>
#include <xtape/nn/synthetic.hpp>
