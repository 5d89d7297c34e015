// Convolutions of images with kernels of 3 x 3 taps by fewer multiplications: Winograd's minimal
// filtering (Winograd 1980; Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural
// Networks"). Each tile of 2 x 2 results comes from 16 products instead of 36:
//
//   y = A' [(G w G') * (B' x B)] A       B' = 1 0 -1 0   G = 1    0   0    A' = 1 1  1  0
//                                             0 1  1 0       1/2  1/2 1/2       0 1 -1 -1
//                                             0 -1 1 0       1/2 -1/2 1/2
//                                             0 1 0 -1       0    0   1
//
// Summed over channels, the 16 products at one place of all tiles are one matrix product. A result
// is computed of no other points than it has taps, but of their sums and differences: rounding
// errors are relative to the largest points and weights, even where a weight is 0, and sums of
// points above a quarter of the largest float overflow. benchmarks/products.cpp measures what it
// gains.
#pragma once

#include <xtape/ops/correlate.hpp>

namespace xtape::detail {

/// Whether a convolution of floats is computed so: kernels of 3 x 3 taps, side by side and moved by
/// one, and so many channels and filters that the products are worth what is done around them.
bool suits_winograd(const Convolution& sizes);

/// y, x or the kernel's share as in correlate.hpp; a bias may be null.
void winograd_correlate(const Convolution& sizes, const float* x, const float* kernel,
                        const float* bias, float* y);
void winograd_spread(const Convolution& sizes, const float* y, const float* kernel,
                     const float* bias, float* x);
void winograd_kernel_share(const Convolution& sizes, const float* x, const float* y, float* kernel);

}  // namespace xtape::detail
