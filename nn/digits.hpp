// Handwritten-looking digits that are drawn, not read: a set of the size and difficulty of MNIST
// that needs no file. Each image is one writing variant of its digit, with a shaky hand, bent
// smoothly, turned, sheared, scaled and shifted, and drawn with a round soft pen:
//
//   strokes -> jitter -> splines -> elastic field -> affine map -> ink in 28 x 28 pixels -> noise
#pragma once

#include <xtape/nn/loader.hpp>

namespace xtape::nn {

/// Grey images of the digits 0 ... 9: x [n, 784] float32, row-major 28 by 28, multiples of 1/255 in
/// [0, 1], 0 is paper; y [n] int64, uniform. Image i depends on the seed, i and its part alone, to
/// the bit, on every machine and with any number of threads: a larger set begins with the smaller
/// one. The elastic field is in the spirit of Simard, Steinkraus and Platt, "Best practices for
/// convolutional neural networks applied to visual document analysis", ICDAR 2003.
/// Throws ValueError for a negative size.
TrainTest digits(std::int64_t n_train = 12000, std::int64_t n_test = 2000, std::uint64_t seed = 0,
                 Location where = {});

}  // namespace xtape::nn
