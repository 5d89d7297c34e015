#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

using Numbers = std::vector<double>;

Tensor wavy(const Shape& shape, double phase, DType dtype = float64) {
  const Tensor count = arange(0, static_cast<double>(shape.numel()), 1, float64);
  return cast(reshape(sin(count * 1.3 + phase), shape), dtype);
}

// x [batch, channels, height, width] between its points by the definition, at a place in points.
double between(const Numbers& x, std::int64_t plane, std::int64_t height, std::int64_t width,
               double row, double column) {
  double total = 0;
  for (std::int64_t h = 0; h < height; ++h)
    for (std::int64_t w = 0; w < width; ++w) {
      const double up = std::abs(row - static_cast<double>(h));
      const double left = std::abs(column - static_cast<double>(w));
      if (up < 1 && left < 1) total += (1 - up) * (1 - left) * x[(plane * height + h) * width + w];
    }
  return total;
}

}  // namespace

TEST_CASE("sampling: bilinear in another size equals the definition") {
  const Tensor x = wavy({2, 2, 3, 4}, 0.2);
  const Numbers from = numbers(x);
  for (bool align : {false, true})
    for (std::int64_t rows : {1, 2, 3, 7})
      for (std::int64_t columns : {1, 4, 9}) {
        Numbers expected;
        const auto place = [&](std::int64_t o, std::int64_t in, std::int64_t out) {
          const double a = static_cast<double>(o), n = static_cast<double>(in);
          const double m = static_cast<double>(out);
          if (align) return out == 1 ? 0 : a * (n - 1) / (m - 1);
          return std::clamp((a + 0.5) * n / m - 0.5, 0.0, n - 1);
        };
        for (std::int64_t p = 0; p < 4; ++p)
          for (std::int64_t h = 0; h < rows; ++h)
            for (std::int64_t w = 0; w < columns; ++w)
              expected.push_back(between(from, p, 3, 4, place(h, 3, rows), place(w, 4, columns)));
        const InterpolateOptions options{
            .size = {rows, columns}, .mode = "bilinear", .align_corners = align};
        const Tensor wanted = Tensor::from(expected.data(), {2, 2, rows, columns});
        CHECK(distance(interpolate(x, options), wanted) < 1e-14);
        CHECK(distance(interpolate(cast(x, float32), options), cast(wanted, float32)) < 1e-6);
      }
}

TEST_CASE("sampling: nearest, area and scale factors") {
  const Tensor x = Tensor({{{1, 2, 3}}}, float64);
  CHECK(equal(interpolate(x, {.scale_factor = 2}), Tensor({{{1, 1, 2, 2, 3, 3}}}, float64)));
  CHECK(equal(interpolate(x, {.size = 2}), Tensor({{{1, 2}}}, float64)));
  CHECK(equal(interpolate(x, {.size = 2, .mode = "nearest-exact"}), Tensor({{{1, 3}}}, float64)));
  CHECK(equal(interpolate(x, {.size = 2, .mode = "area"}), Tensor({{{1.5, 2.5}}}, float64)));
  CHECK(equal(interpolate(x, {.scale_factor = 0.7}), Tensor({{{1, 2}}}, float64)));
  const Tensor image = Tensor({{{{1, 2}, {3, 4}}}}, float64);
  CHECK(equal(interpolate(image, {.scale_factor = {1, 2}}),
              Tensor({{{{1, 1, 2, 2}, {3, 3, 4, 4}}}}, float64)));
  CHECK(interpolate(image, {.scale_factor = {1, 2}, .mode = "area"}).shape() == Shape{1, 1, 2, 4});
  CHECK(interpolate(zeros({1, 1, 2, 3, 4}), {.scale_factor = 2, .mode = "trilinear"}).shape() ==
        Shape{1, 1, 4, 6, 8});
  CHECK(interpolate(zeros({1, 1, 2, 3, 4}), {.size = 1, .mode = "area"}).shape() ==
        Shape{1, 1, 1, 1, 1});
  CHECK(interpolate(zeros({0, 2, 3}), {.size = 5}).shape() == Shape{0, 2, 5});
  const Function of[] = {[](auto& in) {
                           return interpolate(in[0], {.size = {5, 3}});
                         },
                         [](auto& in) {
                           return interpolate(in[0], {.size = {2, 7}, .mode = "bilinear"});
                         }};
  for (const Function& f : of) {
    CHECK(slope_error(f, {wavy({1, 2, 3, 4}, 0)}) < 1e-8);
    CHECK(curvature_error(f, {wavy({1, 2, 3, 4}, 0)}) < 1e-6);
  }
}

