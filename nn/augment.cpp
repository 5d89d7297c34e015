#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/nn/augment.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/products.hpp>
#include <xtape/ops/random.hpp>
#include <xtape/ops/sampling.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

// The images, checked and without their place on the tape.
Tensor images(const char* op, const Arg& x) {
  const Location& where = x.where();
  const Tensor given = x.as_tensor(float32);
  if (!is_floating(given.dtype(where)))
    raise<DTypeError>(where, op,
                      fmt::format("floating images wanted, got {}", name_of(given.dtype())));
  if (given.rank() != 4)
    raise<ShapeError>(
        where, op,
        fmt::format("images [n, channels, height, width] wanted, got {}", given.shape().str()));
  return given.detach();
}

void require(bool good, const char* op, const Arg& x, const char* name, double value) {
  if (!good) raise<ValueError>(x.where(), op, fmt::format("{} is {}", name, value));
}
void require_probability(const char* op, const Arg& x, const char* name, double p) {
  require(p >= 0 && p <= 1, op, x, name, p);
}
void require_size(const char* op, const Arg& x, const char* name, double size) {
  require(size >= 0 && std::isfinite(size), op, x, name, size);
}

// Calls row(from, to, sample, i, width) for each row i of each plane of the result.
template <class T, class F>
void each_row(const Tensor& x, const Tensor& out, F row) {
  const std::int64_t channels = x.size(1), height = out.size(2), width = out.size(3);
  const std::int64_t from_plane = x.size(2) * x.size(3), to_plane = height * width;
  const T* from = x.data<T>();
  T* to = out.mutable_data<T>();
  parallel_for(x.size(0), [&](std::int64_t sample) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t plane = sample * channels + c;
      for (std::int64_t i = 0; i < height; ++i)
        row(from + plane * from_plane, to + plane * to_plane + i * width, sample, i);
    }
  });
}

template <class F>
void by_type(DType dtype, F f) {
  if (dtype == float32) f(float{});
  else f(double{});
}

// Evenly drawn numbers for n samples in [-bound, bound).
Tensor either_way(double bound, std::int64_t n, Generator& generator) {
  return (rand({n}, float64, generator) * 2 - 1) * bound;
}

// The Gaussian of width sigma as a matrix that smooths `size` points; beyond them there is 0.
Tensor gaussian(std::int64_t size, double sigma, DType dtype) {
  if (sigma == 0) return eye(size, dtype);
  const Tensor out = Tensor::empty({size, size}, float64);
  double* weight = out.mutable_data<double>();
  double total = 0;
  const auto reach = static_cast<std::int64_t>(std::ceil(4 * sigma));
  const auto bell = [&](std::int64_t d) {
    const double t = static_cast<double>(d) / sigma;
    return std::abs(d) <= reach ? std::exp(-t * t / 2) : 0.0;
  };
  for (std::int64_t d = -reach; d <= reach; ++d) total += bell(d);
  for (std::int64_t i = 0; i < size; ++i)
    for (std::int64_t j = 0; j < size; ++j) *weight++ = bell(i - j) / total;
  return cast(out, dtype);
}

}  // namespace

Tensor random_flip(const Arg& x, const RandomFlipOptions& options, Generator& generator) {
  const char* op = "random_flip";
  require_probability(op, x, "horizontal", options.horizontal);
  require_probability(op, x, "vertical", options.vertical);
  const Tensor given = images(op, x);
  const std::int64_t n = given.size(0), height = given.size(2), width = given.size(3);
  const Tensor across = bernoulli(options.horizontal, {n}, boolean, generator);
  const Tensor down = bernoulli(options.vertical, {n}, boolean, generator);
  const bool *mirrored = across.data<bool>(), *upside_down = down.data<bool>();
  const Tensor out = empty_like(given);
  by_type(given.dtype(), [&]<class T>(T) {
    each_row<T>(given, out, [&](const T* plane, T* to, std::int64_t sample, std::int64_t i) {
      const T* from = plane + (upside_down[sample] ? height - 1 - i : i) * width;
      if (mirrored[sample]) std::reverse_copy(from, from + width, to);
      else std::copy_n(from, width, to);
    });
  });
  return out;
}

Tensor random_crop(const Arg& x, const RandomCropOptions& options, Generator& generator) {
  const char* op = "random_crop";
  const auto number = [](std::int64_t value) { return static_cast<double>(value); };
  require_size(op, x, "padding", number(options.padding));
  require_size(op, x, "height", number(options.height));
  require_size(op, x, "width", number(options.width));
  const Tensor given = images(op, x);
  const std::int64_t n = given.size(0), rows = given.size(2), columns = given.size(3);
  const std::int64_t height = options.height > 0 ? options.height : rows;
  const std::int64_t width = options.width > 0 ? options.width : columns;
  const std::int64_t padding = options.padding;
  if (height > rows + 2 * padding || width > columns + 2 * padding)
    raise<ShapeError>(x.where(), op,
                      fmt::format("a part of {} by {} from images {} padded by {}", height, width,
                                  given.shape().str(), padding));
  const Tensor top = randint(0, rows + 2 * padding - height + 1, {n}, int64, generator);
  const Tensor left = randint(0, columns + 2 * padding - width + 1, {n}, int64, generator);
  const std::int64_t *tops = top.data<std::int64_t>(), *lefts = left.data<std::int64_t>();
  const Tensor out = Tensor::empty({n, given.size(1), height, width}, given.dtype());
  by_type(given.dtype(), [&]<class T>(T) {
    each_row<T>(given, out, [&](const T* plane, T* to, std::int64_t sample, std::int64_t i) {
      const std::int64_t row = i + tops[sample] - padding, shift = lefts[sample] - padding;
      std::fill_n(to, width, static_cast<T>(options.fill));
      if (row < 0 || row >= rows) return;
      const std::int64_t first = std::max<std::int64_t>(0, -shift);
      const std::int64_t last = std::min(width, columns - shift);
      if (first < last)
        std::copy_n(plane + row * columns + first + shift, last - first, to + first);
    });
  });
  return out;
}

