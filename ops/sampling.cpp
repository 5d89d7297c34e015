#include <fmt/format.h>

#include <cmath>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/matrices.hpp>
#include <xtape/ops/patches.hpp>
#include <xtape/ops/pooling.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/sampling.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

enum class Mode { nearest, nearest_exact, linear };

// Where the points of a result lie along one axis.
struct Resampling {
  Mode mode;
  bool align_corners;
  std::int64_t in, out;
  double scale;  // size in / size out, as asked for

  // The two points that a position lies between and the weight of the second.
  struct Between {
    std::int64_t first, second;
    double weight;
  };
  Between at(std::int64_t o) const {
    const double position = static_cast<double>(o);
    const auto point = [&](double place) {
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(place)), 0, in - 1);
    };
    if (mode == Mode::nearest) return {point(position * scale), point(position * scale), 0};
    if (mode == Mode::nearest_exact) {
      const std::int64_t nearest = point((position + 0.5) * scale);
      return {nearest, nearest, 0};
    }
    const double step = out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
    const double place =
        align_corners ? position * step : std::max(0.0, (position + 0.5) * scale - 0.5);
    const std::int64_t first = point(place), second = std::min(first + 1, in - 1);
    return {first, second, std::clamp(place - static_cast<double>(first), 0.0, 1.0)};
  }
};

Tensor resampled_back(const Tensor& y, int axis, const Resampling& resampling, const Asked& asked);

// x with other points along one axis.
Tensor resampled(const Tensor& x, int axis, const Resampling& resampling, const Asked& asked) {
  const Tensor out = Tensor::empty(replaced(x.shape(), axis, resampling.out), x.dtype());
  const Around around(x.shape(), axis);
  by_floating(x.dtype(), [&]<class T>(T*) {
    T* to = out.value()->as<T>();
    for (std::int64_t o = 0; o < around.outer; ++o) {
      const T* const from = x.value()->as<T>() + o * around.n * around.inner;
      for (std::int64_t i = 0; i < resampling.out; ++i, to += around.inner) {
        const Resampling::Between between = resampling.at(i);
        const T *a = from + between.first * around.inner, *b = from + between.second * around.inner;
        const T weight = static_cast<T>(between.weight);
        if (weight == 0) std::copy_n(a, around.inner, to);
        else
          for (std::int64_t k = 0; k < around.inner; ++k)
            to[k] = (1 - weight) * a[k] + weight * b[k];
      }
    }
  });
  return record(asked.op, asked.at, {unsaved(x)}, out,
                [axis, resampling, asked](Backward& backward) {
                  backward.give(0, resampled_back(backward.grad(), axis, resampling, asked));
                });
}

// The transpose of resampled().
Tensor resampled_back(const Tensor& y, int axis, const Resampling& resampling, const Asked& asked) {
  const Tensor out = zeros_of(replaced(y.shape(), axis, resampling.in), y.dtype());
  const Around around(out.shape(), axis);
  by_floating(y.dtype(), [&]<class T>(T*) {
    const T* from = y.value()->as<T>();
    for (std::int64_t o = 0; o < around.outer; ++o) {
      T* const to = out.value()->as<T>() + o * around.n * around.inner;
      for (std::int64_t i = 0; i < resampling.out; ++i, from += around.inner) {
        const Resampling::Between between = resampling.at(i);
        T *a = to + between.first * around.inner, *b = to + between.second * around.inner;
        const T weight = static_cast<T>(between.weight);
        for (std::int64_t k = 0; k < around.inner; ++k) a[k] += (1 - weight) * from[k];
        for (std::int64_t k = 0; k < around.inner && weight != 0; ++k) b[k] += weight * from[k];
      }
    }
  });
  return record(asked.op, asked.at, {unsaved(y)}, out,
                [axis, resampling, asked](Backward& backward) {
                  backward.give(0, resampled(backward.grad(), axis, resampling, asked));
                });
}

