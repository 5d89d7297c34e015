#include <xtape/nn/augment.hpp>

#include "../check.hpp"
#include "refused.hpp"

using namespace xtape;
using check::refused;

namespace {

Tensor counted(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w,
               DType dtype = float32) {
  return reshape(arange(static_cast<double>(n * c * h * w), dtype) + 1, {n, c, h, w});
}

// The centre of mass of one image, relative to its middle: (x, y) in pixels.
std::pair<double, double> centre(const Tensor& images, std::int64_t i) {
  const std::int64_t h = images.size(2), w = images.size(3);
  const double* value = images.data<double>() + i * h * w;
  double x = 0, y = 0, all = 0;
  for (std::int64_t r = 0; r < h; ++r)
    for (std::int64_t c = 0; c < w; ++c, ++value) {
      all += *value;
      x += *value * (static_cast<double>(c) - static_cast<double>(w - 1) / 2);
      y += *value * (static_cast<double>(r) - static_cast<double>(h - 1) / 2);
    }
  return {x / all, y / all};
}

}  // namespace

TEST_CASE("augment: flips mirror whole samples with their probabilities") {
  const Tensor x = counted(400, 2, 2, 3);
  const Tensor mirrored = index(x, {_, _, _, range(_, _, -1)});
  const Tensor turned = index(x, {_, _, range(_, _, -1)});
  CHECK(check::equal(nn::random_flip(x, {.horizontal = 0}), x));
  CHECK(check::equal(nn::random_flip(x, {.horizontal = 1}), mirrored));
  CHECK(check::equal(nn::random_flip(x, {.horizontal = 0, .vertical = 1}), turned));
  Generator generator(1), again(1);
  const Tensor out = nn::random_flip(x, {.horizontal = 0.25}, generator);
  int flipped = 0;
  for (std::int64_t i = 0; i < 400; ++i) {
    const bool is = check::equal(index(out, {i}), index(mirrored, {i}));
    CHECK((is || check::equal(index(out, {i}), index(x, {i}))));
    flipped += is;
  }
  CHECK(std::abs(flipped - 100) < 35);
  CHECK(check::equal(nn::random_flip(x, {.horizontal = 0.25}, again), out));
  CHECK_FALSE(check::equal(nn::random_flip(x, {.horizontal = 0.25}, again), out));
  CHECK_FALSE(nn::random_flip(counted(1, 1, 2, 2, float64).requires_grad(true)).requires_grad());
}

TEST_CASE("augment: crops are parts of the padded image at every place") {
  const Tensor x = counted(300, 2, 4, 5, float64);
  const Tensor padded = pad(x, {{0, 0}, {0, 0}, {2, 2}, {2, 2}}, {.value = -1});
  Generator generator(3);
  const Tensor out =
      nn::random_crop(x, {.padding = 2, .fill = -1, .height = 3, .width = 6}, generator);
  REQUIRE(out.shape() == Shape{300, 2, 3, 6});
  int seen[6][4] = {};
  for (std::int64_t i = 0; i < 300; ++i) {
    int matches = 0;
    for (int top = 0; top <= 5; ++top)
      for (int left = 0; left <= 3; ++left)
        if (check::equal(index(out, {i}),
                         index(padded, {i, _, range(top, top + 3), range(left, left + 6)}))) {
          ++matches;
          ++seen[top][left];
        }
    CHECK(matches == 1);
  }
  for (const auto& row : seen)
    for (const int count : row) CHECK(count > 0);
  CHECK(nn::random_crop(x).shape() == x.shape());
  CHECK(check::equal(nn::random_crop(x, {.padding = 0}), x));
}

