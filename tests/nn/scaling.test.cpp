#include <xtape/nn/scaling.hpp>

#include "../check.hpp"
#include "refused.hpp"

using namespace xtape;
using check::refused;

namespace {

// Correlated samples [n, 3] with different means and spreads.
Tensor cloud(std::int64_t n, DType dtype = float64) {
  Generator generator(11);
  const Tensor mix({{3, 1, 0}, {0, .5, .2}, {1, 0, .1}}, float64);
  return cast(matmul(randn({n, 3}, float64, generator), mix) + Tensor({10, -4, 0.5}, float64),
              dtype);
}

Tensor covariance_of(const Tensor& x) {
  const Tensor off = x - mean(x, 0);
  return matmul(transpose(off), off) / static_cast<double>(x.size(0) - 1);
}

}  // namespace

TEST_CASE("scaling: standard, and back") {
  const Tensor x = cloud(500);
  const nn::Scaler scaler = nn::standard_scaler(x);
  const Tensor z = scaler.apply(x);
  CHECK(check::distance(mean(z, 0), zeros({3}, float64)) < 1e-13);
  CHECK(check::distance(var(z, 0, 0), ones({3}, float64)) < 1e-13);
  CHECK(check::distance(scaler.invert(z), x) < 1e-13);
  // constant features, one of them beyond what float32 can tell
  const Tensor flat({{0.1, 5, 1}, {0.1, 5, 2}, {0.1, 5, 3}});
  const nn::Scaler safe = nn::standard_scaler(flat);
  CHECK(check::distance(safe.scale, Tensor({1, 1, std::sqrt(2.0 / 3)})) < 1e-6);
  CHECK(check::distance(safe.apply(flat + 1),
                        Tensor({{1, 1, 0}, {1, 1, 1.2247449}, {1, 1, 2.4494897}})) < 1e-6);
  CHECK(check::equal(nn::standard_scaler(Tensor({{1, 2}})).scale, Tensor({1, 1})));
  CHECK(check::slope_error([&](const auto& in) { return scaler.apply(in[0]); }, {cloud(4)}) < 1e-8);
  CHECK(check::slope_error([&](const auto& in) { return scaler.invert(in[0]); }, {cloud(4)}) <
        1e-8);
}

TEST_CASE("scaling: channels and the mean image") {
  Generator generator(2);
  const Tensor x =
      randn({6, 2, 3, 4}, float64, generator) * reshape(Tensor({2, 5}, float64), {2, 1, 1}) + 1;
  const nn::Scaler centre = nn::channel_scaler(x), both = nn::channel_scaler(x, {.scale = true});
  CHECK(centre.mean.shape() == Shape{2, 1, 1});
  CHECK(check::distance(mean(centre.apply(x), {0, 2, 3}), zeros({2}, float64)) < 1e-14);
  CHECK(check::distance(centre.apply(x), x - mean(x, {0, 2, 3}, true)) < 1e-14);
  CHECK(check::distance(var(both.apply(x), {0, 2, 3}, 0), ones({2}, float64)) < 1e-13);
  CHECK(nn::channel_scaler(cloud(5)).mean.shape() == Shape{3});
  const nn::Scaler image = nn::mean_image(x);
  CHECK(check::distance(image.mean, mean(x, 0)) < 1e-15);
  CHECK(check::distance(image.invert(image.apply(x)), x) < 1e-14);
}

TEST_CASE("scaling: principal components") {
  const Tensor x = cloud(400);
  const nn::Pca pca = nn::fit_pca(x);
  const Tensor z = pca.apply(x);
  // uncorrelated, with the variances that it says, which sum to those of the features
  const Tensor expected = matmul(eye(3, float64) * pca.explained_variance, eye(3, float64));
  CHECK(check::distance(covariance_of(z), expected) < 1e-12);
  CHECK(check::distance(sum(pca.explained_variance), sum(var(x, 0))) < 1e-12);
  CHECK(check::distance(sum(pca.explained_variance_ratio), Tensor(1.0, float64)) < 1e-14);
  CHECK(pca.explained_variance.data<double>()[0] > pca.explained_variance.data<double>()[1]);
  CHECK(check::distance(matmul(pca.components, transpose(pca.components)), eye(3, float64)) <
        1e-13);
  CHECK(check::distance(pca.invert(z), x) < 1e-13);
  CHECK(amin(amax(pca.components, 1) + amin(pca.components, 1)).item<double>() >= 0);
  // the best plane: what is lost is the least variance
  const nn::Pca plane = nn::fit_pca(x, {.n_components = 2});
  const Tensor lost = x - plane.invert(plane.apply(x));
  CHECK(check::distance(sum(square(lost)) / 399, index(pca.explained_variance, {2})) < 1e-11);
  const nn::Pca white = nn::fit_pca(x, {.n_components = 2, .whiten = true});
  CHECK(check::distance(covariance_of(white.apply(x)), eye(2, float64)) < 1e-12);
  CHECK(check::distance(white.invert(white.apply(x)), plane.invert(plane.apply(x))) < 1e-12);
  CHECK(check::slope_error([&](const auto& in) { return white.apply(in[0]); }, {cloud(3)}) < 1e-8);
  CHECK(check::distance(nn::fit_pca(cloud(400, float32)).components,
                        cast(pca.components, float32)) < 1e-4);
}