Mode mode_of(const InterpolateOptions& options, int rank, const Asked& asked) {
  static constexpr std::string_view linear[] = {"linear", "bilinear", "trilinear"};
  const bool is_linear = options.mode == linear[rank - 1];
  if (options.align_corners && !is_linear)
    raise<ValueError>(
        asked.at, asked.op,
        fmt::format("align_corners is for the linear modes, not for '{}'", options.mode));
  if (is_linear) return Mode::linear;
  if (options.mode == "nearest") return Mode::nearest;
  if (options.mode == "nearest-exact") return Mode::nearest_exact;
  raise<ValueError>(asked.at, asked.op,
                    fmt::format("mode is '{}'; 'nearest', 'nearest-exact', 'area' or '{}' wanted "
                                "for {} spatial axes",
                                options.mode, linear[rank - 1], rank));
}

// The size of the result along a spatial axis and the scale that leads to it.
Resampling resampling_of(const InterpolateOptions& options, std::int64_t in, int i, int rank,
                         const Asked& asked) {
  Resampling resampling{Mode::nearest, options.align_corners.value_or(false), in, 0, 1};
  if (options.size.given()) {
    resampling.out = value_for(options.size, i, rank, 1, "size", asked);
    resampling.scale = static_cast<double>(in) / static_cast<double>(resampling.out);
    return resampling;
  }
  const auto factors = options.scale_factor.values();
  const double factor = factors.size() == 1                                ? factors[0]
                        : factors.size() == static_cast<std::size_t>(rank) ? factors[i]
                                                                           : 0;
  const double size = std::floor(static_cast<double>(in) * factor);
  if (!(factor > 0) || !(size >= 1 && size < 0x1p31))
    raise<ValueError>(asked.at, asked.op,
                      fmt::format("scale_factor is [{}] for {} points of axis {} of {}",
                                  fmt::join(factors, ", "), in, i, rank));
  resampling.out = static_cast<std::int64_t>(size);
  resampling.scale = 1 / factor;
  return resampling;
}

// Points of x that a grid names along one axis: the place in points, and what is found beside it.
struct Places {
  Tensor place;  // [batch, samples]
  std::int64_t size;
};

// The place of grid coordinates in points: -1 and 1 are the outermost points or their outer edges.
Tensor places_of(const Tensor& coordinate, std::int64_t size, const GridSampleOptions& options) {
  const double n = static_cast<double>(size);
  const Tensor place =
      options.align_corners ? (coordinate + 1) * ((n - 1) / 2) : ((coordinate + 1) * n - 1) * 0.5;
  return options.padding_mode == "border" ? formulas::within(place, n - 1) : place;
}

// A whole number that is as good as `place` for every image and fits an integer; NaN is outside.
double bounded(double place) { return place > -0x1p40 ? std::min(place, 0x1p40) : -0x1p40; }

// One corner of the cells that places lie in: which point it is, if it is one.
struct Corner {
  Tensor inside;  // boolean [batch, 1, samples]
  Tensor index;   // int64 [batch, 1, samples], 0 where it is not inside
};

Corner corner_at(const std::vector<Places>& places, unsigned upper, bool nearest) {
  const Shape& shape = places[0].place.shape();
  Corner corner{Tensor::empty({shape[0], 1, shape[1]}, boolean),
                Tensor::empty({shape[0], 1, shape[1]}, int64)};
  bool* const inside = corner.inside.value()->as<bool>();
  std::int64_t* const index = corner.index.value()->as<std::int64_t>();
  std::fill_n(inside, shape.numel(), true);
  std::fill_n(index, shape.numel(), 0);
  // places run over the last axis first, as grids do
  for (std::size_t a = places.size(); a-- > 0;)
    by_floating(places[a].place.dtype(), [&]<class T>(T*) {
      const T* const place = places[a].place.value()->as<T>();
      for (std::int64_t i = 0, end = shape.numel(); i < end; ++i) {
        const double exact = static_cast<double>(place[i]);
        const double whole = nearest ? std::nearbyint(exact)
                                     : std::floor(exact) + static_cast<double>(upper >> a & 1);
        const std::int64_t point = static_cast<std::int64_t>(bounded(whole));
        inside[i] = inside[i] && point >= 0 && point < places[a].size;
        index[i] =
            index[i] * places[a].size + std::clamp<std::int64_t>(point, 0, places[a].size - 1);
      }
    });
  return corner;
}