TEST_CASE("sampling: a grid sees the image between its points") {
  const Tensor x = wavy({2, 3, 4, 5}, 0.1), grid = wavy({2, 3, 2, 2}, 0.5) * 1.4;
  const Numbers from = numbers(x), at = numbers(grid);
  for (bool align : {false, true})
    for (bool border : {false, true}) {
      Numbers expected;
      const auto place = [&](double g, double n) {
        const double p = align ? (g + 1) / 2 * (n - 1) : ((g + 1) * n - 1) / 2;
        return border ? std::clamp(p, 0.0, n - 1) : p;
      };
      for (std::int64_t n = 0; n < 2; ++n)
        for (std::int64_t c = 0; c < 3; ++c)
          for (std::int64_t s = 0; s < 6; ++s)
            expected.push_back(between(from, n * 3 + c, 4, 5, place(at[(n * 6 + s) * 2 + 1], 4),
                                       place(at[(n * 6 + s) * 2], 5)));
      const GridSampleOptions options{.padding_mode = border ? "border" : "zeros",
                                      .align_corners = align};
      CHECK(distance(grid_sample(x, grid, options), Tensor::from(expected.data(), {2, 3, 3, 2})) <
            1e-14);
      const Function f = [&](auto& in) { return grid_sample(in[0], in[1], options); };
      CHECK(slope_error(f, {x, grid}) < 1e-7);
      CHECK(slope_error(f, {x, grid}, true) < 1e-7);
      CHECK(curvature_error(f, {x, grid}) < 1e-5);
    }
}

TEST_CASE("sampling: nearest points, and what lies far outside or nowhere") {
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = Tensor({{{{1, 2}, {3, 4}}}}, float64);
  const Tensor grid = Tensor({{{{-1, -1}, {0.9, -0.4}, {2.6, 0}}}}, float64);
  CHECK(equal(grid_sample(x, grid, {.mode = "nearest", .align_corners = true}),
              Tensor({{{{1, 2, 0}}}}, float64)));
  CHECK(equal(grid_sample(x, grid, {.mode = "nearest", .padding_mode = "border"}),
              Tensor({{{{1, 2, 2}}}}, float64)));
  const Tensor nowhere = Tensor({{{{not_a_number, 0}, {infinity, 0}, {-1e300, 0}}}}, float64);
  CHECK(equal(grid_sample(x, nowhere), zeros({1, 1, 1, 3}, float64)));
  CHECK(equal(grid_sample(x, nowhere, {.mode = "nearest"}), zeros({1, 1, 1, 3}, float64)));
  const Tensor hole = Tensor({{{{infinity, 2}, {3, 4}}}}, float64);
  CHECK(grid_sample(hole, Tensor({{{{2.0, 0.5}}}}, float64)).item<double>() == 0);
}