TEST_CASE("scaling: components of few samples are those of the covariance") {
  Generator generator(4);
  const Tensor few = randn({4, 6}, float64, generator);
  const nn::Pca pca = nn::fit_pca(few);
  CHECK(pca.components.shape() == Shape{4, 6});
  const Tensor spread = matmul(covariance_of(few), transpose(pca.components));
  CHECK(check::distance(spread, transpose(pca.components) * pca.explained_variance) < 1e-13);
  CHECK(pca.explained_variance.data<double>()[3] < 1e-25);  // 4 samples span 3 axes
  CHECK(check::distance(pca.invert(pca.apply(few)), few) < 1e-13);
  const Tensor white = nn::fit_pca(few, {.whiten = true}).apply(few);
  CHECK(all(abs(white) < 10).item<bool>());
  // a feature that is constant among many samples
  const Tensor flat = cat({cloud(50), ones({50, 1}, float64)}, 1);
  for (const DType dtype : {float32, float64}) {
    const Tensor z = nn::fit_pca(cast(flat, dtype), {.whiten = true}).apply(cast(flat, dtype));
    CHECK(all(abs(z) < 10).item<bool>());
  }
}

TEST_CASE("scaling: ZCA whitens and stays close") {
  const Tensor x = cloud(6000);  // more than one block of rows
  const nn::Zca zca = nn::fit_zca(x, {.eps = 0});
  CHECK(check::distance(covariance_of(zca.apply(x)), eye(3, float64)) < 1e-9);
  CHECK(check::distance(zca.matrix, transpose(zca.matrix)) < 1e-12);
  CHECK(check::distance(zca.invert(zca.apply(x)), x) < 1e-10);
  const Tensor images = reshape(x, {1500, 4, 1, 3});
  const nn::Zca shaped = nn::fit_zca(images);
  CHECK(shaped.apply(images).shape() == images.shape());
  CHECK(check::distance(shaped.invert(shaped.apply(images)), images) < 1e-9);
  // a variance of 0 beside eps: the whole is finite
  const Tensor flat = cat({cloud(50), ones({50, 1}, float64)}, 1);
  CHECK(all(abs(nn::fit_zca(flat).apply(flat)) < 10).item<bool>());
  const Tensor v = Tensor({{1, 0}, {-1, 0}, {0, 0}}, float64);
  CHECK(nn::fit_zca(v, {.eps = 3}).apply(v).data<double>()[0] == doctest::Approx(0.5));
  CHECK(check::slope_error([&](const auto& in) { return zca.apply(in[0]); }, {cloud(3)}) < 1e-7);
}

TEST_CASE("scaling: what is refused") {
  const Tensor x = cloud(5);
  refused<DTypeError>(
      [] {
        nn::standard_scaler(zeros({2, 2}, int64));
      },
      {"standard_scaler: floating samples wanted, got int64"});
  refused<ShapeError>([] { nn::mean_image(zeros({3})); }, {"at least 1 samples", "got [3]"});
  refused<ShapeError>([] { nn::channel_scaler(zeros({0, 3})); }, {"got [0, 3]"});
  refused<ShapeError>([] { nn::fit_pca(zeros({1, 3})); }, {"at least 2 samples"});
  refused<ShapeError>([] { nn::fit_pca(zeros({2, 2, 2})); }, {"[n, features] wanted"});
  refused<ValueError>([&] { nn::fit_pca(x, {.n_components = 4}); },
                      {"4 components of 5 samples with 3 features"});
  refused<ValueError>([&] { nn::fit_zca(x, {.eps = -1}); }, {"eps is -1"});
  refused<ShapeError>(
      [&] {
        nn::fit_pca(x).apply(zeros({2, 4}, float64));
      },
      {"Pca::apply: samples of 3 features wanted, got [2, 4]"});
  refused<ShapeError>([&] { nn::fit_zca(x).invert(zeros({6}, float64)); }, {"Zca::invert"});
  refused<ShapeError>([&] { nn::standard_scaler(x).apply(zeros({2, 4}, float64)); }, {"[2, 4]"});
}