// The distance from the point below, with slope 1: what weighs the corners.
Tensor remainder_of(const Tensor& place) {
  const Tensor below = Tensor::empty(place.shape(), place.dtype());
  by_floating(place.dtype(), [&]<class T>(T*) {
    const T* const from = place.value()->as<T>();
    T* const to = below.value()->as<T>();
    for (std::int64_t i = 0, end = place.numel(); i < end; ++i) to[i] = std::floor(from[i]);
  });
  return place - below;
}

void check_grid(const Tensor& x, const Tensor& grid, const GridSampleOptions& options,
                const Asked& asked) {
  check_floating_pair(x, grid, asked.op, asked.at);
  const int rank = x.rank() - 2;
  if ((rank != 2 && rank != 3) || grid.rank() != x.rank() || grid.shape()[rank + 1] != rank ||
      grid.shape()[0] != x.shape()[0])
    raise<ShapeError>(asked.at, asked.op,
                      fmt::format("x is {}, grid {}; [batch, channels, 2 or 3 axes] and [batch, "
                                  "as many axes, 2 or 3] wanted",
                                  x.shape().str(), grid.shape().str()));
  for (int i = 0; i < rank; ++i)
    if (x.shape()[i + 2] == 0)
      raise<ShapeError>(asked.at, asked.op,
                        fmt::format("an image without points: x is {}", x.shape().str()));
  if (options.mode != "bilinear" && options.mode != "nearest")
    raise<ValueError>(asked.at, asked.op,
                      fmt::format("mode is '{}'; 'bilinear' or 'nearest' wanted", options.mode));
  if (options.padding_mode != "zeros" && options.padding_mode != "border")
    raise<ValueError>(
        asked.at, asked.op,
        fmt::format("padding_mode is '{}'; 'zeros' or 'border' wanted", options.padding_mode));
}

}  // namespace