TEST_CASE("sampling: volumes") {
  const Tensor x = reshape(arange(0, 24, 1, float64), {1, 1, 2, 3, 4});
  const Tensor theta = Tensor({{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}, float64);
  const Tensor grid = affine_grid(theta, {1, 1, 2, 3, 4});
  CHECK(grid.shape() == Shape{1, 2, 3, 4, 3});
  CHECK(distance(grid_sample(x, grid), x) < 1e-13);
}

TEST_CASE("sampling: affine grids") {
  const Tensor theta = Tensor({{{2, 0, 0.5}, {0, 1, 0}}}, float64);
  CHECK(distance(affine_grid(theta, {1, 1, 1, 3}, true),
                 Tensor({{{{-1.5, 0}, {0.5, 0}, {2.5, 0}}}}, float64)) < 1e-15);
  CHECK(distance(affine_grid(theta, {1, 1, 2, 2}),
                 Tensor({{{{-0.5, -0.5}, {1.5, -0.5}}, {{-0.5, 0.5}, {1.5, 0.5}}}}, float64)) <
        1e-15);
  const Function f = [](auto& in) { return affine_grid(in[0], {2, 3, 2, 3}); };
  CHECK(slope_error(f, {wavy({2, 2, 3}, 0.3)}) < 1e-8);
  CHECK(distance(grid_sample(
                     wavy({2, 3, 4, 5}, 0),
                     affine_grid(broadcast_to(Tensor({{1, 0, 0}, {0, 1, 0}}, float64), {2, 2, 3}),
                                 {2, 3, 4, 5})),
                 wavy({2, 3, 4, 5}, 0)) < 1e-14);
}

TEST_CASE("sampling: pixels from channels and back") {
  const Tensor x = reshape(arange(0, 8, 1, float64), {1, 4, 1, 2});
  const Tensor y = Tensor({{{{0, 2, 1, 3}, {4, 6, 5, 7}}}}, float64);
  CHECK(equal(pixel_shuffle(x, 2), y));
  CHECK(equal(pixel_unshuffle(y, 2), x));
  const Tensor z = wavy({2, 3, 18, 2, 1}, 0);
  CHECK(pixel_shuffle(z, 3).shape() == Shape{2, 3, 2, 6, 3});
  CHECK(equal(pixel_unshuffle(pixel_shuffle(z, 3), 3), z));
  const Function f = [](auto& in) { return pixel_shuffle(in[0], 2); };
  CHECK(slope_error(f, {wavy({1, 4, 2, 3}, 0.3)}) < 1e-8);
}

TEST_CASE("sampling: errors") {
  const Tensor x = zeros({1, 1, 2, 2});
  const auto begins = [](const std::string& text, const std::string& start) {
    CHECK_MESSAGE(text.substr(0, start.size()) == start, text);
  };
  const auto shape = [&](const char* start, auto f) { begins(message<ShapeError>(f), start); };
  const auto value = [&](const char* start, auto f) { begins(message<ValueError>(f), start); };
  shape("interpolate: x is [2, 2]; batch, channels and one to three spatial axes wanted", [] {
    interpolate(zeros({2, 2}), {.size = 2});
  });
  shape("interpolate: an image without points: x is [1, 1, 0]", [] {
    interpolate(zeros({1, 1, 0}), {.size = 2});
  });
  value("interpolate: one of size and scale_factor wanted", [&] { interpolate(x, {}); });
  value("interpolate: mode is 'cubic'; 'nearest', 'nearest-exact', 'area' or 'bilinear' wanted",
        [&] { interpolate(x, {.size = 2, .mode = "cubic"}); });
  value("interpolate: align_corners is for the linear modes, not for 'nearest'",
        [&] { interpolate(x, {.size = 2, .align_corners = true}); });
  value("interpolate: scale_factor is [-1] for 2 points of axis 0 of 2",
        [&] { interpolate(x, {.scale_factor = -1}); });
  shape("grid_sample: x is [1, 1, 2, 2], grid [1, 2, 2, 3]; [batch, channels, 2 or 3 axes]", [&] {
    grid_sample(x, zeros({1, 2, 2, 3}));
  });
  shape("grid_sample: an image without points: x is [1, 1, 0, 2]", [&] {
    grid_sample(zeros({1, 1, 0, 2}), zeros({1, 2, 2, 2}));
  });
  value("grid_sample: mode is 'bicubic'; 'bilinear' or 'nearest' wanted", [&] {
    grid_sample(x, zeros({1, 2, 2, 2}), {.mode = "bicubic"});
  });
  value("grid_sample: padding_mode is 'reflection'; 'zeros' or 'border' wanted", [&] {
    grid_sample(x, zeros({1, 2, 2, 2}), {.padding_mode = "reflection"});
  });
  begins(message<DTypeError>([&] {
           grid_sample(x, zeros({1, 2, 2, 2}, float64));
         }),
         "grid_sample: two floating tensors of one type wanted");
  shape("affine_grid: theta is [1, 2, 2], size [1, 1, 2, 2]", [] {
    affine_grid(zeros({1, 2, 2}), {1, 1, 2, 2});
  });
  shape("pixel_shuffle: 3 channels do not divide by 2^2; x is [1, 3, 2, 2]", [] {
    pixel_shuffle(zeros({1, 3, 2, 2}), 2);
  });
  shape("pixel_unshuffle: height and width do not divide by 3; x is [1, 1, 2, 2]",
        [&] { pixel_unshuffle(x, 3); });
  shape("pixel_shuffle: x is [2, 2], the factor 2; at least 3 axes and 1 wanted", [] {
    pixel_shuffle(zeros({2, 2}), 2);
  });
}
