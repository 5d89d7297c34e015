// Recording and differentiation; knows no operation.
#pragma once

#include <xtape/autograd/catalogue.hpp>
#include <xtape/autograd/checkpoint.hpp>
#include <xtape/autograd/custom.hpp>
#include <xtape/autograd/denormals.hpp>
#include <xtape/autograd/dot.hpp>
#include <xtape/autograd/elementwise.hpp>
#include <xtape/autograd/errors.hpp>
#include <xtape/autograd/forward.hpp>
#include <xtape/autograd/functional.hpp>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/gradcheck.hpp>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/profile.hpp>
#include <xtape/autograd/state.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/autograd/tensor.hpp>
