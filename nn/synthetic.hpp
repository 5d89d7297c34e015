// Small data sets in the plane that no straight line separates: x [n, 2] float32, y [n] int64.
// Sample i is of class i mod classes; u and v are uniform in [0, 1), z and w standard normal, drawn
// for each sample by a generator of the set's own. All throw ValueError for a negative n.
#pragma once

#include <xtape/nn/loader.hpp>

namespace xtape::nn {

/// Three arms that wind around the origin: (u cos t, u sin t) with t = 2 pi y / 3 + 4 u + 0.2 z.
Dataset spiral(std::int64_t n, std::uint64_t seed = 0, Location where = {});

/// A disc (class 1) inside a ring (class 0): (r cos t, r sin t) + 0.03 (z, w) with t = 2 pi v,
/// r = 0.5 sqrt(u) in the disc and 0.7 + 0.3 u in the ring.
Dataset circle(std::int64_t n, std::uint64_t seed = 0, Location where = {});

/// Opposite quadrants share a class, y = (a < 0) != (b < 0): the point (a, b) + 0.03 (z, w) with
/// |a| = 0.1 + 0.9 u and |b| = 0.1 + 0.9 v; the samples of a class alternate between its quadrants.
Dataset exclusive_or(std::int64_t n, std::uint64_t seed = 0, Location where = {});

/// Two half circles that reach into each other: (cos t, sin t) for class 0, (1 - cos t,
/// 0.5 - sin t) for class 1, plus 0.1 (z, w), with t = pi u.
Dataset moons(std::int64_t n, std::uint64_t seed = 0, Location where = {});

}  // namespace xtape::nn