TEST_CASE("augment: affine maps turn, move, scale and shear around the middle") {
  // nothing to draw: the image itself
  const Tensor x = counted(2, 3, 4, 6, float64);
  CHECK(check::distance(nn::random_affine(x), x) < 1e-13);
  Generator generator(5);
  // moved by up to a quarter of the width and height: a 2 by 2 blob keeps its mass
  Tensor blob = zeros({60, 1, 16, 24}, float64);
  assign(blob, {_, _, range(7, 9), range(11, 13)}, 1);
  const Tensor moved =
      nn::random_affine(blob, {.translate_x = 0.25, .translate_y = 0.125}, generator);
  double widest = 0, highest = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    const auto at = centre(moved, i);
    CHECK(sum(index(moved, {i})).item<double>() == doctest::Approx(4));
    widest = std::max(widest, std::abs(at.first));
    highest = std::max(highest, std::abs(at.second));
  }
  CHECK((widest > 4 && widest <= 6));
  CHECK((highest > 1 && highest <= 2));
  // turned: the distance to the middle stays, also where pixels are not square units
  Tensor dot = zeros({60, 1, 21, 31}, float64);
  assign(dot, {_, _, range(9, 12), range(21, 24)}, 1);  // 7 to the right of the middle
  const Tensor turned = nn::random_affine(dot, {.degrees = 60}, generator);
  double angle = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    const auto at = centre(turned, i);
    CHECK(std::hypot(at.first, at.second) == doctest::Approx(7).epsilon(0.02));
    angle = std::max(angle, std::abs(std::atan2(at.second, at.first)));
  }
  CHECK((angle > 0.8 && angle < 1.06));
  // scaled: half as far again from the middle, 2.25 times the mass
  const Tensor scaled = nn::random_affine(dot, {.scale_low = 1.5, .scale_high = 1.5}, generator);
  CHECK(centre(scaled, 0).first == doctest::Approx(10.5).epsilon(0.02));
  CHECK(sum(index(scaled, {0})).item<double>() == doctest::Approx(9 * 2.25).epsilon(0.05));
  const Tensor small = nn::random_affine(dot, {.scale_low = 0.5, .scale_high = 0.9}, generator);
  for (std::int64_t i = 0; i < 60; ++i) {
    CHECK(centre(small, i).first > 3.3);
    CHECK(centre(small, i).first < 6.5);
  }
  // sheared: rows move along x by their height times the tangent
  Tensor low = zeros({60, 1, 21, 31}, float64);
  assign(low, {_, _, range(15, 18), range(14, 17)}, 1);  // 6 below the middle
  const Tensor sheared = nn::random_affine(low, {.shear = 40}, generator);
  double slant = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    CHECK(centre(sheared, i).second == doctest::Approx(6).epsilon(0.01));
    slant = std::max(slant, std::abs(centre(sheared, i).first));
  }
  CHECK((slant > 4 && slant <= 6 * std::tan(40 * 3.14159265 / 180) + 0.05));
}

TEST_CASE("augment: elastic fields are smooth, of the size of alpha, and differ by sample") {
  const Tensor x = counted(3, 2, 8, 9, float64);
  CHECK(check::distance(nn::elastic(x, {.alpha = 0}), x) < 1e-12);
  // a ramp along x shows the displacement: its values are places
  const std::int64_t side = 28;
  const Tensor ramp = broadcast_to(arange(static_cast<double>(side), float64), {40, 1, side, side});
  Generator generator(9), again(9);
  const nn::ElasticOptions options{.padding_mode = "border"};
  const Tensor bent = nn::elastic(ramp, options, generator);
  CHECK(check::equal(nn::elastic(ramp, options, again), bent));
  const Tensor inside = index(bent - ramp, {_, 0, range(8, 20), range(8, 20)});
  // uniform noise of variance 1/3 smoothed by a Gaussian: variance 1 / (3 * 4 pi sigma^2)
  const double expected = 34 / std::sqrt(3 * 4 * 3.14159265 * 16);
  CHECK(stddev(inside).item<double>() == doctest::Approx(expected).epsilon(0.15));
  const Tensor steps = index(inside, {_, _, range(1, _)}) - index(inside, {_, _, range(_, -1)});
  CHECK(amax(abs(steps)).item<double>() < 1);  // no fold
  CHECK_FALSE(check::equal(index(bent, {0}), index(bent, {1})));
  // both channels bend alike; without smoothing the field is rough
  const Tensor two = nn::elastic(cat({ramp, ramp}, 1), options, generator);
  CHECK(check::equal(index(two, {_, 0}), index(two, {_, 1})));
  const Tensor rough = nn::elastic(ramp, {.alpha = 1, .sigma = 0, .padding_mode = "border"});
  CHECK(stddev(index(rough - ramp, {_, 0, range(8, 20), range(8, 20)})).item<double>() ==
        doctest::Approx(std::sqrt(1.0 / 3)).epsilon(0.05));
}

