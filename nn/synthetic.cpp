#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>
#include <xtape/nn/synthetic.hpp>
#include <xtape/ops/random.hpp>

namespace xtape::nn {

namespace {

constexpr double pi = std::numbers::pi;
// Far from the streams that a generator with the same seed counts from 0.
constexpr std::uint64_t first_stream = std::uint64_t{2} << 61;

struct Draw {
  double u, v, z, w;
};
using Point = std::array<double, 2>;

// point(i, y, draw) is sample i of class y.
template <class F>
Dataset planar(const char* name, std::int64_t n, std::int64_t classes, std::uint64_t seed,
               const Location& where, F point) {
  if (n < 0) raise<ValueError>(where, name, fmt::format("n is negative: {}", n));
  Generator generator(seed);
  generator.set_stream(first_stream);
  const Tensor uniform = rand({n, 2}, float64, generator);
  const Tensor normal = randn({n, 2}, float64, generator);
  const Dataset set{Tensor::empty({n, 2}, float32), Tensor::empty({n}, int64)};
  const double *u = uniform.data<double>(), *z = normal.data<double>();
  float* x = set.x.mutable_data<float>();
  std::int64_t* y = set.y.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    y[i] = i % classes;
    const Point p = point(i, y[i], Draw{u[2 * i], u[2 * i + 1], z[2 * i], z[2 * i + 1]});
    x[2 * i] = static_cast<float>(p[0]);
    x[2 * i + 1] = static_cast<float>(p[1]);
  }
  return set;
}

}  // namespace

Dataset spiral(std::int64_t n, std::uint64_t seed, Location where) {
  return planar("spiral", n, 3, seed, where, [](std::int64_t, std::int64_t y, const Draw& d) {
    const double t = 2 * pi * static_cast<double>(y) / 3 + 4 * d.u + 0.2 * d.z;
    return Point{d.u * std::cos(t), d.u * std::sin(t)};
  });
}

Dataset circle(std::int64_t n, std::uint64_t seed, Location where) {
  return planar("circle", n, 2, seed, where, [](std::int64_t, std::int64_t y, const Draw& d) {
    const double r = y == 1 ? 0.5 * std::sqrt(d.u) : 0.7 + 0.3 * d.u, t = 2 * pi * d.v;
    return Point{r * std::cos(t) + 0.03 * d.z, r * std::sin(t) + 0.03 * d.w};
  });
}

Dataset exclusive_or(std::int64_t n, std::uint64_t seed, Location where) {
  const auto point = [](std::int64_t i, std::int64_t y, const Draw& d) {
    const double side = i / 2 % 2 == 0 ? 1 : -1;
    const double a = side * (0.1 + 0.9 * d.u), b = (y == 0 ? side : -side) * (0.1 + 0.9 * d.v);
    return Point{a + 0.03 * d.z, b + 0.03 * d.w};
  };
  return planar("exclusive_or", n, 2, seed, where, point);
}

Dataset moons(std::int64_t n, std::uint64_t seed, Location where) {
  return planar("moons", n, 2, seed, where, [](std::int64_t, std::int64_t y, const Draw& d) {
    const double c = std::cos(pi * d.u), s = std::sin(pi * d.u);
    return Point{(y == 0 ? c : 1 - c) + 0.1 * d.z, (y == 0 ? s : 0.5 - s) + 0.1 * d.w};
  });
}

}  // namespace xtape::nn
