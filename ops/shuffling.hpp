// Channels that become pixels, and back.
#pragma once

#include <xtape/ops/builtin.hpp>

namespace xtape {

/// [..., channels r^2, height, width] to [..., channels, height r, width r]: each r by r block of
/// the result comes from r^2 channels (Shi et al. 2016). Throws ShapeError if they do not divide.
Tensor pixel_shuffle(const Arg& x, std::int64_t upscale_factor);
/// The inverse of pixel_shuffle().
Tensor pixel_unshuffle(const Arg& x, std::int64_t downscale_factor);

}  // namespace xtape