TEST_CASE("augment: noise and composition") {
  Generator generator(2), again(2);
  const Tensor x = ones({4, 3, 16, 16});
  const Tensor noisy = nn::add_noise(x, 0.5, generator);
  CHECK(stddev(noisy).item<double>() == doctest::Approx(0.5).epsilon(0.05));
  CHECK(mean(noisy).item<double>() == doctest::Approx(1).epsilon(0.05));
  CHECK(noisy.dtype() == float32);
  const nn::Augmentation all = nn::compose(
      {[](const Tensor& in, Generator& from) { return nn::add_noise(in, 0.5, from); },
       [](const Tensor& in, Generator& from) { return nn::random_flip(in, {}, from); }});
  const Tensor out = all(x, again);
  generator.set_stream(again.stream() - 2);
  CHECK(check::equal(out, nn::random_flip(noisy, {}, generator)));
  CHECK(check::equal(nn::compose({})(x, again), x));
  const Tensor none = zeros({0, 1, 4, 4});
  CHECK(nn::random_crop(nn::elastic(nn::random_affine(nn::random_flip(none)))).shape() ==
        none.shape());
}

TEST_CASE("augment: what is refused") {
  const Tensor x = zeros({1, 1, 4, 4});
  refused<ShapeError>(
      [] {
        nn::random_flip(zeros({4, 4}));
      },
      {"random_flip: images [n, channels, height, width] wanted, got [4, 4]"});
  refused<DTypeError>([] { nn::elastic(zeros({1, 1, 4, 4}, int64)); }, {"elastic: floating"});
  refused<ValueError>([&] { nn::random_flip(x, {.horizontal = 1.5}); }, {"horizontal is 1.5"});
  refused<ValueError>([&] { nn::random_flip(x, {.vertical = NAN}); }, {"vertical is nan"});
  refused<ValueError>([&] { nn::random_crop(x, {.padding = -1}); }, {"padding is -1"});
  refused<ValueError>([&] { nn::random_crop(x, {.width = -2}); }, {"width is -2"});
  refused<ShapeError>([&] { nn::random_crop(x, {.padding = 1, .height = 7}); },
                      {"a part of 7 by 4 from images [1, 1, 4, 4] padded by 1"});
  refused<ValueError>([&] { nn::random_affine(x, {.degrees = -1}); }, {"degrees is -1"});
  refused<ValueError>([&] { nn::random_affine(x, {.translate_y = INFINITY}); }, {"translate_y"});
  refused<ValueError>([&] { nn::random_affine(x, {.scale_low = 0}); }, {"scale_low is 0"});
  refused<ValueError>([&] { nn::random_affine(x, {.scale_high = 0.5}); }, {"scale_high is 0.5"});
  refused<ValueError>([&] { nn::random_affine(x, {.shear = 90}); }, {"shear is 90"});
  refused<ValueError>([&] { nn::random_affine(x, {.mode = "cubic"}); }, {"cubic"});
  refused<ValueError>([&] { nn::elastic(x, {.sigma = -1}); }, {"sigma is -1"});
  refused<ValueError>([&] { nn::add_noise(x, -1); }, {"add_noise: std is -1"});
}