Tensor random_affine(const Arg& x, const RandomAffineOptions& options, Generator& generator) {
  const char* op = "random_affine";
  require_size(op, x, "degrees", options.degrees);
  require_size(op, x, "translate_x", options.translate_x);
  require_size(op, x, "translate_y", options.translate_y);
  require(options.scale_low > 0, op, x, "scale_low", options.scale_low);
  require(options.scale_high >= options.scale_low && std::isfinite(options.scale_high), op, x,
          "scale_high", options.scale_high);
  require(options.shear >= 0 && options.shear < 90, op, x, "shear", options.shear);
  const Tensor given = images(op, x);
  const NoGrad off;
  const Caller caller(x.where());
  const std::int64_t n = given.size(0);
  const Tensor angle = either_way(options.degrees, n, generator);
  const Tensor shear = either_way(options.shear, n, generator);
  const Tensor right = either_way(options.translate_x, n, generator);
  const Tensor down = either_way(options.translate_y, n, generator);
  const Tensor size =
      rand({n}, float64, generator) * (options.scale_high - options.scale_low) + options.scale_low;
  // In pixels around the middle, p = S R H q + t with H = [1, tan shear; 0, 1]; the grid wants q
  // by p, in units of half the width and half the height.
  const Tensor theta = Tensor::empty({n, 2, 3}, float64);
  double* row = theta.mutable_data<double>();
  const double aspect = static_cast<double>(given.size(3)) / static_cast<double>(given.size(2));
  constexpr double radian = std::numbers::pi / 180;
  for (std::int64_t i = 0; i < n; ++i, row += 6) {
    const double a = angle.data<double>()[i] * radian, s = size.data<double>()[i];
    const double tangent = std::tan(shear.data<double>()[i] * radian);
    const double cosine = std::cos(a) / s, sine = std::sin(a) / s;
    const double xx = cosine + tangent * sine, xy = (sine - tangent * cosine) / aspect;
    const double yx = -sine * aspect, yy = cosine;
    const double tx = 2 * right.data<double>()[i], ty = 2 * down.data<double>()[i];
    const double map[] = {xx, xy, -xx * tx - xy * ty, yx, yy, -yx * tx - yy * ty};
    std::copy_n(map, 6, row);
  }
  return grid_sample(given, affine_grid(cast(theta, given.dtype()), given.shape()),
                     {.mode = options.mode, .padding_mode = options.padding_mode});
}

Tensor elastic(const Arg& x, const ElasticOptions& options, Generator& generator) {
  const char* op = "elastic";
  require_size(op, x, "alpha", options.alpha);
  require_size(op, x, "sigma", options.sigma);
  const Tensor given = images(op, x);
  const NoGrad off;
  const Caller caller(x.where());
  const DType dtype = given.dtype();
  const std::int64_t n = given.size(0), height = given.size(2), width = given.size(3);
  const Tensor rough = rand({n, 2, height, width}, dtype, generator) * 2 - 1;
  const Tensor smooth = matmul(matmul(gaussian(height, options.sigma, dtype), rough),
                               gaussian(width, options.sigma, dtype));
  // pixels to units of half the width and half the height
  const Tensor units =
      reshape(Tensor({2 * options.alpha / static_cast<double>(std::max<std::int64_t>(width, 1)),
                      2 * options.alpha / static_cast<double>(std::max<std::int64_t>(height, 1))},
                     dtype),
              {2, 1, 1});
  const Tensor still =
      affine_grid(Tensor({{{1, 0, 0}, {0, 1, 0}}}, dtype), {1, given.size(1), height, width});
  return grid_sample(given, still + permute(smooth * units, {0, 2, 3, 1}),
                     {.mode = options.mode, .padding_mode = options.padding_mode});
}

Tensor add_noise(const Arg& x, double std, Generator& generator) {
  require_size("add_noise", x, "std", std);
  const Tensor given = images("add_noise", x);
  const Caller caller(x.where());
  return given + randn(given.shape(), given.dtype(), generator) * std;
}

Augmentation compose(std::vector<Augmentation> steps) {
  return [steps = std::move(steps)](const Tensor& x, Generator& generator) {
    Tensor out = x;
    for (const Augmentation& step : steps) out = step(out, generator);
    return out;
  };
}

}  // namespace xtape::nn