Tensor interpolate(const Arg& argument, const InterpolateOptions& options) {
  const Asked asked{"interpolate", Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  Tensor x = argument.as_tensor(float32);
  check_floating(x, asked.op, asked.at);
  const int rank = x.rank() - 2;
  if (rank < 1 || rank > 3)
    raise<ShapeError>(asked.at, asked.op,
                      fmt::format("x is {}; batch, channels and one to three spatial axes wanted",
                                  x.shape().str()));
  if (options.size.given() == options.scale_factor.given())
    raise<ValueError>(asked.at, asked.op, "one of size and scale_factor wanted");
  Resampling axes[3];
  for (int i = 0; i < rank; ++i) {
    if (x.shape()[i + 2] == 0)
      raise<ShapeError>(asked.at, asked.op,
                        fmt::format("an image without points: x is {}", x.shape().str()));
    axes[i] = resampling_of(options, x.shape()[i + 2], i, rank, asked);
  }
  if (options.mode == "area" && !options.align_corners) {
    std::vector<std::int64_t> sizes;
    for (int i = 0; i < rank; ++i) sizes.push_back(axes[i].out);
    return rank == 1   ? adaptive_avg_pool1d(x, sizes)
           : rank == 2 ? adaptive_avg_pool2d(x, sizes)
                       : adaptive_avg_pool3d(x, sizes);
  }
  const Mode mode = mode_of(options, rank, asked);
  for (int i = 0; i < rank; ++i) {
    axes[i].mode = mode;
    x = resampled(x, i + 2, axes[i], asked);
  }
  return x;
}

Tensor grid_sample(const Arg& argument, const Tensor& grid, const GridSampleOptions& options) {
  const Asked asked{"grid_sample", Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor x = argument.as_tensor(float32);
  check_grid(x, grid, options, asked);
  const int rank = x.rank() - 2;
  const std::int64_t batch = x.shape()[0], channels = x.shape()[1];
  Shape result{batch, channels};
  std::int64_t samples = 1, points = 1;
  for (int i = 0; i < rank; ++i) {
    result.push_back(grid.shape()[i + 1]);
    samples *= grid.shape()[i + 1];
    points *= x.shape()[i + 2];
  }
  const Tensor coordinates = reshape(grid, Shape{batch, samples, rank});
  std::vector<Places> places;
  for (int a = 0; a < rank; ++a) {
    const std::int64_t size = x.shape()[rank + 1 - a];
    const Tensor coordinate =
        reshape(slice(coordinates, 2, {.start = a, .stop = a + 1}), Shape{batch, samples});
    places.push_back({places_of(coordinate, size, options), size});
  }
  const Tensor image = reshape(x, Shape{batch, channels, points});
  const Shape everywhere{batch, channels, samples};
  const bool nearest = options.mode == "nearest";
  Tensor total;
  for (unsigned upper = 0; upper < (nearest ? 1u : 1u << rank); ++upper) {
    const Corner corner = corner_at(places, upper, nearest);
    const Tensor values = gather(image, 2, broadcast_to(corner.index, everywhere));
    Tensor weight = Tensor::empty({}, x.dtype());
    if (nearest) {
      weight = full({}, 1, x.dtype());
    } else {
      for (int a = 0; a < rank; ++a) {
        const Tensor above = remainder_of(places[a].place);
        const Tensor factor = upper >> a & 1 ? above : 1 - above;
        weight = a == 0 ? factor : weight * factor;
      }
      weight = reshape(weight, Shape{batch, 1, samples});
    }
    const Tensor share = formulas::corner(cast(corner.inside, x.dtype()), weight, values);
    total = total.defined() ? total + share : share;
  }
  return reshape(total, result);
}

Tensor affine_grid(const Arg& argument, const Shape& size, bool align_corners) {
  const Asked asked{"affine_grid", Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor theta = argument.as_tensor(float32);
  check_floating(theta, asked.op, asked.at);
  const int rank = size.rank() - 2;
  if ((rank != 2 && rank != 3) || theta.shape() != Shape{size[0], rank, rank + 1})
    raise<ShapeError>(asked.at, asked.op,
                      fmt::format("theta is {}, size {}; [batch, 2, 3] and [batch, channels, "
                                  "height, width] wanted, or one axis more",
                                  theta.shape().str(), size.str()));
  Shape spatial;
  for (int i = 0; i < rank; ++i) spatial.push_back(size[i + 2]);
  std::vector<Tensor> columns;
  for (int a = rank - 1; a >= 0; --a) {
    const std::int64_t n = spatial[a];
    const double edge = align_corners ? 1 : static_cast<double>(n - 1) / static_cast<double>(n);
    Shape along = spatial;
    for (int i = 0; i < rank; ++i)
      if (i != a) along[i] = 1;
    const Tensor line =
        n > 1 ? linspace(-edge, edge, n, theta.dtype()) : full({n}, 0, theta.dtype());
    columns.push_back(reshape(broadcast_to(reshape(line, along), spatial), {-1, 1}));
  }
  columns.push_back(ones(columns[0].shape(), theta.dtype()));
  Shape result{size[0]};
  for (int i = 0; i < rank; ++i) result.push_back(spatial[i]);
  result.push_back(rank);
  return reshape(matmul(cat(columns, 1), transpose(theta)), result);
}

// What the catalogue says of them.
namespace {

const ArrayOperation interpolate_record{
    {.name = "interpolate", .about = "images in another size"},
    {{"interpolate(x, {.scale_factor = 2})",
      {{1, 2, 3, 2}},
      [](auto& in) { return xtape::interpolate(in[0], {.scale_factor = 2}); }},
     {"interpolate(x, {.size = {5, 2}, .mode = \"bilinear\"})",
      {{2, 1, 3, 4}},
      [](auto& in) {
        return xtape::interpolate(in[0], {.size = {5, 2}, .mode = "bilinear"});
      }},
     {"interpolate(x, {.size = 7, .mode = \"linear\", .align_corners = true})",
      {{2, 2, 4}},
      [](auto& in) {
        return xtape::interpolate(in[0], {.size = 7, .mode = "linear", .align_corners = true});
      }}}};

}  // namespace
}  // namespace xtape
